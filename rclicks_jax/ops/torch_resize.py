"""Matrices that resize as PyTorch does, with the roundings of its float32.

Source: pytorch/pytorch, `upsample_bilinear2d`, `_upsample_bilinear2d_aa` and
`upsample_bicubic2d` on CPU, without aligned corners if nothing else is said.
"""

import numpy as np

# Slope of the cubic at a distance of 1; other libraries have -0.5.
_CUBIC = -0.75


def bilinear(source: int, target: int) -> np.ndarray:
    """Returns the matrix that resizes an axis without smoothing, `f32[target source]`.

    Args:
        source: Length of the axis.
        target: Length of the result.
    """
    matrix = np.zeros((target, source), np.float32)
    lower, upper, share = bilinear_taps(source, target)
    rows = np.arange(target)
    np.add.at(matrix, (rows, lower), 1 - share)
    np.add.at(matrix, (rows, upper), share)
    return matrix


def bilinear_taps(source: int, target: int) -> tuple[np.ndarray, ...]:
    """Returns the two neighbours of each pixel of the result, and the second's share.

    Returns:
        `i64[target]`, `i64[target]`, `f32[target]`.
    """
    scale = np.float32(source) / np.float32(target)
    places = scale * (np.arange(target).astype(np.float32) + np.float32(0.5))
    places = np.maximum(places - np.float32(0.5), np.float32(0))
    lower = np.minimum(places.astype(np.int64), source - 1)
    share = np.clip(places - lower.astype(np.float32), 0, 1).astype(np.float32)
    return lower, np.minimum(lower + 1, source - 1), share


def aligned(source: int, target: int) -> np.ndarray:
    """Returns the matrix that resizes with aligned corners, `f32[target source]`.

    The first and the last pixel of both lie on each other.
    """
    matrix = np.zeros((target, source), np.float32)
    scale = np.float32(source - 1) / np.float32(max(target - 1, 1))
    places = scale * np.arange(target).astype(np.float32)
    lower = np.minimum(places.astype(np.int64), source - 1)
    share = np.clip(places - lower.astype(np.float32), 0, 1).astype(np.float32)
    rows = np.arange(target)
    np.add.at(matrix, (rows, lower), 1 - share)
    np.add.at(matrix, (rows, np.minimum(lower + 1, source - 1)), share)
    return matrix


def bicubic(source: int, target: int) -> np.ndarray:
    """Returns the matrix that resizes an axis with cubics, `f32[target source]`.

    Nothing is smoothed, and pixels beyond an edge are those at the edge.

    Args:
        source: Length of the axis.
        target: Length of the result.
    """
    scale = np.float32(source) / np.float32(target)
    places = scale * (np.arange(target).astype(np.float32) + np.float32(0.5))
    places -= np.float32(0.5)
    lower = np.floor(places)
    share = places - lower
    matrix = np.zeros((target, source), np.float32)
    for offset in (-1, 0, 1, 2):
        distance = np.abs(share - np.float32(offset))
        column = np.clip(lower.astype(np.int64) + offset, 0, source - 1)
        np.add.at(matrix, (np.arange(target), column), _cubic(distance))
    return matrix


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Returns the weights of pixels at distances of at most 2, `f32[n]`."""
    near = ((_CUBIC + 2) * distance - (_CUBIC + 3)) * distance * distance + 1
    far = ((distance - 5) * distance + 8) * distance - 4
    return np.where(distance <= 1, near, np.float32(_CUBIC) * far).astype(np.float32)


def antialiased(source: int, target: int) -> np.ndarray:
    """Returns the matrix that resizes an axis with a triangle, `f32[target source]`.

    Where the axis gets shorter the triangle is as much wider, so that all pixels count.

    Args:
        source: Length of the axis.
        target: Length of the result.
    """
    scale = np.float32(source) / np.float32(target)
    support = max(scale, np.float32(1))
    centres = scale * (np.arange(target).astype(np.float32) + np.float32(0.5))
    first = np.maximum((centres - support + np.float32(0.5)).astype(np.int64), 0)
    last = np.minimum((centres + support + np.float32(0.5)).astype(np.int64), source)
    reach = int((last - first).max())
    offsets = np.arange(reach)
    places = first[:, None] + offsets
    distance = places.astype(np.float32) - centres[:, None]
    inverse = np.float32(1) / scale if scale >= 1 else np.float32(1)
    distance = np.abs((distance.astype(np.float64) + 0.5) * inverse)
    weights = np.maximum(1 - distance, 0).astype(np.float32)
    weights[places >= last[:, None]] = 0
    weights /= weights.sum(axis=1, keepdims=True, dtype=np.float32)
    matrix = np.zeros((target, source), np.float32)
    rows = np.broadcast_to(np.arange(target)[:, None], places.shape)
    np.add.at(matrix, (rows, np.minimum(places, source - 1)), weights)
    return matrix
