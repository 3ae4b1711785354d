"""A plot of an image, its click map and clicks, for notebooks.

figure = plots.plot_clicks(image, click_map, clicks_yx, target=target)
figure.savefig("clicks.png")
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from rclicks_jax import errors
from rclicks_jax.clicks import simulate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POSITIVE, _NEGATIVE = "#009e73", "#d55e00"
# Length of the longer side of a figure, in inches.
_SIDE = 6.0
_FAINTEST = 0.1


def plot_clicks(
    image: ArrayLike,
    click_map: ArrayLike | None = None,
    clicks_yx: ArrayLike | None = None,
    *,
    target: ArrayLike | None = None,
    positive: ArrayLike | None = None,
    title: str = "",
) -> Figure:
    """Draws a click map and clicks over an image.

    Positive clicks are circles with a plus, negative clicks are squares with a minus;
    lines and marks can be seen on any colour.

    Args:
        image: The image, RGB `u8[h w 3]`, or grey `u8[h w]`.
        click_map: Click map, non-negative, `[h w]`, of any sum; None to draw none.
        clicks_yx: Position `(y, x)` of each click on the image, `[n 2]`; None for no
            clicks.
        target: Mask `[h w]`, as in `simulate.click_map`, which is outlined.
        positive: Whether each click is a foreground click, `bool[n]`; None if all are.
        title: Title above the plot.

    Returns:
        A Matplotlib figure, which notebooks show and `savefig` writes. It has no window
        and need not be closed.

    Raises:
        BadValueError: An array cannot be used; the message says why.

    Examples:
        >>> import numpy as np, rclicks_jax
        >>> image = np.zeros((40, 60, 3), np.uint8)
        >>> figure = rclicks_jax.plot_clicks(image, clicks_yx=[(20, 30), (5, 50)])
        >>> figure.savefig("clicks.png")
    """
    everything = np.ones(np.shape(image)[:2], bool)
    picture, mask, _ = simulate.query(image, everything if target is None else target)
    shape = picture.shape[:2]
    yx, signs = _clicks(clicks_yx, positive, shape)
    figure = _figure_class()(
        figsize=_SIDE * np.array(shape[::-1]) / max(shape), layout="constrained"
    )
    axis = figure.subplots()
    axis.imshow(picture)
    if click_map is not None:
        _draw_map(axis, _density(click_map, shape))
    if target is not None:
        _draw_outline(axis, mask)
    for sign, colour, marks in (
        (True, _POSITIVE, ("o", "+")),
        (False, _NEGATIVE, ("s", "_")),
    ):
        chosen = yx[signs == sign]
        if len(chosen):
            kind = "positive" if sign else "negative"
            plain: dict[str, Any] = {"linestyle": "none"}
            label = f"{kind} clicks ({len(chosen)})"
            axis.plot(*chosen.T[::-1], marks[0], ms=9, mfc=colour, mec="white",
                      label=label, **plain)  # fmt: skip
            axis.plot(*chosen.T[::-1], marks[1], ms=5, mec="white", mew=1.5, **plain)
    if (~signs).any():
        axis.legend(loc="best", fontsize="small")
    axis.set_axis_off()
    axis.set_title(title, parse_math=False)
    axis.set_xlim(-0.5, shape[1] - 0.5)
    axis.set_ylim(shape[0] - 0.5, -0.5)
    return figure


def _clicks(
    clicks_yx: ArrayLike | None, positive: ArrayLike | None, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns clicks, `f64[n 2]`, and their signs, `bool[n]`."""
    given = np.asarray([] if clicks_yx is None else clicks_yx)
    yx = given.reshape(0, 2) if not given.size else given
    if yx.ndim != 2 or yx.shape[1] != 2 or yx.dtype.kind not in "fiu":
        got = f"{given.dtype} of shape {given.shape}"
        raise errors.BadValueError("clicks_yx", got, "numbers (y, x), [n 2]")
    outside = ~((yx >= 0) & (yx <= np.array(shape) - 1)).all(axis=1)
    if outside.any():
        y, x = yx[outside][0].tolist()
        raise errors.BadValueError(
            "clicks_yx",
            f"({y:g}, {x:g})",
            f"(y, x) on the image, which is {shape[0]} high and {shape[1]} wide",
        )
    signs = np.ones(len(yx), bool) if positive is None else np.asarray(positive)
    if signs.dtype != bool or signs.shape != (len(yx),):
        got = f"{signs.dtype} of shape {signs.shape}"
        raise errors.BadValueError("positive", got, f"bool of shape ({len(yx)},)")
    return yx.astype(np.float64), signs


def _density(click_map: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    density = np.asarray(click_map)
    known = density.shape == shape and density.dtype.kind in "fiu"
    if not known or not (np.isfinite(density) & (density >= 0)).all():
        got = f"{density.dtype} of shape {density.shape}"
        allowed = f"finite numbers, not negative, of shape {shape}"
        raise errors.BadValueError("click_map", got, allowed)
    return density.astype(np.float64)


def _draw_map(axis: Any, density: np.ndarray) -> None:
    peak = float(density.max(initial=0))
    if peak > 0:
        strength = density / peak
        alpha = np.where(strength > 0, np.maximum(strength**0.5, _FAINTEST), 0) * 0.8
        axis.imshow(strength, cmap="inferno", vmin=0, vmax=1, alpha=alpha)


def _draw_outline(axis: Any, mask: np.ndarray) -> None:
    # The padding closes the outline of an object at the border of the image.
    padded = np.pad(np.asarray(mask, np.float32), 1)
    ys, xs = (np.arange(-1, side + 1) for side in mask.shape)
    for colour, width in (("black", 3), ("white", 1.5)):
        axis.contour(xs, ys, padded, [0.5], colors=colour, linewidths=width)


@functools.cache
def _figure_class() -> type[Figure]:
    """Returns a figure that notebooks show without `pyplot`."""
    # Importing Matplotlib takes a second.
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        """A figure that a notebook shows if it is the last value of a cell."""

        def _repr_png_(self) -> bytes:
            content = io.BytesIO()
            self.savefig(content, format="png")
            return content.getvalue()

    return ShownFigure
