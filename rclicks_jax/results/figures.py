"""Figures of a run as SVG text, made from its results alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rclicks_jax.metrics import interaction
from rclicks_jax.reporting import figure_style
from rclicks_jax.results import tables
from rclicks_jax.results.aggregate import DatasetResults

_LABELS = {
    "baseline": "baseline (robot)",
    "G10": "G10 (likeliest places)",
    "G1": "G1 (unlikeliest places)",
}


def iou_per_click(results: Sequence[DatasetResults]) -> str:
    """Draws mean IoU after each click, a panel for each dataset (paper Figure 6).

    The legend has IoU-AuC. The grey band spans all groups. The text is empty without
    results.
    """
    size = (4.6, 3.3)
    return figure_style.draw_panels(results, _draw_curves, size, _curves_in_words)


def curves_of(result: DatasetResults) -> dict[str, np.ndarray]:
    """Returns mean IoU after each click, `f64[k]`, by label of the strategy."""
    strategies = tables.by_strategy(result).items()
    return {name: tables.mean_curve(areas.iou) for name, areas in strategies}


def _curves_in_words(result: DatasetResults) -> str:
    ends = [
        f"{name} from {100 * curve[0]:.1f} % to {100 * curve[-1]:.1f} %"
        for name, curve in curves_of(result).items()
        if name in figure_style.COLOURS
    ]
    return f"Mean IoU from the first to the last click, {result.dataset}: " + "; ".join(
        ends
    )


def _draw_curves(axis: Any, result: DatasetResults) -> None:
    curves = curves_of(result)
    of_groups = [curve for name, curve in curves.items() if name.startswith("G")]
    if len(of_groups) > 1:
        stacked = 100 * np.stack(of_groups)
        clicks = np.arange(1, stacked.shape[1] + 1)
        low, high = stacked.min(axis=0), stacked.max(axis=0)
        axis.fill_between(clicks, low, high, color="#bbbbbb", alpha=0.5, linewidth=0)
    names = [name for name in figure_style.COLOURS if name in curves]
    for name, line in zip(names, figure_style.LINES, strict=False):
        curve = curves[name]
        clicks = np.arange(1, curve.size + 1)
        area = 100 * float(interaction.iou_auc(curve))
        label = f"{_LABELS[name]}  {area:.2f}"
        axis.plot(
            clicks,
            100 * curve,
            line,
            color=figure_style.COLOURS[name],
            label=label,
            linewidth=1.6,
        )
    count = result.counts["ok"]
    objects = "object" if count == 1 else "objects"
    axis.set_title(
        f"{figure_style.chart_name(result.dataset)} ({count} {objects})", fontsize=10
    )
    figure_style.clicks_axis(axis, max(curve.size for curve in curves.values()))
    if names:
        figure_style.legend_below(axis, "IoU-AuC ↑")
