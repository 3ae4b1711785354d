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

from rclicks_jax.ops import column_distances, depth_bounds, distance
from rclicks_jax.ops.bit_masks import BLOCK
from rclicks_jax.ops.depth_bounds import Contest as Contest
from rclicks_jax.ops.depth_bounds import Field, Group

# Pixels of masks whose blocks are halved together: calls on few pixels take longer than
# what they do, and hold the interpreter.
_PIXELS_SEARCHED = 1 << 22
# Distances that are compared for each pixel of a mask before all are transformed, and
# distances that are compared in any case.
_MOST_CANDIDATES, _ALWAYS = 4, 1 << 16


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
    field = Field.of(contests)
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
    groups = depth_bounds.groups(field, np.flatnonzero(may_win & ~is_plain), bound)
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


def _batches(groups: Iterable[Group]) -> Iterator[list[Group]]:
    """Yields groups that are searched together, in their order."""
    batch: list[Group] = []
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
    def of_groups(cls, field: Field, groups: Sequence[Group]) -> "_Pixels":
        numbers = np.concatenate([group.numbers for group in groups])
        heights = np.concatenate([group.heights for group in groups])
        corners = np.concatenate([group.corners for group in groups])
        reaches, widths = np.repeat(
            [(group.reach, group.shape[1]) for group in groups],
            [len(group.numbers) for group in groups],
            axis=0,
        ).T
        sizes = BLOCK * heights * widths
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
            BLOCK * heights,
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

    def _places_of_excepted(self, field: Field) -> np.ndarray:
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
    field: Field, groups: Sequence[Group], best: np.ndarray, found: _Found
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
    side, places, most = BLOCK, pixels.places(of, corners), pixels.most
    while True:
        crowded = np.bincount(of, minlength=len(contest)) > most
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
        # A quarter of a block may be deeper than its middle by what its farthest pixel
        # is away from that.
        before, after = middle, side - 1 - middle
        away = np.hypot((before, before, after, after), (before, after, before, after))
        limits = np.maximum(np.sqrt(best)[:, None] - away - 0.01, 0) ** 2
        least = np.ceil(limits).astype(np.int32)[contest]
        kept, quarter = np.nonzero(squares[:, None] >= least[of])
        side //= 2
        of = of[kept]
        inside = (quarter >> 1) * pixels.widths[of] + (quarter & 1)
        places = places[kept] + side * inside
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


def _transform(field: Field, number: int, best: np.ndarray, found: _Found) -> None:
    """Does what `_search` does, for a mask that is full of small parts or holes."""
    mask = field.masks[number].unpack()
    allowed = np.ones_like(mask)
    _, ys, xs = field.excepted[field.excepted[:, 0] == number].T
    allowed[ys, xs] = False
    square, yx = distance.deepest_pixel(mask, allowed)
    if square >= best[field.contest[number]]:
        best[field.contest[number]] = square
        found.squares[number], found.yx[number] = square, yx
