"""Clicking groups: slices of a click map by cumulative mass, in exact integers.

A click map is quantised to 16 bits before anything is drawn from it. Its pixels, sorted
by (level, row-major index), lie on the mass line, whose length is the sum of all
levels. A clicking group is an interval of that line. A pixel's weight in the group is
the length of its part of the interval, and its probability is in proportion to it.

Source: emb-ai/rclicks, isegm/isegm/inference/clicker.py, `Clicker._get_next_click`,
which sorts and sums float32 values.
"""

from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np

GROUP_COUNT = 10
# Number for draws from the whole distribution, without a group.
WHOLE = 0
TOP_LEVEL = 65535
# A map with a lower peak counts as empty: its levels would not be finite.
SMALLEST_PEAK = 1e-30

Cut = Literal["value", "mass"]
EmptyMap = Literal["baseline", "uniform"]


class MassTable(NamedTuple):
    """The mass at each level of a map.

    Attributes:
        levels: The levels above 0 that occur, ascending, `i64[m]`.
        counts: Number of pixels at each level, `i64[m]`.
        cumulative: Mass at this level and below, `i64[m]`.
    """

    levels: np.ndarray
    counts: np.ndarray
    cumulative: np.ndarray

    @property
    def total(self) -> int:
        """The mass of the whole map."""
        return int(self.cumulative[-1]) if self.cumulative.size else 0


def quantise(click_map: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Quantises a click map to 16-bit levels: 0 outside a region, 65535 at its peak.

    Args:
        click_map: Click density, `f32[h w]`; negative values and NaN count as 0.
        region: Where a click may fall, `bool[h w]`.

    Returns:
        The levels, `u16[h w]`; all zero if the map has no mass in the region.
    """
    masked = np.where(region, click_map, 0).astype(np.float32, copy=False)
    lowest, peak = masked.min(initial=0), masked.max(initial=0)
    if lowest < 0 or not np.isfinite(peak):
        np.nan_to_num(masked, copy=False, posinf=0, neginf=0)
        np.maximum(masked, 0, out=masked)
        peak = masked.max(initial=0)
    if peak <= SMALLEST_PEAK:
        return np.zeros(masked.shape, np.uint16)
    masked *= np.float32(TOP_LEVEL) / peak
    return np.rint(masked, out=masked).astype(np.uint16)


def drawable(
    click_map: np.ndarray, region: np.ndarray, *, empty_map: EmptyMap
) -> np.ndarray:
    """Returns the levels from which clicks in a region are drawn.

    Args:
        click_map: Click density, `f32[h w]`.
        region: Where a click may fall, `bool[h w]`.
        empty_map: What to do if the map has no mass in the region: `uniform` gives all
            its pixels the same level, `baseline` leaves all levels 0.

    Returns:
        The levels, `u16[h w]`; 0 outside the region.
    """
    levels = quantise(click_map, region)
    if empty_map == "uniform" and not levels.any():
        return region * np.uint16(TOP_LEVEL)
    return levels


def mass_table(levels: np.ndarray) -> MassTable:
    """Counts the pixels of `u16[h w]` at each level."""
    counts = np.bincount(levels.ravel(), minlength=1)
    occurring = np.flatnonzero(counts)
    return _table(occurring, counts[occurring])


def mass_table_of_integers(values: np.ndarray) -> MassTable:
    """Counts the pixels of `i64[h w]` at each value, for maps that are not 16-bit."""
    return _table(*np.unique(values, return_counts=True))


def _table(levels: np.ndarray, counts: np.ndarray) -> MassTable:
    levels, counts = levels.astype(np.int64), counts.astype(np.int64)
    levels, counts = levels[levels > 0], counts[levels > 0]
    return MassTable(levels, counts, np.cumsum(levels * counts))


def level_range(table: MassTable, group: int) -> tuple[int, int]:
    """Returns the lowest and highest level of a group cut by value, both inclusive.

    Args:
        table: Mass table of a map that is not empty.
        group: Number of the group, 1..10.

    Returns:
        Positions in `table.levels`. The lower one is the first level at which the mass
        reaches (group - 1) tenths, the upper one the first at which it exceeds group
        tenths, or the last level.
    """
    scaled = table.cumulative * GROUP_COUNT
    low = np.searchsorted(scaled, (group - 1) * table.total, side="left")
    high = np.searchsorted(scaled, group * table.total, side="right")
    return int(low), min(int(high), table.levels.size - 1)


def interval(table: MassTable, group: int, cut: Cut) -> tuple[int, int]:
    """Returns the half-open interval of a group on the mass line.

    Args:
        table: Mass table of a map that is not empty.
        group: Number of the group, 1..10, or `WHOLE`.
        cut: `value`: every pixel between two levels, both inclusive, so pixels at a
            boundary belong to two groups; `mass`: an exact tenth, which may begin and
            end inside a pixel.
    """
    if group == WHOLE:
        return 0, table.total
    if cut == "mass":
        start, stop = (
            -(-table.total * tenth // GROUP_COUNT) for tenth in (group - 1, group)
        )
        return start, stop
    low, high = level_range(table, group)
    before_low = table.cumulative[low] - table.levels[low] * table.counts[low]
    return int(before_low), int(table.cumulative[high])


class Point(NamedTuple):
    """A point of the mass line, as it is for each pixel.

    Attributes:
        level: Level of the pixels among which it lies, 1..65536; pixels of lower levels
            lie below it.
        index: Row-major index of the pixel in which it lies; pixels of the same level
            before it lie below the point.
        offset: How much of that pixel lies below the point.
    """

    level: Any
    index: Any
    offset: Any


# The end of the mass line of a map of 16-bit levels.
END = Point(TOP_LEVEL + 1, 0, 0)


def point_at(levels: np.ndarray, table: MassTable, position: int) -> Point:
    """Returns the point at a position of the mass line.

    Args:
        levels: The levels, `u16[h w]`.
        table: Mass table of `levels`.
        position: Position in 0..total.
    """
    if position >= table.total:
        return END
    at = int(np.searchsorted(table.cumulative, position, side="right"))
    level = int(table.levels[at])
    before = int(table.cumulative[at]) - level * int(table.counts[at])
    rank, offset = divmod(position - before, level)
    if not rank and not offset:
        return Point(level, 0, 0)
    index = int(np.flatnonzero(levels.ravel() == level)[rank])
    return Point(level, index, offset)


def mass_below(point: Point, levels: Any, indices: Any, xp: ModuleType) -> Any:
    """Returns how much of each pixel lies below a point of the mass line.

    Args:
        point: The point.
        levels: Levels of the pixels, `i32[...]`.
        indices: Their row-major indices, `i32[...]`.
        xp: `numpy` or `jax.numpy`.

    Returns:
        `i32[...]`, from 0 to the level.
    """
    cut = xp.where(indices == point.index, point.offset, 0)
    cut = xp.where(indices < point.index, levels, cut)
    cut = xp.where(levels == point.level, cut, 0)
    return xp.where(levels < point.level, levels, cut)


class Slice(NamedTuple):
    """A clicking group of one map.

    Attributes:
        start: Where it begins on the mass line.
        stop: Where it ends.
        mass: The mass between them.
        heaviest: The highest level in it.
    """

    start: Point
    stop: Point
    mass: int
    heaviest: int


def slice_of(levels: np.ndarray, table: MassTable, group: int, cut: Cut) -> Slice:
    """Returns a clicking group of a map.

    Args:
        levels: The levels, `u16[h w]`.
        table: Mass table of `levels`, of a map that is not empty.
        group: Number of the group, 1..10, or `WHOLE`.
        cut: As in `interval`.
    """
    start, stop = interval(table, group, cut)
    last = int(np.searchsorted(table.cumulative, stop, side="left"))
    return Slice(
        point_at(levels, table, start),
        point_at(levels, table, stop),
        stop - start,
        int(table.levels[min(last, table.levels.size - 1)]),
    )


def weights(of: Slice, levels: Any, indices: Any, xp: ModuleType) -> Any:
    """Returns the weight of each pixel in a group, `i32[...]`; as `mass_below`."""
    above = mass_below(of.stop, levels, indices, xp)
    return above - mass_below(of.start, levels, indices, xp)
