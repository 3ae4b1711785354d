"""How figures look: SVG text, axes, legends, colours and names."""

import html
import io
import re
import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from rclicks_jax.reporting import pages

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = {"baseline": "#000000", "G10": "#0072B2", "G1": "#D55E00"}


# Lines differ in more than colour.
LINES = ("-", "--", "-.", ":")


_LONGEST_NAME = 32


_IDS = re.compile(r'(\bid="|href="#|url\(#)')


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
