"""Clicking groups of a map on a device: the borders of `groups`, by bisection.

Each step sums the mass up to a level once more, which an accelerator does faster than
it sorts or counts levels. Sums are exact, in pairs of 32-bit words.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.clicks import groups
from rclicks_jax.ops import wide


def slice_of(levels: jax.Array, group: jax.Array, cut: groups.Cut) -> groups.Slice:
    """Returns a clicking group of a map, as `groups.slice_of` does.

    Args:
        levels: Levels of the map, `i32[r c]`.
        group: Number of the group, 1..10, or `groups.WHOLE`, `i32`.
        cut: As in `groups.interval`.

    Returns:
        The group; its mass and its highest level are not searched for, and are 0.
    """
    total = wide.total(levels.astype(jnp.uint32))
    whole = group == groups.WHOLE
    tenth = jnp.maximum(group, 1).astype(jnp.uint32)
    begin, end = wide.times(total, tenth - 1), wide.times(total, tenth)

    def up_to(level: jax.Array) -> wide.Wide:
        return wide.total(jnp.where(levels <= level, levels, 0).astype(jnp.uint32))

    def first_level(goal: wide.Wide) -> jax.Array:
        """Returns the first level up to which ten times the mass reaches a goal."""
        ten = np.uint32(groups.GROUP_COUNT)
        return _first(
            lambda level: wide.at_least(wide.times(up_to(level), ten), goal),
            1,
            groups.END.level,
        )

    if cut == "value":
        none = jnp.int32(0)
        # Level 0 holds no mass.
        nothing = (begin.high | begin.low) == 0
        low = first_level(wide.plus(begin, nothing.astype(jnp.uint32)))
        high = first_level(wide.plus(end, 1))
        start = groups.Point(low, none, none)
        stop = groups.Point(jnp.minimum(high + 1, groups.END.level), none, none)
    else:
        # Both ends are searched for together, so that levels are read half as often.
        ends = wide.Wide(*(jnp.stack(each) for each in zip(begin, end, strict=True)))
        point_at = functools.partial(_point_at, levels, first_level, up_to)
        both = jax.vmap(point_at)(ends)
        start, stop = (groups.Point(*(each[end] for each in both)) for end in (0, 1))
    return groups.Slice(
        groups.Point(*(jnp.where(whole, 0, each) for each in start)),
        groups.Point(*map(functools.partial(jnp.where, whole), groups.END, stop)),
        0,
        0,
    )


def _point_at(
    levels: jax.Array,
    first_level: Callable[[wide.Wide], jax.Array],
    up_to: Callable[[jax.Array], wide.Wide],
    scaled: wide.Wide,
) -> groups.Point:
    """Returns the first point of the mass line at or above a number of tenths.

    Args:
        levels: Levels of the map, `i32[r c]`.
        first_level: The first level up to which ten times the mass reaches a goal.
        up_to: The mass up to a level.
        scaled: Ten times the position.
    """
    ten = np.uint32(groups.GROUP_COUNT)
    position, _ = wide.divide(wide.plus(scaled, groups.GROUP_COUNT - 1), ten)
    level = first_level(wide.plus(wide.times(position, ten), 1))
    into = wide.minus(position, up_to(level - 1))
    # Beyond the last level, which only the end of the line is, nothing is cut.
    rank, offset = wide.divide(into, level.astype(jnp.uint32))
    rank = (rank.high << 16 | rank.low).astype(jnp.int32)
    index = _index_of(levels == level, rank)
    return groups.Point(level, index, offset.astype(jnp.int32))


def _index_of(chosen: jax.Array, rank: jax.Array) -> jax.Array:
    """Returns the row-major index of the pixel of a rank among those that are chosen.

    Args:
        chosen: Those that count, `bool[r c]`.
        rank: 0 for the first, `i32`; there may be fewer, and the result is then the
            number of pixels.
    """
    rows, columns = chosen.shape
    counts = chosen.sum(axis=1, dtype=jnp.int32)
    up_to = jnp.cumsum(counts)
    row = (up_to <= rank).sum(dtype=jnp.int32)
    within = jnp.minimum(row, rows - 1)
    before = up_to[within] - counts[within]
    line = jnp.cumsum(chosen[within].astype(jnp.int32))
    column = (line <= rank - before).sum(dtype=jnp.int32)
    return jnp.where(row < rows, within * columns + column, rows * columns)


def _first(holds: Callable[[jax.Array], jax.Array], low: int, high: int) -> jax.Array:
    """Returns the first integer in low..high at which a condition holds, by bisection.

    Args:
        holds: The condition; where it holds once, it holds for all larger integers.
        low: The least possible answer.
        high: The answer if it holds nowhere below.
    """

    def halve(_: int, ends: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        below, above = ends
        middle = (below + above) // 2
        here = holds(middle)
        return (
            jnp.where(here, below, jnp.minimum(middle + 1, above)),
            jnp.where(here, middle, above),
        )

    steps = (high - low).bit_length()
    ends = (jnp.int32(low), jnp.int32(high))
    return jax.lax.fori_loop(0, steps, halve, ends)[0]
