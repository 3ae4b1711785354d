"""The style of figures: SVG text, axes, legends, colours and names."""

import html
import io
import re
import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from rclicks_jax.reporting import pages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

P = TypeVar("P")
# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = {"baseline": "#000000", "G10": "#0072B2", "G1": "#D55E00"}
# Lines differ in style too, not only in colour.
LINES = ("-", "--", "-.", ":")
_LONGEST_NAME = 32
_IDS = re.compile(r'(\bid="|href="#|url\(#)')


def draw_panels(
    panels: Sequence[P],
    draw: Callable[["Axes", P], None],
    size: tuple[float, float],
    in_words: Callable[[P], str],
) -> str:
    """Returns SVG text: a picture for each panel, which a page puts side by side.

    Args:
        panels: The data of each panel; without panels the text is empty.
        draw: Function that draws a panel on Matplotlib axes.
        size: Width and height of a panel in inches.
        in_words: Function that describes a panel for readers who do not see it.
    """
    if not panels:
        return ""
    # Importing Matplotlib takes a second.
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.hashsalt": "rclicks_jax",
        "svg.fonttype": "none",
        "font.size": 9,
        # Names may hold dollars.
        "text.parse_math": False,
    }
    pictures: list[str] = []
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Text is drawn with the reader's fonts; ours only measure it.
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


def _alone(svg: str, description: str, number: int) -> str:
    """Adds a description to an SVG, and makes its ids unique in the page."""
    own = (
        f"c{zlib.crc32(description.encode('utf-8', 'backslashreplace')):08x}-{number}-"
    )
    svg = _IDS.sub(lambda match: match[0] + own, svg)
    label = html.escape(pages.showable(description), quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def chart_name(text: str) -> str:
    """Returns a name for a chart: on one line, not empty, not too long.

    Matplotlib leaves names that begin with an underscore out of legends.
    """
    name = pages.showable(" ".join(text.split()))
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 1]}…"
    return f"\u200b{name}" if name.startswith("_") else name or "unnamed"


def clicks_axis(axis: "Axes", clicks: int) -> None:
    """Labels the axes of a chart of IoU over clicks."""
    axis.set_xlabel("clicks")
    axis.set_ylabel("mean IoU, % ↑")
    axis.set_xticks(sorted({1, *range(5, clicks + 1, 5), clicks}))
    plain(axis)


def legend_below(axis: "Axes", title: str = "") -> None:
    """Puts the legend below the axes, where it covers nothing."""
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


def plain(axis: "Axes") -> None:
    """Draws a light grid, and removes the frame on the right and at the top."""
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
