"""Draws of clicks: random bits from names, and pixels from bits.

A draw is an exponential race. Each pixel has an exponential random number, a function
of the bits of the draw and of the pixel's position in the image; the pixel with the
least number over weight wins, with a probability in proportion to its weight. So a
click moves only if its winner changes: of two maps, the share of clicks that differ is
at most twice the total variation of their distributions, and what is cropped, padded or
drawn beside it does not matter.

Two implementations draw the same pixels, but for about one in a million whose race
ends within the rounding of a logarithm: `draw_on_host` (NumPy, with a table of levels)
and `draw_on_device`, for accelerators, vmapped over groups and maps.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax import errors, hashing
from rclicks_jax.clicks import device_groups, groups
from rclicks_jax.ops import buckets, position_hash
from rclicks_jax.settings import checks

# How clicks are drawn, for the identities of runs; another way has another name.
METHOD = "exponential race"
# Pixels that are hashed at a time, so that they stay in the processor's cache.
_BLOCK = 1 << 15
# Pixels of a row into which maps are folded that come without their shape.
_LINE = 1024
# A race is lost above this many times its mean; about one race in 10^7 is repeated.
_BOUND = 16.0


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


class Draw(NamedTuple):
    """A part of a map, and the groups for which a click is drawn from it.

    Attributes:
        levels: The part in levels, `u16[h w]`.
        top: Row of the image where the part begins.
        left: Column of the image where the part begins.
        group_numbers: Group of each draw, 1..10 or `groups.WHOLE`, `i32[g]`; a group
            may occur repeatedly.
        bits: A random integer for each draw, `u64[g]`.
    """

    levels: np.ndarray
    top: int
    left: int
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
        on_device: Whether to use the accelerator.

    Returns:
        Row-major pixel indices in the part of each map, `i32[g]`; -1 for maps without
        mass.
    """
    if not draws or not on_device:
        return [draw_on_host(draw, cut=cut) for draw in draws]
    return list(draw_on_device(draws, cut=cut))


def draw_on_host(draw: Draw, *, cut: groups.Cut) -> np.ndarray:
    """Draws one pixel for each clicking group of one map; as `draw_all`."""
    table = groups.mass_table(draw.levels)
    if not table.total:
        return np.full(len(draw.group_numbers), -1, np.int32)
    flat = draw.levels.reshape(-1)
    slices = {
        group: groups.slice_of(draw.levels, table, group, cut)
        for group in np.unique(draw.group_numbers).tolist()
    }

    def pixel(group: int, bits: int) -> int:
        of_group = slices[group]

        def weigh(indices: np.ndarray) -> np.ndarray:
            levels = flat[indices].astype(np.int32)
            return groups.weights(of_group, levels, indices, np)

        return race(
            draw.levels.shape,
            (draw.top, draw.left),
            bits,
            weigh,
            mass=of_group.mass,
            heaviest=of_group.heaviest,
        )

    drawn = zip(draw.group_numbers.tolist(), draw.bits.tolist(), strict=True)
    return np.array([pixel(group, bits) for group, bits in drawn], np.int32)


def race(
    shape: tuple[int, ...],
    origin: tuple[int, int],
    bits: int,
    weigh: Callable[[np.ndarray], np.ndarray],
    *,
    mass: float,
    heaviest: float,
) -> int:
    """Draws a pixel with a probability in proportion to its weight.

    Args:
        shape: Height and width of a part of an image.
        origin: Row and column of the image where the part begins.
        bits: A random integer, `u64`.
        weigh: Function from row-major indices, `i64[n]`, to weights, not negative.
        mass: Sum of all weights.
        heaviest: A weight that none exceeds.

    Returns:
        The row-major index in the part; -1 if there is no mass. Of equal pixels, the
        first in row-major order.
    """
    if mass <= 0:
        return -1
    key = np.array([bits >> 32, bits & 0xFFFFFFFF], np.uint32)
    height, width = shape
    rows = _line_words(key[:1], origin[0], height)
    columns = _line_words(key[1:], origin[1], width)
    bound = _BOUND / mass
    while True:
        # A pixel whose word is above the limit has a number above the bound.
        limit = -math.expm1(-bound * heaviest) * 2.0**32
        indices, words = _words_up_to(rows, columns, limit)
        chosen = weigh(indices)
        indices, words = indices[chosen > 0], words[chosen > 0]
        numbers = position_hash.exponentials(words, rows[indices // width], np)
        numbers /= chosen[chosen > 0].astype(np.float32)
        # The limit is a little more than float32 can tell apart.
        all_seen = limit >= 2.0**32 - 1
        if numbers.size and (all_seen or numbers.min() < bound * (1 - 1e-5)):
            return int(indices[numbers.argmin()])
        if all_seen:
            return -1
        bound *= _BOUND


def _line_words(key: np.ndarray, first: int, count: int) -> np.ndarray:
    places = np.arange(first, first + count, dtype=np.uint32)
    return position_hash.line_words(key, places)


def _words_up_to(
    rows: np.ndarray, columns: np.ndarray, limit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pixels whose first word is at most a limit.

    Args:
        rows: Words of the rows, `u32[h]`.
        columns: Words of the columns, `u32[w]`.
        limit: The limit, 0 or more.

    Returns:
        Row-major indices, `i64[n]`, ascending, and the words, `u32[n]`.
    """
    highest = np.uint32(min(math.ceil(limit), 2**32 - 1))
    step = max(1, _BLOCK // columns.size)
    indices: list[np.ndarray] = []
    words: list[np.ndarray] = []
    for first in range(0, rows.size, step):
        block = position_hash.pixel_words(rows[first : first + step, None], columns)
        flat = block.reshape(-1)
        found = np.flatnonzero(flat <= highest)
        indices.append(found + first * columns.size)
        words.append(flat[found])
    return np.concatenate(indices), np.concatenate(words)


def draw_on_device(draws: Sequence[Draw], *, cut: groups.Cut) -> np.ndarray:
    """Draws clicks from several maps on an accelerator; as `draw_all`.

    Pixels and maps come in buckets, so that few programs are compiled.

    Returns:
        `i32[len(draws) g]`.
    """
    flat = buckets.flatten([draw.levels for draw in draws])
    places = np.array(
        [(draw.top, draw.left, draw.levels.shape[1]) for draw in draws], np.uint32
    )
    numbers = np.stack([draw.group_numbers for draw in draws]).astype(np.int32)
    bits = np.stack([draw.bits for draw in draws])
    keys = np.stack([bits >> np.uint64(32), bits & np.uint64(0xFFFFFFFF)], axis=-1)
    arrays = (flat, places, numbers, keys.astype(np.uint32))
    more = buckets.bucket_length(len(draws)) - len(draws)
    padded = [np.concatenate([each, each[:1].repeat(more, 0)]) for each in arrays]
    return np.asarray(_draw_flat(*padded, cut=cut))[: len(draws)]


@functools.partial(jax.jit, static_argnames="cut")
def _draw_flat(
    levels: jax.Array,
    places: jax.Array,
    group_numbers: jax.Array,
    keys: jax.Array,
    *,
    cut: groups.Cut,
) -> jax.Array:
    """Draws from maps that were cut out of images and flattened, as `draw_maps`.

    Args:
        levels: Maps in row-major order, and zeros, `u16[b n]`.
        places: Of each map, its first row and column in the image, and its width,
            `u32[b 3]`.
        group_numbers: As for `draw_maps`.
        keys: As for `draw_maps`.
        cut: How groups are cut.
    """
    count, length = levels.shape
    shape = (count, -1, math.gcd(length, _LINE))
    top, left, width = (each[:, None, None] for each in places.T)
    index = jnp.arange(length, dtype=jnp.uint32).reshape(1, *shape[1:])
    return draw_maps(
        levels.reshape(shape),
        top + index // width,
        left + index % width,
        group_numbers,
        keys,
        cut=cut,
    )


@functools.partial(jax.jit, static_argnames="cut")
def draw_maps(
    levels: jax.Array,
    rows: jax.Array,
    columns: jax.Array,
    group_numbers: jax.Array,
    keys: jax.Array,
    *,
    cut: groups.Cut,
) -> jax.Array:
    """Draws one pixel for each clicking group of each of several maps, by `vmap`.

    Args:
        levels: Maps in levels, `u16[b r c]`; their shape need not be that of a
            photograph, if pixels are in row-major order.
        rows: Row in the photograph of each pixel, `u32[b r c]`, or of each row of the
            map, `u32[b r 1]`.
        columns: Column in the photograph of each pixel, or `u32[b 1 c]`.
        group_numbers: Group of each draw, 1..10 or `groups.WHOLE`, `i32[b g]`.
        keys: The high and the low half of the random bits of each draw, `u32[b g 2]`.
        cut: How groups are cut.

    Returns:
        Row-major pixel indices, `i32[b g]`; -1 for maps without mass.
    """
    draw = functools.partial(_draw_pixel, cut=cut)
    along_groups = jax.vmap(draw, in_axes=(None, None, None, 0, 0))
    return jax.vmap(along_groups)(levels, rows, columns, group_numbers, keys)


def _draw_pixel(
    levels: jax.Array,
    rows: jax.Array,
    columns: jax.Array,
    group: jax.Array,
    key: jax.Array,
    *,
    cut: groups.Cut,
) -> jax.Array:
    """Draws one pixel, as `draw_on_host` does."""
    indices = jnp.arange(levels.size, dtype=jnp.int32).reshape(levels.shape)
    of_group = device_groups.slice_of(levels, group, cut)
    chosen = groups.weights(of_group, levels.astype(jnp.int32), indices, jnp)
    row_words = position_hash.line_words(key[0], rows)
    column_words = position_hash.line_words(key[1], columns)
    words = position_hash.pixel_words(row_words, column_words)
    numbers = position_hash.exponentials(words, row_words, jnp)
    numbers = numbers / jnp.maximum(chosen, 1).astype(jnp.float32)
    numbers = jnp.where(chosen > 0, numbers, jnp.inf)
    least, pixel = _first_least(numbers, indices)
    return jnp.where(least < jnp.inf, pixel, -1)


def _first_least(numbers: jax.Array, indices: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns the least number, `f32`, and the least index where it is, `i32`.

    Rows are compared first: `argmin` of millions of numbers in a row is one comparison
    after the other in programs for TPUs.

    Args:
        numbers: None is NaN, `f32[r c]`.
        indices: Their indices, `i32[r c]`.
    """

    def lesser(
        first: tuple[jax.Array, jax.Array], second: tuple[jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
        same = first[0] == second[0]
        is_first = (first[0] < second[0]) | (same & (first[1] < second[1]))
        return (
            jnp.where(is_first, first[0], second[0]),
            jnp.where(is_first, first[1], second[1]),
        )

    nothing = np.float32(np.inf), np.int32(np.iinfo(np.int32).max)
    of_columns = jax.lax.reduce((numbers, indices), nothing, lesser, (0,))
    return jax.lax.reduce(of_columns, nothing, lesser, (0,))
