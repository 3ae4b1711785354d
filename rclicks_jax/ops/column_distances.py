"""Exact squared depths of a few pixels of masks, from distances along the columns.

The nearest pixel outside a mask lies in some column: its squared distance is that of
the column and that along the column, added.
"""

import numpy as np

from rclicks_jax.ops.bit_masks import BLOCK, BitMask

# Distances that are squared together: they stay in the cache.
_TOGETHER = 1 << 17


def draw(mask: BitMask, top: int, left: int, value: int, out: np.ndarray) -> None:
    """Writes a value where a mask is true.

    Args:
        mask: The mask.
        top: Row of blocks of the first row; negative above the image.
        left: Column of blocks of the first column.
        value: The value.
        out: Where to write, `[y x]`; outside the image nothing is written.
    """
    columns = mask.bits.view(np.uint8)
    height, width = columns.shape[0] // BLOCK, columns.shape[1]
    y0, y1 = max(0, top), min(height, top + out.shape[0] // BLOCK)
    x0, x1 = max(0, left), min(width, left + out.shape[1] // BLOCK)
    inside = columns[BLOCK * y0 : BLOCK * y1, x0:x1]
    pixels = np.unpackbits(inside, axis=1, bitorder="little")
    y, x = BLOCK * (y0 - top), BLOCK * (x0 - left)
    part = out[y : y + pixels.shape[0], x : x + pixels.shape[1]]
    np.multiply(pixels, out.dtype.type(value), out=part)


def spread(distances: np.ndarray, reach: int) -> None:
    """Makes distances along the columns of zeros and of values beyond reach."""
    farther = np.empty_like(distances)
    step = 1
    while step <= reach:
        np.add(distances, distances.dtype.type(step), out=farther)
        below, above = distances[step:], distances[:-step]
        np.minimum(below, farther[:-step], out=below)
        np.minimum(above, farther[step:], out=above)
        step *= 2


def squares(
    vertical: np.ndarray, places: np.ndarray, reaches: np.ndarray
) -> np.ndarray:
    """Returns squared distances of pixels to the nearest one outside, `i32[n]`.

    Args:
        vertical: Distances along the columns, one row after the other, `u8[m]` or
            `u16[m]`; none is more than the reach of its row and 1. Columns beyond the
            reach may be missing: it does not matter what is read in their place.
        places: Where the pixels are, `i64[n]`.
        reaches: Distance that the result does not exceed, `i64[n]`, descending.
    """
    results = np.empty(len(places), np.int32)
    # Twice the square of half the largest u8 is a u16.
    kind = np.uint16 if vertical.dtype == np.uint8 else np.int32
    first = 0
    while first < len(places):
        reach = int(reaches[first])
        columns = 2 * reach + 1
        last = first + max(1, _TOGETHER // columns)
        # Row `x` of this view is what is within reach of pixel `x + reach`.
        near = np.ndarray(
            (len(vertical) - 2 * reach, columns),
            vertical.dtype,
            vertical,
            strides=2 * vertical.strides,
        )
        squared = near[places[first:last] - reach].astype(kind)
        squared *= squared
        squared += (np.arange(-reach, reach + 1) ** 2).astype(kind)
        results[first:last] = squared.min(axis=1)
        first = last
    return results
