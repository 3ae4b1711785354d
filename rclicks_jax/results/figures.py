"""Figures of a run as SVG text. Pure functions of results."""

import html
import io
import re
import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rclicks_jax.metrics import interaction
from rclicks_jax.results import pages, tables
from rclicks_jax.results.aggregate import DatasetResults

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = {"baseline": "#000000", "G10": "#0072B2", "G1": "#D55E00"}
_LABELS = {
    "baseline": "baseline (robot)",
    "G10": "G10 (likeliest places)",
    "G1": "G1 (unlikeliest places)",
}
# Lines differ in more than colour.
LINES = ("-", "--", "-.", ":")
_LONGEST_NAME = 32
_IDS = re.compile(r'(\bid="|href="#|url\(#)')


def iou_per_click(results: Sequence[DatasetResults]) -> str:
    """Draws mean IoU after each click, a panel a dataset (Figure 6 of the paper).

    The legend has IoU-AuC. The grey band spans all groups. Empty without results.
    """
    size = (4.6, 3.3)
    return drawn(results, _draw_curves, size, _curves_in_words)


def curves_of(result: DatasetResults) -> dict[str, np.ndarray]:
    """Returns mean IoU after each click of each strategy, `f64[k]`, by its label."""
    every = tables.by_strategy(result).items()
    return {name: tables.mean_curve(areas.iou) for name, areas in every}


def drawn(
    panels: Sequence[Any],
    draw: Callable[[Any, Any], None],
    size: tuple[float, float],
    in_words: Callable[[Any], str],
) -> str:
    """Returns SVG text, a picture for each panel, which the page puts side by side.

    Args:
        panels: What each shows; none make an empty text.
        draw: Draws one on Matplotlib axes.
        size: Of a panel in inches.
        in_words: Says what one shows, for those who do not see it.
    """
    if not panels:
        return ""
    # Matplotlib takes a second to import.
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.hashsalt": "rclicks_jax",
        "svg.fonttype": "none",
        "font.size": 9,
        # Names may hold dollars.
        "text.parse_math": False,
    }
    pictures = []
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The reader's fonts draw the text; ours only measure it.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        for number, panel in enumerate(panels):
            figure = Figure(figsize=size, layout="constrained")
            draw(figure.subplots(), panel)
            text = io.StringIO()
            figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
            svg = text.getvalue()
            svg = svg[svg.index("<svg") :]
            pictures.append(_alone(svg, in_words(panel), number))
    return "".join(pictures)


def _alone(svg: str, said: str, number: int) -> str:
    """Gives an SVG its description, and ids that no other of the page has."""
    own = f"c{zlib.crc32(said.encode('utf-8', 'backslashreplace')):08x}-{number}-"
    svg = _IDS.sub(lambda found: found[0] + own, svg)
    label = html.escape(pages.showable(said), quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def name_of(text: str) -> str:
    """Returns a name as a chart can draw it: in a line, not empty, not too long.

    Matplotlib leaves a name that begins with an underscore out of legends.
    """
    shown = pages.showable(" ".join(text.split()))
    if len(shown) > _LONGEST_NAME:
        shown = f"{shown[: _LONGEST_NAME - 1]}…"
    return f"\u200b{shown}" if shown.startswith("_") else shown or "unnamed"


def _curves_in_words(result: DatasetResults) -> str:
    ends = [
        f"{name} from {100 * curve[0]:.1f} % to {100 * curve[-1]:.1f} %"
        for name, curve in curves_of(result).items()
        if name in COLOURS
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
    named = [name for name in COLOURS if name in curves]
    for name, line in zip(named, LINES, strict=False):
        curve = curves[name]
        clicks = np.arange(1, curve.size + 1)
        area = 100 * float(interaction.iou_auc(curve))
        label = f"{_LABELS[name]}  {area:.2f}"
        axis.plot(
            clicks, 100 * curve, line, color=COLOURS[name], label=label, linewidth=1.6
        )
    count = result.counts["ok"]
    objects = "object" if count == 1 else "objects"
    axis.set_title(f"{name_of(result.dataset)} ({count} {objects})", fontsize=10)
    clicks_axis(axis, max(curve.size for curve in curves.values()))
    if named:
        legend_below(axis, "IoU-AuC ↑")


def clicks_axis(axis: Any, clicks: int) -> None:
    """Labels the axes of a chart of IoU over clicks."""
    axis.set_xlabel("clicks")
    axis.set_ylabel("mean IoU, % ↑")
    axis.set_xticks(sorted({1, *range(5, clicks + 1, 5), clicks}))
    plain(axis)


def legend_below(axis: Any, title: str = "") -> None:
    """Puts the legend below the axes, where it covers no curve and no point."""
    labels = axis.get_legend_handles_labels()[1]
    if labels:
        longest = max(map(len, labels))
        axis.figure.legend(
            loc="outside lower center",
            ncols=1 if longest > _LONGEST_NAME // 2 else 2,
            frameon=False,
            title=title or None,
            fontsize=8,
        )


def plain(axis: Any) -> None:
    """Draws a light grid, and no frame on the right and above."""
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
