"""Boundary bands of masks, as bits.

Source: bowenc0221/boundary-iou-api, as used by emb-ai/rclicks,
isegm/isegm/inference/utils.py, `get_boundary_iou`.
"""

import math
from collections.abc import Sequence

import numpy as np

from rclicks_jax.ops.bit_masks import WORD


def band_width(shape: Sequence[int], ratio: float = 0.02) -> int:
    """Returns the width of the boundary band: a share of the diagonal, at least 1.

    Args:
        shape: Height and width come first.
        ratio: The share.
    """
    return max(1, round(ratio * math.hypot(shape[0], shape[1])))


def boundary_bands(bits: np.ndarray, width: int) -> np.ndarray:
    """Returns the pixels of masks within `width` (chessboard) of their outside.

    Args:
        bits: Bits of the masks, or of a part of each that has all its pixels, `u64[t h
            w/64]`; see `bit_masks`. What lies outside counts as outside of the mask.
        width: Width of the band, pixels.

    Returns:
        `u64[t h w/64]`.
    """
    masks, height, words = bits.shape
    # A word of zeros after each row and a row of them after each mask make one string
    # of all bits: what is true on and on ends at each side of a mask.
    spaced = np.zeros((masks, height + 1, words + 1), bits.dtype)
    spaced[:, :height, :words] = bits
    string, row = spaced.ravel(), words + 1
    long = 2 * width + 1
    # True where a square of true pixels begins, at its top left.
    squares = _true_across(_true_down(string, long, row), long)
    core = np.zeros_like(string)
    skip, shift = divmod(width, WORD)
    begin = width * row + skip
    centres = core[begin : begin + squares.size]
    centres |= squares[: centres.size] << shift
    if shift:
        carried = core[begin + 1 : begin + 1 + squares.size]
        carried |= squares[: carried.size] >> (WORD - shift)
    return (spaced & ~core.reshape(spaced.shape))[:, :height, :words]


def _true_down(string: np.ndarray, length: int, row: int) -> np.ndarray:
    """Finds from where on so many pixels of a column are true.

    Args:
        string: Rows of words, `u64[n]`.
        length: Pixels of the column.
        row: Words of a row.

    Returns:
        `u64[m]`; what is missing at the end is 0.
    """
    known = 1
    while known < length:
        more = min(known, length - known)
        string = string[: -more * row] & string[more * row :]
        known += more
    return string


def _true_across(string: np.ndarray, length: int) -> np.ndarray:
    """Finds from where on so many pixels are true, as `_true_down` for rows."""
    known = 1
    while known < length:
        more = min(known, length - known)
        skip, shift = divmod(more, WORD)
        moved = string[skip:] >> shift
        if shift:
            moved[:-1] |= string[skip + 1 :] << (WORD - shift)
        string = string[: moved.size] & moved
        known += more
    return string
