"""Figures of a run as SVG text. Pure functions of results."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rclicks_jax.metrics import interaction
from rclicks_jax.results import tables
from rclicks_jax.results.aggregate import DatasetResults

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = {"baseline": "#000000", "G10": "#0072B2", "G1": "#D55E00"}
_LABELS = {
    "baseline": "baseline (robot)",
    "G10": "G10 (likeliest places)",
    "G1": "G1 (unlikeliest places)",
}


def iou_per_click(results: Sequence[DatasetResults]) -> str:
    """Draws mean IoU after each click, a panel a dataset (Figure 6 of the paper).

    The legend has IoU-AuC. The grey band spans all groups.
    """
    size = (4.6, 3.3)
    return drawn(results, _draw_curves, size)


def curves_of(result: DatasetResults) -> dict[str, np.ndarray]:
    """Returns mean IoU after each click of each strategy, `f64[k]`, by its label."""
    every = tables.by_strategy(result).items()
    return {name: tables.mean_curve(areas.iou) for name, areas in every}


def drawn(
    panels: Sequence[Any], draw: Callable[[Any, Any], None], size: tuple[float, float]
) -> str:
    """Returns SVG text, a picture for each panel, which the page puts side by side.

    Args:
        panels: What each shows.
        draw: Draws one on Matplotlib axes.
        size: Of a panel in inches.
    """
    # Matplotlib takes a second to import.
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.hashsalt": "rclicks_jax",
        "svg.fonttype": "none",
        "font.size": 9,
    }
    pictures = []
    with matplotlib.rc_context(settings):
        for panel in panels:
            figure = Figure(figsize=size, layout="constrained")
            draw(figure.subplots(), panel)
            text = io.StringIO()
            figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
            svg = text.getvalue()
            pictures.append(svg[svg.index("<svg") :])
    return "".join(pictures)


def _draw_curves(axis: Any, result: DatasetResults) -> None:
    curves = curves_of(result)
    of_groups = [curve for name, curve in curves.items() if name.startswith("G")]
    if of_groups:
        stacked = 100 * np.stack(of_groups)
        clicks = np.arange(1, stacked.shape[1] + 1)
        low, high = stacked.min(axis=0), stacked.max(axis=0)
        axis.fill_between(clicks, low, high, color="#bbbbbb", alpha=0.5, linewidth=0)
    for name, colour in COLOURS.items():
        if name in curves:
            curve = curves[name]
            clicks = np.arange(1, curve.size + 1)
            area = 100 * float(interaction.iou_auc(curve))
            label = f"{_LABELS[name]}  {area:.2f}"
            axis.plot(clicks, 100 * curve, color=colour, label=label, linewidth=1.6)
    axis.set_title(f"{result.dataset} ({result.counts['ok']} objects)", fontsize=10)
    axis.set_xlabel("clicks")
    axis.set_ylabel("mean IoU, %")
    axis.set_xticks([1, 5, 10, 15, 20])
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="lower right", frameon=False, title="IoU-AuC", fontsize=8)
