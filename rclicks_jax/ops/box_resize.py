"""Cuts boxes out of maps into squares of one size, and puts squares back, on devices.

A box is top, bottom, left and right in pixels, all included, `i32[4]`. Its numbers are
traced, so boxes of all sizes share a program: rows are picked, and columns are a
product with a matrix that is made of the box. Corners are aligned, and all is computed
in float32.

Source: pytorch/pytorch, `upsample_bilinear2d` with aligned corners.
"""

import jax
import jax.numpy as jnp


def into_square(maps: jax.Array, box: jax.Array, side: int) -> jax.Array:
    """Returns what is in a box, resized, `f32[s s c]`.

    Args:
        maps: `f32[h w c]`, or `u8[h w c]`.
        box: Where to cut.
        side: Side of the square.
    """
    targets = jnp.arange(side, dtype=jnp.float32)

    def places(low: jax.Array, high: jax.Array) -> jax.Array:
        return targets * ((high - low).astype(jnp.float32) / max(side - 1, 1))

    top, bottom, left, right = box
    lower, share = _between(places(top, bottom), bottom - top)
    upper = jnp.minimum(lower + 1, bottom - top)
    share = share[:, None, None]
    rows = maps[top + lower] * (1 - share) + maps[top + upper] * share
    columns = _matrix(places(left, right), right - left, left, maps.shape[1])
    return jnp.einsum("xw,ywc->yxc", columns, rows, precision="highest")


def onto_map(square: jax.Array, box: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Returns a map that is 0 but for a square in a box, `f32[h w]`.

    Args:
        square: `f32[s s]`.
        box: Where to put it.
        shape: Height and width of the map.
    """
    last = square.shape[0] - 1
    top, bottom, left, right = box

    def places(low: jax.Array, high: jax.Array, length: int) -> jax.Array:
        apart = jnp.maximum(high - low, 1).astype(jnp.float32)
        return (jnp.arange(length) - low).astype(jnp.float32) * (last / apart)

    columns = _matrix(places(left, right, shape[1]), last, 0, square.shape[1])
    wide = jnp.einsum("xu,vu->vx", columns, square, precision="highest")
    lower, share = _between(places(top, bottom, shape[0]), last)
    upper = jnp.minimum(lower + 1, last)
    share = share[:, None]
    tall = wide[lower] * (1 - share) + wide[upper] * share
    rows, aside = (jnp.arange(length) for length in shape)
    inside = ((rows >= top) & (rows <= bottom))[:, None]
    inside &= ((aside >= left) & (aside <= right))[None]
    return jnp.where(inside, tall, 0)


def box_of(inside: jax.Array) -> jax.Array:
    """Returns the box around the true pixels of `bool[h w]`; -1 four times if none."""
    ends: list[jax.Array] = []
    for axis in (1, 0):
        used = inside.any(axis=axis)
        ends += [used.argmax(), len(used) - 1 - used[::-1].argmax()]
    box = jnp.stack(ends).astype(jnp.int32)
    return jnp.where(inside.any(), box, -1)


def _between(places: jax.Array, last: jax.Array | int) -> tuple[jax.Array, jax.Array]:
    """Returns the pixels before places, and the shares of the pixels after them.

    Args:
        places: `f32[n]`.
        last: Number of the last pixel.
    """
    lower = jnp.clip(places.astype(jnp.int32), 0, last)
    return lower, jnp.clip(places - lower.astype(jnp.float32), 0, 1)


def _matrix(
    places: jax.Array, last: jax.Array | int, first: jax.Array | int, length: int
) -> jax.Array:
    """Returns the matrix that takes pixels at places, `f32[n length]`.

    Args:
        places: Counted from `first`, `f32[n]`.
        last: Number of the last pixel, counted from `first`.
        first: Number of the first pixel.
        length: Number of pixels.
    """
    lower, share = _between(places, last)
    upper = jnp.minimum(lower + 1, last)
    pixels = jnp.arange(length)[None]
    before = pixels == (first + lower)[:, None]
    after = pixels == (first + upper)[:, None]
    share = share[:, None]
    return before * (1 - share) + after * share
