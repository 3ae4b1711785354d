"""Letterboxing on devices: photographs go up as bytes, masks packed, both once.

Each function is a program for one static shape of photographs. Squares equal those of
`ops.letterbox` and `ops.images` to rounding.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from rclicks_jax.networks.passes import DIVIDED, EVERYWHERE, Plan, on_each
from rclicks_jax.ops import buckets, images, letterbox, packed_masks, resize, taps
from rclicks_jax.ops.taps import Axes


class Programs(NamedTuple):
    """Programs for the devices of a mesh; they are compiled for each shape.

    Attributes:
        write_image: Returns `f32[slots s s 3]`, of squares that it uses up, a slot,
            bytes `u8[h w 3]` and taps.
        write_mask: Returns `f32[slots s s]`, of squares that it uses up, a slot, a mask
            as `packed_masks.pack` packs it, and taps.
        place: Returns `f32[rows s s]`, of squares that it uses up, numbers of rows on
            their device, packed masks and taps, all divided; rows that are not there
            are left out.
        restore: Returns native maps, `f32[n h w]`, of maps `f32[rows s s]`, numbers of
            rows on their device, and taps, all divided.
    """

    write_image: Callable[..., jax.Array]
    write_mask: Callable[..., jax.Array]
    place: Callable[..., jax.Array]
    restore: Callable[..., jax.Array]


@functools.cache
def programs(mesh: Mesh) -> Programs:
    """Returns the programs for some devices."""
    writing = functools.partial(jax.jit, donate_argnums=0)
    return Programs(
        writing(on_each(_write_image, mesh, EVERYWHERE, EVERYWHERE)),
        writing(on_each(_write_mask, mesh, EVERYWHERE, EVERYWHERE)),
        writing(on_each(_place, mesh, DIVIDED, DIVIDED)),
        jax.jit(on_each(restore_rows, mesh, DIVIDED, DIVIDED)),
    )


def image_square(photograph: jax.Array, axes: Axes) -> jax.Array:
    """Letterboxes a photograph as `images.normalised_square` does, to rounding.

    Args:
        photograph: `u8[h w 3]`; what lies beyond the photograph does not matter.
        axes: Taps of its letterbox, `taps.place`.

    Returns:
        `f32[s s 3]`.
    """
    mean, deviation = images.IMAGE_MEAN[None, None], images.IMAGE_STD[None, None]
    square = resize.resample(photograph.astype(jnp.float32), axes)
    square = (square / 255 - mean) / deviation
    return jnp.where(resize.inside(axes)[..., None], square, 0)


def mask_square(packed: jax.Array, axes: Axes) -> jax.Array:
    """Letterboxes a mask as `letterbox.place` does, to rounding.

    Args:
        packed: The mask as `packed_masks.pack` packs it.
        axes: Taps of its letterbox, `taps.place`.

    Returns:
        `f32[s s]`.
    """
    return resize.resample(packed_masks.unpack(packed).astype(jnp.float32), axes)


def restore_rows(maps: jax.Array, rows: jax.Array, axes: Axes) -> jax.Array:
    """Returns maps at native size, as `letterbox.restore` does, to rounding.

    Args:
        maps: Maps of the squares, `f32[r s s]`.
        rows: Which of them are wanted, `i32[n]`.
        axes: Taps of each, `taps.restore`.

    Returns:
        `f32[n h w]`, 0 beyond a photograph.
    """
    return jax.vmap(resize.resample)(jnp.take(maps, rows, axis=0, mode="clip"), axes)


def _write_image(
    squares: jax.Array, slot: jax.Array, photograph: jax.Array, axes: Axes
) -> jax.Array:
    return squares.at[slot].set(image_square(photograph, axes))


def _write_mask(
    squares: jax.Array, slot: jax.Array, packed: jax.Array, axes: Axes
) -> jax.Array:
    return squares.at[slot].set(mask_square(packed, axes))


def _place(
    squares: jax.Array, rows: jax.Array, packed: jax.Array, axes: Axes
) -> jax.Array:
    placed = jax.vmap(mask_square)(packed, axes)
    return squares.at[rows].set(placed, mode="drop")


def put_image(
    plan: Plan, image: np.ndarray, squares: jax.Array, slot: int
) -> jax.Array:
    """Writes an image's square into a slot, for `passes.Slots.find`.

    Args:
        plan: Plan of the passes that have the slots.
        image: `u8[h w 3]`.
        squares: Squares of images, which are used up.
        slot: Where the square goes.
    """
    padded = np.zeros((*buckets.static_shape(image.shape), 3), np.uint8)
    padded[: image.shape[0], : image.shape[1]] = image
    write = programs(plan.mesh).write_image
    return write(squares, *_sent(plan, image.shape, slot, padded))


def put_mask(plan: Plan, mask: np.ndarray, squares: jax.Array, slot: int) -> jax.Array:
    """Writes the square of a mask, perhaps soft, into a slot, as `put_image`."""
    packed = packed_masks.pack(mask, buckets.static_shape(mask.shape))
    write = programs(plan.mesh).write_mask
    return write(squares, *_sent(plan, mask.shape, slot, packed))


def _sent(
    plan: Plan, shape: tuple[int, ...], slot: int, packed: np.ndarray
) -> tuple[Any, ...]:
    """Sends what a program writes to every device, with the taps of its shape."""
    axes = taps.place(letterbox.fit(shape, plan.size))
    return jax.device_put((np.int32(slot), packed, axes), plan.everywhere)
