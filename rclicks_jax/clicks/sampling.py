"""Draws of clicks: random bits from names, and pixels from bits.

Two implementations draw the same pixels: `draw_on_host`, fastest if the maps are in
host memory (a table of levels in NumPy), and `draw_on_device`, for accelerators (the
same table vmapped over groups and maps).
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax import errors, hashing
from rclicks_jax.clicks import groups
from rclicks_jax.ops import buckets
from rclicks_jax.settings import checks

# From so many draws on, it is faster to sort the pixels of a map once.
_MANY = 64


def check_seed(seed: int) -> None:
    """Checks that a seed has 32 bits.

    JAX takes seeds modulo 2^32, so that two larger seeds could give the same clicks.

    Raises:
        BadValueError: The seed is negative, has more bits, or is not an integer.
    """
    if not checks.SEED.holds(seed):
        raise errors.BadValueError("seed", repr(seed), checks.SEED.allowed)


def random_bits(
    seed: int, name: str, streams: np.ndarray, repeat: int, clicks: int
) -> np.ndarray:
    """Returns the random bits of every click of several trajectories of an instance.

    The bits are a pure function of (seed, name, stream, repeat, click index): they do
    not depend on other draws, their order, or the device.

    Args:
        seed: Seed of the run, 32 bits.
        name: Name of the instance with its dataset.
        streams: Number of each trajectory's strategy: 1..10 for groups, 0 for draws
            from a whole map, `i32[t]`.
        repeat: Number of the draw.
        clicks: Largest number of clicks of a trajectory.

    Returns:
        The bits, `u64[t clicks]`.

    Raises:
        BadValueError: As `check_seed`.
    """
    check_seed(seed)
    digest = hashing.stable_hash(name)
    halves = np.array([digest >> 32, digest & 0xFFFFFFFF], np.uint32)
    words = _random_words(
        jax.random.key(seed), halves, np.asarray(streams, np.int32), repeat, clicks
    )
    high, low = np.moveaxis(np.asarray(words).astype(np.uint64), -1, 0)
    return (high << np.uint64(32)) | low


@functools.partial(jax.jit, static_argnames="clicks")
def _random_words(
    key: jax.Array, halves: jax.Array, streams: jax.Array, repeat: int, clicks: int
) -> jax.Array:
    for half in halves:
        key = jax.random.fold_in(key, half)

    def words(stream: jax.Array, click: jax.Array) -> jax.Array:
        folded = jax.random.fold_in(key, stream)
        folded = jax.random.fold_in(jax.random.fold_in(folded, repeat), click)
        return jax.random.bits(folded, (2,), jnp.uint32)

    along_clicks = jax.vmap(words, in_axes=(None, 0))
    return jax.vmap(along_clicks, in_axes=(0, None))(streams, jnp.arange(clicks))


def draw_on_host(
    levels: np.ndarray, group_numbers: np.ndarray, bits: np.ndarray, *, cut: groups.Cut
) -> np.ndarray:
    """Draws one pixel for each clicking group of one map.

    Args:
        levels: The map in levels, `u16[h w]`.
        group_numbers: Group of each draw, 1..10 or `groups.WHOLE`, `i32[g]`; a group
            may occur repeatedly.
        bits: A random integer for each draw, `u64[g]`.
        cut: How groups are cut.

    Returns:
        Row-major pixel indices, `i32[g]`; -1 everywhere if the map has no mass.
    """
    table = groups.mass_table(levels)
    if not table.total:
        return np.full(len(group_numbers), -1, np.int32)
    numbers, rows = np.unique(group_numbers, return_inverse=True)
    intervals = [groups.interval(table, int(group), cut) for group in numbers]
    starts, stops = np.array(intervals, np.uint64).reshape(-1, 2)[rows].T
    positions = (starts + bits % (stops - starts)).astype(np.int64)
    if len(positions) >= _MANY:
        return groups.pixels_at(levels, table, positions).astype(np.int32)
    pixels = [groups.pixel_at(levels, table, int(at)) for at in positions]
    return np.array(pixels, np.int32)


def draw_on_device(
    levels: np.ndarray, group_numbers: np.ndarray, bits: np.ndarray, *, cut: groups.Cut
) -> np.ndarray:
    """Draws one pixel for each clicking group of each of several maps, by `vmap`.

    Args:
        levels: Flattened maps in levels, `u16[b n]`; zeros may be appended, so that
            maps share a shape.
        group_numbers: Group of each draw, 1..10 or `groups.WHOLE`, `i32[b g]`.
        bits: A random integer for each draw, `u64[b g]`.
        cut: How groups are cut.

    Returns:
        Row-major pixel indices, `i32[b g]`; -1 for maps without mass.
    """
    # Masses reach 2^38; nothing else in the program needs 64-bit integers.
    with jax.enable_x64(True):
        return np.asarray(_draw_maps(levels, group_numbers, bits, cut=cut))


@functools.partial(jax.jit, static_argnames="cut")
def _draw_maps(
    levels: jax.Array, group_numbers: jax.Array, bits: jax.Array, *, cut: groups.Cut
) -> jax.Array:
    draw = functools.partial(_draw_pixel, cut=cut)
    along_groups = jax.vmap(draw, in_axes=(None, 0, 0))
    return jax.vmap(along_groups)(levels, group_numbers, bits)


def _draw_pixel(
    levels: jax.Array, group: jax.Array, word: jax.Array, *, cut: groups.Cut
) -> jax.Array:
    """Draws one pixel: `groups.interval` and `groups.pixel_at` on the dense table."""
    occurring = jnp.arange(groups.TOP_LEVEL + 1, dtype=jnp.int64)
    counts = jnp.zeros(occurring.size, jnp.int32).at[levels].add(1)
    cumulative = jnp.cumsum(counts * occurring)
    total = cumulative[-1]
    group = group.astype(jnp.int64)
    if cut == "mass":
        start = -((-total * (group - 1)) // groups.GROUP_COUNT)
        stop = -((-total * group) // groups.GROUP_COUNT)
    else:
        scaled = cumulative * groups.GROUP_COUNT
        # Level 0 holds no mass; a level that does not occur repeats the mass below it.
        low = jnp.searchsorted(scaled, jnp.maximum((group - 1) * total, 1))
        high = jnp.searchsorted(scaled, group * total, side="right")
        high = jnp.minimum(high, groups.TOP_LEVEL)
        start = cumulative[low] - occurring[low] * counts[low]
        stop = cumulative[high]
    whole = group == groups.WHOLE
    start, stop = jnp.where(whole, 0, start), jnp.where(whole, total, stop)
    span = jnp.maximum(stop - start, 1).astype(jnp.uint64)
    position = start + (word % span).astype(jnp.int64)
    level = jnp.searchsorted(cumulative, position, side="right")
    level = jnp.minimum(level, groups.TOP_LEVEL)
    before = cumulative[level] - occurring[level] * counts[level]
    rank = (position - before) // jnp.maximum(level, 1)
    same = jnp.cumsum(levels == level, dtype=jnp.int32)
    pixel = jnp.searchsorted(same, rank + 1)
    return jnp.where(total > 0, pixel, -1).astype(jnp.int32)


class Draw(NamedTuple):
    """A map, and the groups for which a click is drawn from it.

    Attributes:
        levels: The map in levels, `u16[h w]`.
        group_numbers: Group of each draw, 1..10 or `groups.WHOLE`, `i32[g]`.
        bits: A random integer for each draw, `u64[g]`.
    """

    levels: np.ndarray
    group_numbers: np.ndarray
    bits: np.ndarray


def draw_all(
    draws: Sequence[Draw], *, cut: groups.Cut, on_device: bool
) -> list[np.ndarray]:
    """Draws clicks from several maps of any shapes.

    Args:
        draws: The maps with their groups; on a device all must have the same number of
            groups.
        cut: How groups are cut.
        on_device: Whether to use the accelerator; the result does not depend on it.

    Returns:
        Row-major pixel indices of each map, `i32[g]`; -1 for maps without mass.
    """
    if not draws or not on_device:
        return [draw_on_host(*draw, cut=cut) for draw in draws]
    flat = buckets.flatten([draw.levels for draw in draws])
    numbers = np.stack([draw.group_numbers for draw in draws]).astype(np.int32)
    bits = np.stack([draw.bits for draw in draws])
    return list(draw_on_device(flat, numbers, bits, cut=cut))
