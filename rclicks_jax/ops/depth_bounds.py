"""Bounds of the depths of masks, from blocks of 8x8 pixels.

Distances of blocks to the nearest that is not whole bound the depths of their pixels,
and tell which blocks may hold the deepest pixel.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.ops import bit_masks, distance
from rclicks_jax.ops.bit_masks import BLOCK, BitMask

# The depth of a pixel is this close to the distance of its block to the nearest that is
# not whole: half a diagonal of a block at both ends, and a little for float32.
_SLACK = (BLOCK - 1) * math.sqrt(2) + 0.01
# Bytes of masks, and of pixels, that are gone through together: they stay in the cache.
_TOGETHER, _PIXELS_TOGETHER = 1 << 19, 1 << 19
# Masks are gone through together if the largest depth is at most this much more.
_ALIKE = 1.5


class Contest(NamedTuple):
    """Masks of which one is the deepest.

    Attributes:
        masks: The masks, of one shape.
        areas: Number of pixels of each.
        except_yx: Pixels that do not count, `i32[n 2]`.
        wants_pixel: Whether the deepest pixel is wanted, too.
    """

    masks: Sequence[BitMask]
    areas: Sequence[int] | np.ndarray
    except_yx: np.ndarray
    wants_pixel: bool = True


class Field(NamedTuple):
    """The masks of all contests, and their blocks in the box that has all pixels.

    Attributes:
        masks: The masks.
        contest: Number of the contest of each, `i64[n]`.
        top: Blocks above the box.
        left: Blocks on its left.
        some: Whether a block has a pixel, `bool[n y x]`.
        depths: At least the distance, in blocks, to the nearest that is not whole,
            `f32[n y x]`.
        low: Depth that some pixel which counts has at least; 0 if there may be none,
            `f64[n]`.
        high: Depth that all pixels have at most; 0 if there is none, `f64[n]`.
        excepted: Number of a mask and position of each pixel that does not count in it,
            `i64[e 3]`.
    """

    masks: Sequence[BitMask]
    contest: np.ndarray
    top: int
    left: int
    some: np.ndarray
    depths: np.ndarray
    low: np.ndarray
    high: np.ndarray
    excepted: np.ndarray

    @classmethod
    def of(cls, contests: Sequence[Contest]) -> "Field":
        """Looks at the blocks of the masks of contests."""
        masks = [mask for contest in contests for mask in contest.masks]
        counts = [len(contest.masks) for contest in contests]
        contest = np.repeat(np.arange(len(contests)), counts)
        excepts = [each.except_yx for each in contests for _ in each.masks]
        lengths = np.array([len(each) for each in excepts])
        numbers = np.repeat(np.arange(len(masks)), lengths)
        excepted = np.column_stack([numbers, np.concatenate(excepts)])
        area = np.concatenate([each.areas for each in contests])
        some, whole = _blocks(masks)
        rows, columns = (_span(some, (0, axis)) for axis in (2, 1))
        some = some[:, rows, columns]
        least, depths = _depths(whole[:, rows, columns])
        if len(excepted):
            number, y, x = excepted.T
            y, x = y // BLOCK - rows.start, x // BLOCK - columns.start
            _, height, width = depths.shape
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            least[number[inside], y[inside], x[inside]] = 0
        low = BLOCK * least.max(axis=(1, 2)).astype(np.float64) - _SLACK
        high = BLOCK * depths.max(axis=(1, 2)).astype(np.float64) + _SLACK
        return cls(
            masks=masks,
            contest=contest,
            top=rows.start,
            left=columns.start,
            some=some,
            depths=depths,
            low=np.maximum(low, area > lengths),
            high=np.where(area > 0, high, 0),
            excepted=excepted,
        )


def _blocks(masks: Sequence[BitMask]) -> tuple[np.ndarray, np.ndarray]:
    """Tells whether a block has a pixel, and whether it has all, `bool[n H/8 W/8]`."""
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    step = max(1, _TOGETHER // masks[0].bits.nbytes)
    for first in range(0, len(masks), step):
        several = masks[first : first + step]
        alone = len(several) == 1
        bits = several[0].bits[None] if alone else np.stack([m.bits for m in several])
        some = bit_masks.blocks(np.bitwise_or, bits) != 0
        whole = bit_masks.blocks(np.bitwise_and, bits) == 255
        parts.append((some, whole))
    some, whole = map(np.concatenate, zip(*parts, strict=True))
    return some, whole


def _span(some: np.ndarray, axes: tuple[int, int]) -> slice:
    """Returns the lines from the first to the last that are not all false.

    Args:
        some: `bool[n y x]`.
        axes: All axes but that of the lines.
    """
    places = np.flatnonzero(np.logical_or.reduce(some, axes))
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 1)


def _depths(whole: np.ndarray) -> Iterator[np.ndarray]:
    """Yields bounds of distances to the nearest block that is not whole.

    Returns:
        At most and at least the distance, in blocks, `f32[n y x]`.
    """
    count, height, width = whole.shape
    # One below the other, with blocks around each that are not whole.
    drawn = np.zeros((count * (height + 1) + 1, width + 2), bool)
    drawn[1:].reshape(count, height + 1, -1)[:, :height, 1:-1] = whole
    for bounds in distance.bounds_inside(drawn):
        yield bounds[1:].reshape(count, height + 1, -1)[:, :height, 1:-1]


class Group(NamedTuple):
    """Masks about as deep, and their blocks that may be the deepest.

    Attributes:
        numbers: Numbers of the masks, `i64[g]`.
        blocks: The blocks, at least one of each mask, `bool[g y x]`.
        reach: Distance that no depth exceeds, pixels.
        corners: Row and column, in blocks of the image, where the box of these blocks
            begins, with a margin that `reach` does not exceed, `i64[g 2]`.
        heights: Height of these boxes, blocks, `i64[g]`.
        shape: Height and width of all boxes, one below the other, pixels.
    """

    numbers: np.ndarray
    blocks: np.ndarray
    reach: int
    corners: np.ndarray
    heights: np.ndarray
    shape: tuple[int, int]

    @property
    def kind(self) -> type[np.generic]:
        """The type of distances, none of which is more than twice the reach and 1."""
        return np.uint8 if 2 * self.reach + 1 < 256 else np.uint16


def groups(field: Field, numbers: np.ndarray, bound: np.ndarray) -> Iterator[Group]:
    """Yields groups of masks that are about as deep, the deepest first.

    Args:
        field: All masks.
        numbers: Those to look at.
        bound: Depth of each contest that its winner has at least.
    """
    numbers = numbers[np.argsort(-field.high[numbers], kind="stable")]
    least = bound[field.contest[numbers]]
    blocks = field.depths[numbers] >= ((least - _SLACK) / BLOCK)[:, None, None]
    blocks &= field.some[numbers]
    boxes = np.column_stack([*_ends(blocks, 2), *_ends(blocks, 1)])
    reaches = field.high[numbers].astype(np.int64)
    while len(numbers):
        reach = int(reaches[0])
        margin = -(-reach // BLOCK)
        sides = boxes[:, [1, 3]] - boxes[:, [0, 2]] + 2 * margin
        heights = np.cumsum(sides[:, 0])
        widths = np.maximum.accumulate(sides[:, 1])
        fits = BLOCK**2 * heights * widths <= _PIXELS_TOGETHER
        fits &= _ALIKE * reaches >= reach
        count = max(1, int(np.argmin(np.append(fits, False))))
        yield Group(
            numbers=numbers[:count],
            blocks=blocks[:count],
            reach=reach,
            corners=boxes[:count, [0, 2]] + (field.top - margin, field.left - margin),
            heights=sides[:count, 0],
            shape=(BLOCK * int(heights[count - 1]), BLOCK * int(widths[count - 1])),
        )
        numbers, blocks = numbers[count:], blocks[count:]
        boxes, reaches = boxes[count:], reaches[count:]


def _ends(blocks: np.ndarray, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the first line of blocks of each mask, and the line after the last.

    Args:
        blocks: Blocks, at least one of each mask, `bool[g y x]`.
        across: The axis along a line.
    """
    used = np.logical_or.reduce(blocks, across)
    return used.argmax(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1)
