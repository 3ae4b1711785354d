"""Exact Euclidean distances to the nearest pixel outside a mask, compared as integers.

OpenCV's precise transform gives the float32 square root of an integer, whose last bit
may be wrong and may change with where arrays lie in memory. Below 1024 pixels its
square is still nearest to the right integer.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from rclicks_jax.ops import masks

# From this distance on, a float32 root that is wrong in its last bit can be another
# integer's.
_EXACT_BELOW = 1024
# Side of a block of pixels, and the fewest blocks of a side that say anything.
_BLOCK, _LEAST_BLOCKS = 4, 24


def distance_inside(mask: np.ndarray, *, pad_border: bool) -> np.ndarray:
    """Returns the distance of each true pixel to the nearest false one.

    Args:
        mask: `bool[h w]`.
        pad_border: Whether what lies outside the image counts as false. Without it, a
            mask without a false pixel has OpenCV's very large distance everywhere.

    Returns:
        `f32[h w]`, 0 where `mask` is false.
    """
    drawn = masks.padded(mask) if pad_border else mask.astype(np.uint8)
    distances = cv2.distanceTransform(drawn, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distances[1:-1, 1:-1] if pad_border else distances


def deepest_pixel(mask: np.ndarray, allowed: np.ndarray) -> tuple[int, tuple[int, int]]:
    """Finds the allowed pixel of `mask` that is farthest from everything outside it.

    What lies outside the image counts as outside the mask. Only the box of the mask
    is transformed: no pixel beyond the ring around it is nearer than the ring.

    Args:
        mask: `bool[h w]`.
        allowed: Pixels that may be returned, `bool[h w]`.

    Returns:
        The squared distance and the `(y, x)` of the first such pixel in row-major
        order; `(0, (0, 0))` if no pixel of `mask` is allowed.
    """
    box = masks.bounding_box(mask)
    if box is None:
        return 0, (0, 0)
    y0, y1, x0, x1 = box
    inside = mask[y0:y1, x0:x1]
    # No pixel is deeper than half the shorter side.
    roots = min(inside.shape) < 2 * _EXACT_BELOW
    depth = distance_inside(inside, pad_border=True) if roots else _squared(inside)
    depth = depth * allowed[y0:y1, x0:x1]
    deepest = depth.max()
    if deepest == 0:
        return 0, (0, 0)
    square = round(float(deepest) ** 2) if roots else int(deepest)
    # All roots of the same integer.
    first = np.argmax(depth > math.sqrt(square - 0.5) if roots else depth == deepest)
    y, x = divmod(int(first), x1 - x0)
    return square, (y0 + y, x0 + x)


def is_deeper(first: np.ndarray, second: np.ndarray, except_yx: np.ndarray) -> bool:
    """Tells whether the deepest pixel of one mask is deeper than that of another.

    The answer is that of `deepest_pixel`. Most masks differ so much that bounds of
    their depth tell, which take a fraction of the time.

    Args:
        first: `bool[h w]`.
        second: `bool[h w]`.
        except_yx: Pixels that do not count, `i32[n 2]`.
    """
    ours, others = _Cut.of(first, except_yx), _Cut.of(second, except_yx)
    for bounds in (_bounds_by_size, _bounds_by_blocks, _bounds_by_chamfer):
        low, high = bounds(ours)
        other_low, other_high = bounds(others)
        if low > other_high:
            return True
        if high <= other_low:
            return False
    allowed = np.ones(first.shape, bool)
    ys, xs = except_yx.T
    allowed[ys, xs] = False
    return deepest_pixel(first, allowed)[0] > deepest_pixel(second, allowed)[0]


class _Cut(NamedTuple):
    """The box of a mask; an empty array if no pixel is true.

    Attributes:
        inside: The mask in its box, `bool[h w]`.
        except_yx: Pixels of the box that do not count, `i32[n 2]`.
    """

    inside: np.ndarray
    except_yx: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray, except_yx: np.ndarray) -> "_Cut":
        y0, y1, x0, x1 = masks.bounding_box(mask) or (0, 0, 0, 0)
        shifted = except_yx - (y0, x0)
        lies_inside = ((shifted >= 0) & (shifted < (y1 - y0, x1 - x0))).all(axis=1)
        return cls(mask[y0:y1, x0:x1], shifted[lies_inside])


def _bounds_by_size(cut: _Cut) -> tuple[float, float]:
    """Bounds the depth of the deepest pixel by the sides and the area of a mask."""
    area = np.count_nonzero(cut.inside)
    if not area:
        return 0, 0
    # All pixels nearer than the depth are in the mask; they cover a disk that is
    # smaller by half a diagonal.
    by_area = math.sqrt(area / math.pi) + math.sqrt(0.5)
    high = min((min(cut.inside.shape) + 1) / 2, by_area)
    return float(area > len(cut.except_yx)), high


def _bounds_by_blocks(cut: _Cut) -> tuple[float, float]:
    """Bounds the depth by the depths of blocks of pixels that lie wholly in the mask.

    And from above by those of blocks that have any pixel of it.
    """
    height, width = (-(-side // _BLOCK) * _BLOCK for side in cut.inside.shape)
    if min(height, width) < _LEAST_BLOCKS * _BLOCK:
        return 0, math.inf
    whole = np.zeros((height, width), np.uint8)
    whole[: cut.inside.shape[0], : cut.inside.shape[1]] = cut.inside
    shape = (height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    # A word of four pixels at a time.
    words = whole.view(np.uint32).reshape(shape[:3])
    full = np.bitwise_and.reduce(words, axis=1) == 0x01010101
    some = np.bitwise_or.reduce(words, axis=1) != 0
    deep = distance_inside(full, pad_border=True)
    ys, xs = (cut.except_yx // _BLOCK).T
    deep = np.where(full, deep, 0)
    deep[ys, xs] = 0
    # Half a diagonal of a block at both ends, and a little for float32.
    slack = _BLOCK * math.sqrt(2) + 0.01
    low = _BLOCK * float(deep.max()) - slack
    high = _BLOCK * float(distance_inside(some, pad_border=True).max()) + slack
    return low, high


def _bounds_by_chamfer(cut: _Cut) -> tuple[float, float]:
    """Bounds the depth by distances along the eight directions to neighbours."""
    if not cut.inside.size:
        return 0, 0
    drawn = masks.padded(cut.inside)
    found = cv2.distanceTransform(drawn, cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1]
    ys, xs = cut.except_yx.T
    found[ys, xs] = 0
    # A step aside is 0.955, one across 1.3693: 0.955 to 1.041 of the distance.
    deepest = float(found.max())
    return deepest / 1.045, deepest / 0.95


def _squared(mask: np.ndarray) -> np.ndarray:
    """Returns squared distances as integers for masks too large for float32 roots."""
    # SciPy is ten times slower than OpenCV and takes seconds to import.
    from scipy import ndimage

    padded = np.pad(mask, 1)
    nearest = ndimage.distance_transform_edt(
        padded, return_distances=False, return_indices=True
    )
    offsets = np.asarray(nearest) - np.indices(padded.shape)
    return (offsets.astype(np.int64) ** 2).sum(axis=0)[1:-1, 1:-1]
