"""A few lengths for arrays of any size, so that few programs are compiled."""

from collections.abc import Sequence

import numpy as np


def bucket_length(length: int) -> int:
    """Rounds up to a power of two or three quarters of it."""
    power = 1 << max(0, (length - 1).bit_length())
    return power * 3 // 4 if power >= 4 and length <= power * 3 // 4 else power


def static_shape(shape: Sequence[int]) -> tuple[int, int]:
    """Rounds the sides of an image up, so that images share few shapes.

    Args:
        shape: Height and width come first.

    Returns:
        Height and width, from 128 on, both of them `bucket_length`s.
    """
    height, width = (bucket_length(max(side, 128)) for side in shape[:2])
    return height, width


def fine_shape(shape: Sequence[int]) -> tuple[int, int]:
    """Rounds the sides of an image up by an eighth at most, where pixels are dear.

    Args:
        shape: Height and width come first.

    Returns:
        Height and width. Between two powers of two there are eight lengths, so a data
        set whose photographs differ has many more shapes than `static_shape`.
    """
    height, width = (_fine_length(side) for side in shape[:2])
    return height, width


def _fine_length(length: int) -> int:
    step = max(1, (1 << (length - 1).bit_length()) // 16)
    return -(-length // step) * step


def flatten(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Flattens arrays of any shapes into rows of one bucket's length.

    Args:
        arrays: At least one, all of the same dtype.

    Returns:
        `[len(arrays) n]`, each array in row-major order and then zeros.
    """
    length = bucket_length(max(array.size for array in arrays))
    rows = np.zeros((len(arrays), length), arrays[0].dtype)
    for row, array in zip(rows, arrays, strict=True):
        row[: array.size] = array.ravel()
    return rows
