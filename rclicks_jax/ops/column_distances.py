"""Exact squared depths of a few pixels of masks, from distances along the columns.

The nearest pixel outside a mask lies in some column: its squared distance is that of
the column and that along the column, added.
"""

import numpy as np

from rclicks_jax.ops.bit_masks import BLOCK, BitMask


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
    step = 1
    while step <= reach:
        more = distances.dtype.type(step)
        for here, there in (
            (distances[step:], distances[:-step]),
            (distances[:-step], distances[step:]),
        ):
            np.minimum(here, there + more, out=here)
        step *= 2


def neighbours(distances: np.ndarray, reach: int) -> np.ndarray:
    """Returns a view of the distances in so many columns on both sides of each.

    Args:
        distances: Distances along the columns, `[y x]`.
        reach: Columns on each side.

    Returns:
        `[y x-2*reach 2*reach+1]`; the first column is the one at `reach`.
    """
    height, width = distances.shape
    return np.lib.stride_tricks.as_strided(
        distances,
        (height, width - 2 * reach, 2 * reach + 1),
        (*distances.strides, distances.strides[1]),
        writeable=False,
    )


def squares(vertical: np.ndarray, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """Returns squared distances of pixels to the nearest one outside, `i32[n]`.

    Args:
        vertical: What `neighbours` returns; no distance is beyond its reach.
        ys: Rows of the pixels.
        xs: Their columns.
    """
    reach = vertical.shape[2] // 2
    squared = vertical[ys, xs - reach].astype(np.int32)
    squared *= squared
    squared += np.arange(-reach, reach + 1, dtype=np.int32) ** 2
    return squared.min(axis=1)
