"""Cuts boxes out of maps into frames of one size, and puts frames back, on devices.

A box is top, bottom, left and right in pixels, all included, `i32[4]`. Its numbers are
traced, so boxes of all sizes share a program: rows are picked, and columns are a
product with a matrix that is made of the box. Corners are aligned, and all is computed
in float32.

A frame is a square, or has what counts in its top left part, whose height and width,
`i32[2]`, are traced as well.

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
    return _cut(maps, box, (side, side), (side, side))


def into_part(
    maps: jax.Array, box: jax.Array, shape: tuple[int, int], size: jax.Array
) -> jax.Array:
    """Returns a frame whose top left part is what is in a box, resized, `f32[H W c]`.

    Args:
        maps: `f32[h w c]`, or `u8[h w c]`.
        box: Where to cut.
        shape: Height and width of the frame.
        size: Height and width of the part. Beyond it all is 0.
    """
    cut = _cut(maps, box, shape, (size[0], size[1]))
    return jnp.where(within(shape, size)[..., None], cut, 0)


def _cut(
    maps: jax.Array,
    box: jax.Array,
    shape: tuple[int, int],
    size: tuple[jax.Array | int, jax.Array | int],
) -> jax.Array:
    def places(
        low: jax.Array, high: jax.Array, length: int, part: jax.Array | int
    ) -> jax.Array:
        targets = jnp.arange(length, dtype=jnp.float32)
        return targets * ((high - low).astype(jnp.float32) / jnp.maximum(part - 1, 1))

    top, bottom, left, right = box
    lower, share = _between(places(top, bottom, shape[0], size[0]), bottom - top)
    upper = jnp.minimum(lower + 1, bottom - top)
    share = share[:, None, None]
    rows = maps[top + lower] * (1 - share) + maps[top + upper] * share
    across = places(left, right, shape[1], size[1])
    columns = _matrix(across, right - left, left, maps.shape[1])
    return jnp.einsum("xw,ywc->yxc", columns, rows, precision="highest")


def within(shape: tuple[int, int], size: jax.Array) -> jax.Array:
    """Tells which pixels of a frame are in its top left part, `bool[h w]`.

    Args:
        shape: Height and width of the frame.
        size: Height and width of the part, `i32[2]`.
    """
    return _inside(shape, (0, size[0] - 1, 0, size[1] - 1))


def aligned(source: jax.Array, target: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Returns the matrix that resizes an axis with aligned corners, `f32[t s]`.

    It is that of `torch_resize.aligned` for lengths that are traced, with further rows
    and columns. Further pixels have no weight; what further rows take means nothing.

    Args:
        source: Length of the axis, `i32[]`.
        target: Length of the result, `i32[]`.
        shape: Number of rows and of columns.
    """
    apart = (source - 1).astype(jnp.float32) / jnp.maximum(target - 1, 1)
    places = apart * jnp.arange(shape[0], dtype=jnp.float32)
    return _matrix(places, source - 1, 0, shape[1])


def onto_map(
    frame: jax.Array,
    box: jax.Array,
    shape: tuple[int, int],
    size: jax.Array | None = None,
) -> jax.Array:
    """Returns a map that is 0 but for a frame in a box, `f32[h w]`.

    Args:
        frame: `f32[u v]`.
        box: Where to put it.
        shape: Height and width of the map.
        size: Height and width of the part of the frame that is put there; None for all.
    """
    down, across = frame.shape if size is None else (size[0], size[1])
    top, bottom, left, right = box

    def places(
        low: jax.Array, high: jax.Array, length: int, last: jax.Array | int
    ) -> jax.Array:
        apart = jnp.maximum(high - low, 1).astype(jnp.float32)
        return (jnp.arange(length) - low).astype(jnp.float32) * (last / apart)

    aside = places(left, right, shape[1], across - 1)
    columns = _matrix(aside, across - 1, 0, frame.shape[1])
    wide = jnp.einsum("xu,vu->vx", columns, frame, precision="highest")
    lower, share = _between(places(top, bottom, shape[0], down - 1), down - 1)
    upper = jnp.minimum(lower + 1, down - 1)
    share = share[:, None]
    tall = wide[lower] * (1 - share) + wide[upper] * share
    return jnp.where(_inside(shape, (top, bottom, left, right)), tall, 0)


def box_of(inside: jax.Array) -> jax.Array:
    """Returns the box around the true pixels of `bool[h w]`; -1 four times if none."""
    ends: list[jax.Array] = []
    for axis in (1, 0):
        used = inside.any(axis=axis)
        ends += [used.argmax(), len(used) - 1 - used[::-1].argmax()]
    box = jnp.stack(ends).astype(jnp.int32)
    return jnp.where(inside.any(), box, -1)


def _inside(shape: tuple[int, int], box: tuple[jax.Array | int, ...]) -> jax.Array:
    """Tells which pixels are in a box, `bool[h w]`."""
    top, bottom, left, right = box
    rows, aside = (jnp.arange(length) for length in shape)
    inside = ((rows >= top) & (rows <= bottom))[:, None]
    return inside & ((aside >= left) & (aside <= right))[None]


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
