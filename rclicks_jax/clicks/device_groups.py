"""Clicking groups of a map on a device: the borders of `groups`, by searching levels.

Each step of a search sums the mass up to a few levels once more, which an accelerator
does faster than it sorts or counts levels. Sums are exact, in pairs of 32-bit words.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.clicks import groups
from rclicks_jax.ops import wide

# A step of the search divides what is left into so many parts. Sums up to several
# levels are one reading of the map, and take little longer than a single one.
_PARTS = 4
# Steps: so many parts of parts are the levels from 1 to that of `groups.END`.
_STEPS = 8


def slice_of(levels: jax.Array, group: jax.Array, cut: groups.Cut) -> groups.Slice:
    """Returns a clicking group of a map, as `groups.slice_of` does.

    Args:
        levels: Levels of the map, `u16[r c]`.
        group: Number of the group, 1..10, or `groups.WHOLE`, `i32`.
        cut: As in `groups.interval`.

    Returns:
        The group; its mass and its highest level are not searched for, and are 0.
    """
    total = wide.total(levels.astype(jnp.uint32))
    whole = group == groups.WHOLE
    tenth = jnp.maximum(group, 1).astype(jnp.uint32)
    begin, end = wide.times(total, tenth - 1), wide.times(total, tenth)
    # Both ends are searched for together, so that levels are read half as often.
    if cut == "value":
        none = jnp.int32(0)
        # Level 0 holds no mass.
        nothing = (begin.high | begin.low) == 0
        goals = wide.plus(begin, nothing.astype(jnp.uint32)), wide.plus(end, 1)
        low, high = (found.level for found in _search(levels, goals))
        start = groups.Point(low, none, none)
        stop = groups.Point(jnp.minimum(high + 1, groups.END.level), none, none)
    else:
        start, stop = _points_at(levels, (begin, end))
    return groups.Slice(
        groups.Point(*(jnp.where(whole, 0, each) for each in start)),
        groups.Point(*map(functools.partial(jnp.where, whole), groups.END, stop)),
        0,
        0,
    )


def _points_at(
    levels: jax.Array, scaled: Sequence[wide.Wide]
) -> tuple[groups.Point, ...]:
    """Returns the first points of the mass line at or above numbers of tenths.

    Args:
        levels: Levels of the map, `u16[r c]`.
        scaled: Ten times each position.
    """
    ten = np.uint32(groups.GROUP_COUNT)
    positions = [
        wide.divide(wide.plus(each, groups.GROUP_COUNT - 1), ten)[0] for each in scaled
    ]
    goals = [wide.plus(wide.times(each, ten), 1) for each in positions]

    def point(position: wide.Wide, found: _Found) -> groups.Point:
        into = wide.minus(position, found.below)
        # Beyond the last level, which only the end of the line is, nothing is cut.
        rank, offset = wide.divide(into, found.level.astype(jnp.uint32))
        rank = (rank.high << 16 | rank.low).astype(jnp.int32)
        index = _index_of(levels, found.level, rank)
        return groups.Point(found.level, index, offset.astype(jnp.int32))

    return tuple(map(point, positions, _search(levels, goals)))


def _index_of(levels: jax.Array, level: jax.Array, rank: jax.Array) -> jax.Array:
    """Returns the row-major index of the pixel of a rank among those of a level.

    Args:
        levels: Levels of the map, `u16[r c]`.
        level: The level, `i32`.
        rank: 0 for the first, `i32`; there may be fewer, and the result is then the
            number of pixels.
    """
    rows, columns = levels.shape
    counts = (levels.astype(jnp.int32) == level).sum(axis=1, dtype=jnp.int32)
    up_to = jnp.cumsum(counts)
    row = (up_to <= rank).sum(dtype=jnp.int32)
    within = jnp.minimum(row, rows - 1)
    before = up_to[within] - counts[within]
    chosen = levels[within].astype(jnp.int32) == level
    line = jnp.cumsum(chosen.astype(jnp.int32))
    column = (line <= rank - before).sum(dtype=jnp.int32)
    return jnp.where(row < rows, within * columns + column, rows * columns)


class _Found(NamedTuple):
    """A level that was searched for.

    Attributes:
        level: The level, or in between the least that it can be, `i32`.
        below: The mass of all lower levels.
    """

    level: jax.Array
    below: wide.Wide


def _search(levels: jax.Array, goals: Sequence[wide.Wide]) -> tuple[_Found, ...]:
    """Returns the first levels up to which ten times the mass reaches some goals.

    Args:
        levels: Levels of the map, `u16[r c]`.
        goals: The goals; where none of the levels reaches one, the answer is that of
            `groups.END`.
    """

    def up_to(level: jax.Array) -> wide.Wide:
        # Read as they are, in half of the bytes.
        each = levels.astype(jnp.int32)
        return wide.total(jnp.where(each <= level, each, 0).astype(jnp.uint32))

    def narrowed(found: _Found, goal: wide.Wide, part: jax.Array) -> _Found:
        """Goes to the first of the parts at whose end the mass reaches the goal."""
        level, below = found
        for number in range(1, _PARTS):
            following = found.level + number * part
            mass = up_to(following - 1)
            ten_times = wide.times(mass, np.uint32(groups.GROUP_COUNT))
            is_short = ~wide.at_least(ten_times, goal)
            level = jnp.where(is_short, following, level)
            below = wide.where(is_short, mass, below)
        return _Found(level, below)

    def step(number: jax.Array, founds: tuple[_Found, ...]) -> tuple[_Found, ...]:
        part = _PARTS ** (_STEPS - 1 - number)
        pairs = zip(founds, goals, strict=True)
        return tuple(narrowed(found, goal, part) for found, goal in pairs)

    nothing = wide.Wide(jnp.uint32(0), jnp.uint32(0))
    first = tuple(_Found(jnp.int32(1), nothing) for _ in goals)
    return jax.lax.fori_loop(0, _STEPS, step, first)
