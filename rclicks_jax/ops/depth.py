"""Which of some masks is the deepest, and where: distances to the nearest outside.

The depth of a pixel is its distance to the nearest pixel outside the mask; what lies
outside an image is outside. Depths are compared as squares, in integers.

Distances of blocks of 8x8 pixels bound the depths of their pixels, and often tell which
mask is the deepest. Otherwise blocks that may hold the deepest pixel are halved until
they are pixels. Many masks are looked at together: what is done with one of a small
photograph takes less time than the call that does it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.ops import bit_masks, column_distances, distance
from rclicks_jax.ops.bit_masks import BLOCK, BitMask

# The depth of a pixel is this close to the distance of its block to the nearest that is
# not whole: half a diagonal of a block at both ends, and a little for float32.
_SLACK = (BLOCK - 1) * math.sqrt(2) + 0.01
# Bytes of masks, and of pixels, that are gone through together: they stay in the cache.
_TOGETHER, _PIXELS_TOGETHER = 1 << 18, 1 << 19
# Masks are gone through together if the largest depth is at most this much more.
_ALIKE = 1.5
# Pixels of masks whose blocks are halved together: calls on few pixels take longer than
# what they do, and hold the interpreter.
_PIXELS_SEARCHED = 1 << 22
# Distances that are compared for each pixel of a mask before all are transformed, and
# distances that are compared in any case.
_MOST_CANDIDATES, _ALWAYS = 4, 1 << 16


class Contest(NamedTuple):
    """Masks of which one is the deepest.

    Attributes:
        masks: The masks, of one shape.
        except_yx: Pixels that do not count, `i32[n 2]`.
        wants_pixel: Whether the deepest pixel is wanted, too.
    """

    masks: Sequence[BitMask]
    except_yx: np.ndarray
    wants_pixel: bool = True


class Winner(NamedTuple):
    """The deepest mask.

    Attributes:
        number: Its number in the contest; the last of equally deep ones.
        yx: Its deepest pixel, the first in row-major order, if it was wanted; `(0, 0)`
            if no mask has a pixel that counts.
    """

    number: int
    yx: tuple[int, int]


def winners(contests: Sequence[Contest]) -> list[Winner]:
    """Returns the winner of each contest, one or more; all masks have one shape."""
    field = _Field.of(contests)
    bound = np.ones(len(contests))
    np.maximum.at(bound, field.contest, field.low)
    may_win = field.high >= bound[field.contest]
    rivals = np.bincount(field.contest[may_win], minlength=len(contests))
    wanted = np.array([contest.wants_pixel for contest in contests], bool)
    is_plain = ((rivals == 1) & ~wanted)[field.contest] & (field.low >= 1)
    best = np.ceil(bound**2).astype(np.int32)
    found = _Found(
        np.zeros(len(field.masks), np.int64), np.zeros((len(field.masks), 2), np.int64)
    )
    # Nothing else can win: how deep it is need not be known.
    found.squares[may_win & is_plain] = 1
    groups = _groups(field, np.flatnonzero(may_win & ~is_plain), bound)
    for several in _batches(groups):
        _search(field, several, best, found)
    results: list[Winner] = []
    first = 0
    for contest in contests:
        squares = found.squares[first : first + len(contest.masks)]
        number = len(squares) - 1 - int(np.argmax(squares[::-1]))
        y, x = found.yx[first + number].tolist()
        results.append(Winner(number, (y, x)))
        first += len(squares)
    return results


class _Field(NamedTuple):
    """The masks of all contests, and their blocks in the box that has all pixels.

    Attributes:
        masks: The masks.
        contest: Number of the contest of each, `i64[n]`.
        top: Blocks above the box.
        left: Blocks on its left.
        some: Whether a block has a pixel, `bool[n y x]`.
        depths: Distance, in blocks, to the nearest that is not whole, `f32[n y x]`.
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
    def of(cls, contests: Sequence[Contest]) -> "_Field":
        masks = [mask for contest in contests for mask in contest.masks]
        counts = [len(contest.masks) for contest in contests]
        contest = np.repeat(np.arange(len(contests)), counts)
        excepts = [each.except_yx for each in contests for _ in each.masks]
        lengths = np.array([len(each) for each in excepts])
        numbers = np.repeat(np.arange(len(masks)), lengths)
        excepted = np.column_stack([numbers, np.concatenate(excepts)])
        some, whole, area = _blocks(masks)
        rows, columns = (_span(some, (0, axis)) for axis in (2, 1))
        some = some[:, rows, columns]
        depths = _depths(whole[:, rows, columns])
        allowed = depths
        if len(excepted):
            number, y, x = excepted.T
            y, x = y // BLOCK - rows.start, x // BLOCK - columns.start
            _, height, width = depths.shape
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            allowed = depths.copy()
            allowed[number[inside], y[inside], x[inside]] = 0
        low = BLOCK * allowed.max(axis=(1, 2)).astype(np.float64) - _SLACK
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


def _blocks(masks: Sequence[BitMask]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Looks at the blocks of masks.

    Returns:
        Whether a block has a pixel, and whether it has all, `bool[n H/8 W/8]`; the
        number of pixels of each mask, `i64[n]`.
    """
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    step = max(1, _TOGETHER // masks[0].bits.nbytes)
    for first in range(0, len(masks), step):
        bits = np.stack([mask.bits for mask in masks[first : first + step]])
        some = bit_masks.blocks(np.bitwise_or, bits) != 0
        whole = bit_masks.blocks(np.bitwise_and, bits) == 255
        parts.append((some, whole, bit_masks.count(bits)))
    some, whole, area = map(np.concatenate, zip(*parts, strict=True))
    return some, whole, area


def _span(some: np.ndarray, axes: tuple[int, int]) -> slice:
    """Returns the lines from the first to the last that are not all false.

    Args:
        some: `bool[n y x]`.
        axes: All axes but that of the lines.
    """
    places = np.flatnonzero(np.logical_or.reduce(some, axes))
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 1)


def _depths(whole: np.ndarray) -> np.ndarray:
    """Returns distances to the nearest block that is not whole, `f32[n y x]`."""
    count, height, width = whole.shape
    # One below the other, with blocks around each that are not whole.
    drawn = np.zeros((count * (height + 1) + 1, width + 2), bool)
    drawn[1:].reshape(count, height + 1, -1)[:, :height, 1:-1] = whole
    depths = distance.distance_inside(drawn, pad_border=False)
    return depths[1:].reshape(count, height + 1, -1)[:, :height, 1:-1]


class _Group(NamedTuple):
    """Masks about as deep, and their blocks that may be the deepest.

    Attributes:
        numbers: Numbers of the masks, `i64[g]`.
        blocks: The blocks, at least one of each mask, `bool[g y x]`.
        boxes: Half-open `(y0, y1, x0, x1)` of these blocks, `i64[g 4]`.
        reach: Distance that no depth exceeds, pixels.
    """

    numbers: np.ndarray
    blocks: np.ndarray
    boxes: np.ndarray
    reach: int

    @property
    def margin(self) -> int:
        """Blocks that `reach` goes over."""
        return -(-self.reach // BLOCK)

    @property
    def sides(self) -> np.ndarray:
        """Height and width of the boxes with a margin around, blocks, `i64[g 2]`."""
        return self.boxes[:, [1, 3]] - self.boxes[:, [0, 2]] + 2 * self.margin

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of all boxes, one below the other, pixels."""
        tall, wide = self.sides.T
        return BLOCK * int(tall.sum()), BLOCK * int(wide.max())

    @property
    def kind(self) -> type[np.generic]:
        """The type of distances, none of which is more than twice the reach."""
        return np.uint8 if 2 * self.reach < 256 else np.uint16


def _groups(field: _Field, numbers: np.ndarray, bound: np.ndarray) -> Iterator[_Group]:
    """Yields groups of masks that are about as deep, the deepest first.

    Args:
        field: All masks.
        numbers: Those to look at.
        bound: Depth of each contest that its winner has at least.
    """
    numbers = numbers[np.argsort(-field.high[numbers], kind="stable")]
    least = bound[field.contest[numbers]]
    depths = BLOCK * field.depths[numbers] + _SLACK
    blocks = field.some[numbers] & (depths >= least[:, None, None])
    boxes = np.column_stack([*_ends(blocks, 2), *_ends(blocks, 1)])
    reaches = field.high[numbers].astype(np.int64)
    while len(numbers):
        whole = _Group(numbers, blocks, boxes, int(reaches[0]))
        tall, wide = whole.sides.T
        pixels = BLOCK**2 * np.cumsum(tall) * np.maximum.accumulate(wide)
        fits = (pixels <= _PIXELS_TOGETHER) & (_ALIKE * reaches >= whole.reach)
        count = max(1, int(np.argmin(np.append(fits, False))))
        yield whole._replace(
            numbers=numbers[:count], blocks=blocks[:count], boxes=boxes[:count]
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


def _batches(groups: Iterable[_Group]) -> Iterator[list[_Group]]:
    """Yields groups that are searched together, in their order."""
    batch: list[_Group] = []
    pixels = 0
    for group in groups:
        more = math.prod(group.shape)
        if batch and (group.kind != batch[0].kind or pixels + more > _PIXELS_SEARCHED):
            yield batch
            batch, pixels = [], 0
        batch.append(group)
        pixels += more
    if batch:
        yield batch


class _Pixels(NamedTuple):
    """Pixels of the boxes of some groups, with margins, one row after the other.

    Attributes:
        numbers: Numbers of the masks, the deepest first, `i64[g]`.
        reaches: Distance that no depth of a mask exceeds, `i64[g]`.
        heights: Rows of each mask, `i64[g]`.
        widths: Pixels of a row of each mask, `i64[g]`.
        begins: Where the pixels of each mask begin, `i64[g]`.
        corners: Row and column in the image of the first of them, `i64[g 2]`.
        vertical: Distances along the columns, `[n]`.
        excepted: Whether a pixel does not count, `bool[n]`.
    """

    numbers: np.ndarray
    reaches: np.ndarray
    heights: np.ndarray
    widths: np.ndarray
    begins: np.ndarray
    corners: np.ndarray
    vertical: np.ndarray
    excepted: np.ndarray

    @classmethod
    def of_groups(cls, field: _Field, groups: Sequence[_Group]) -> "_Pixels":
        numbers = np.concatenate([group.numbers for group in groups])
        tall = np.concatenate([group.sides[:, 0] for group in groups])
        corners = np.concatenate(
            [group.boxes[:, [0, 2]] - group.margin for group in groups]
        )
        corners += (field.top, field.left)
        reaches, widths = np.repeat(
            [(group.reach, group.shape[1]) for group in groups],
            [len(group.numbers) for group in groups],
            axis=0,
        ).T
        sizes = BLOCK * tall * widths
        # Before the first and after the last pixel, a reach of them is read.
        spare = groups[0].reach
        begins = spare + np.cumsum(sizes) - sizes
        vertical = np.zeros(sizes.sum() + 2 * spare, groups[0].kind)
        for number, begin, size, width, reach, (top, left) in zip(
            *(each.tolist() for each in (numbers, begins, sizes, widths, reaches)),
            corners.tolist(),
            strict=True,
        ):
            part = vertical[begin : begin + size].reshape(-1, width)
            column_distances.draw(field.masks[number], top, left, reach + 1, part)
        end = spare
        for group in groups:
            begin, end = end, end + math.prod(group.shape)
            distances = vertical[begin:end].reshape(group.shape)
            column_distances.spread(distances, group.reach)
        pixels = cls(
            numbers,
            reaches,
            BLOCK * tall,
            widths,
            begins,
            BLOCK * corners,
            vertical,
            np.zeros(len(vertical), bool),
        )
        pixels.excepted[pixels._places_of_excepted(field)] = True
        return pixels

    def places(self, of: np.ndarray, yx: np.ndarray) -> np.ndarray:
        """Returns where pixels are.

        Args:
            of: Their masks, by places in `numbers`, `i64[p]`.
            yx: Rows and columns in the image, `i64[p 2]`.
        """
        y, x = (yx - self.corners[of]).T
        return self.begins[of] + y * self.widths[of] + x

    def _places_of_excepted(self, field: _Field) -> np.ndarray:
        """Returns where pixels are that do not count."""
        order = np.full(len(field.masks), -1)
        order[self.numbers] = np.arange(len(self.numbers))
        of = order[field.excepted[:, 0]]
        of, yx = of[of >= 0], field.excepted[of >= 0, 1:]
        sides = np.stack([self.heights, self.widths], axis=-1)
        from_corner = yx - self.corners[of]
        inside = ((from_corner >= 0) & (from_corner < sides[of])).all(axis=1)
        return self.places(of[inside], yx[inside])

    @property
    def most(self) -> np.ndarray:
        """Pixels of each mask from which on all of them take no longer, `i64[g]`."""
        sizes = self.heights * (self.widths - 2 * self.reaches)
        columns = 2 * self.reaches + 1
        return np.maximum(sizes * _MOST_CANDIDATES, _ALWAYS) // columns


class _Found(NamedTuple):
    """What is known of the masks of all contests.

    Attributes:
        squares: Squared depth of the deepest pixel of each mask, `i64[n]`; 0 if it is
            not that of the winner.
        yx: That pixel, if it was looked for, `i64[n 2]`.
    """

    squares: np.ndarray
    yx: np.ndarray


def _search(
    field: _Field, groups: Sequence[_Group], best: np.ndarray, found: _Found
) -> None:
    """Looks for pixels that are deeper than all that are known.

    Args:
        field: All masks.
        groups: Those to look at.
        best: Squared depth that the winner of each contest has at least, `i32[c]`;
            becomes larger.
        found: Takes what is found.
    """
    pixels = _Pixels.of_groups(field, groups)
    contest = field.contest[pixels.numbers]
    of, y, x = np.nonzero(np.concatenate([group.blocks for group in groups]))
    corners = BLOCK * np.column_stack([y + field.top, x + field.left])
    side, places = BLOCK, pixels.places(of, corners)
    while True:
        crowded = np.bincount(of, minlength=len(contest)) > pixels.most
        if crowded.any():
            for number in pixels.numbers[crowded].tolist():
                _transform(field, number, best, found)
            of, places = (each[~crowded[of]] for each in (of, places))
        middle = (side - 1) // 2
        widths = pixels.widths[of]
        middles = places + middle * (widths + 1)
        squares = column_distances.squares(pixels.vertical, middles, pixels.reaches[of])
        counting = np.where(pixels.excepted[middles], 0, squares)
        np.maximum.at(best, contest[of], counting)
        if side == 1:
            break
        # No pixel of a block is farther from its middle than its last one.
        away = math.sqrt(2) * (side - 1 - middle) + 0.01
        limit = np.maximum(np.sqrt(best) - away, 0) ** 2
        keep = squares >= limit[contest][of]
        side //= 2
        of = np.repeat(of[keep], 4)
        right, down = side * np.ones_like(widths[keep]), side * widths[keep]
        steps = np.stack([0 * right, right, down, down + right], axis=1)
        places = (places[keep, None] + steps).ravel()
    is_best = counting == best[contest][of]
    of, places = of[is_best], places[is_best]
    first = np.full(len(contest), len(pixels.vertical))
    np.minimum.at(first, of, places)
    hits = np.flatnonzero(first < len(pixels.vertical))
    yx = np.column_stack(
        np.divmod(first[hits] - pixels.begins[hits], pixels.widths[hits])
    )
    found.squares[pixels.numbers[hits]] = best[contest[hits]]
    found.yx[pixels.numbers[hits]] = yx + pixels.corners[hits]


def _transform(field: _Field, number: int, best: np.ndarray, found: _Found) -> None:
    """Does what `_search` does, for a mask that is full of small parts or holes."""
    mask = field.masks[number].unpack()
    allowed = np.ones_like(mask)
    _, ys, xs = field.excepted[field.excepted[:, 0] == number].T
    allowed[ys, xs] = False
    square, yx = distance.deepest_pixel(mask, allowed)
    if square >= best[field.contest[number]]:
        best[field.contest[number]] = square
        found.squares[number], found.yx[number] = square, yx
