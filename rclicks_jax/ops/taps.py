"""Bilinear resizing as two source pixels for each pixel of the result, along each axis.

Weights are computed on the host in double precision, as OpenCV does on x86, and applied
on a device (`resize.resample`). So a device resizes with OpenCV's weights, and one
program serves all sizes below its static shape: beyond an image, weights are 0.
"""

from typing import NamedTuple

import numpy as np

from rclicks_jax.ops.letterbox import Letterbox
from rclicks_jax.types import Array


class Taps(NamedTuple):
    """What each pixel along an axis of a result is made of.

    Attributes:
        lower: Index of a source pixel, `i32[n]`.
        upper: Index of another one, `i32[n]`.
        low: Weight of the first, `f32[n]`.
        high: Weight of the second, `f32[n]`; both weights are 0 where nothing is.
    """

    lower: Array
    upper: Array
    low: Array
    high: Array


class Axes(NamedTuple):
    """The taps of rows and of columns."""

    rows: Taps
    columns: Taps


def place(box: Letterbox) -> Axes:
    """Returns taps that resize an image into its square, as `letterbox.place`.

    Returns:
        Taps of the length of the square's side; the source is the image.
    """
    y0, y1, x0, x1 = box.box
    return Axes(
        _shifted(_axis(box.height, y1 - y0), box.size, to=y0),
        _shifted(_axis(box.width, x1 - x0), box.size, to=x0),
    )


def restore(box: Letterbox, shape: tuple[int, int]) -> Axes:
    """Returns taps that cut an image out of its square, as `letterbox.restore`.

    Args:
        box: The letterbox.
        shape: Static height and width, not less than those of the image.

    Returns:
        Taps of these lengths; the source is the square.
    """
    y0, y1, x0, x1 = box.box
    return Axes(
        _shifted(_axis(y1 - y0, box.height), shape[0], source=y0),
        _shifted(_axis(x1 - x0, box.width), shape[1], source=x0),
    )


def _axis(source: int, target: int) -> Taps:
    """Returns the taps of an axis of `target` pixels, made of `source` pixels."""
    places = (np.arange(target) + 0.5) * source / target - 0.5
    lower = np.floor(places).astype(np.int32)
    share = (places - lower).astype(np.float32)
    share[(lower < 0) | (lower >= source - 1)] = 0
    lower = np.clip(lower, 0, source - 1)
    upper = np.minimum(lower + 1, source - 1)
    return Taps(lower, upper, 1 - share, share)


def _shifted(taps: Taps, length: int, *, to: int = 0, source: int = 0) -> Taps:
    """Returns taps of a static length.

    Args:
        taps: The taps of an image.
        length: Length of the result.
        to: Where the image begins in the result.
        source: Where the image begins in the source.
    """
    padding = to, length - to - len(taps.lower)
    lower, upper, low, high = (np.pad(each, padding) for each in taps)
    return Taps(lower + np.int32(source), upper + np.int32(source), low, high)
