"""Disks around clicks, as layers beside the image.

Source: uncbiag/SimpleClick, isegm/model/ops.py.
"""

import jax
import jax.numpy as jnp

from rclicks_jax.networks.simpleclick.reading import RADIUS


def disks(points: jax.Array, positive: jax.Array, side: int) -> jax.Array:
    """Returns 1 within a few pixels of a click, `f32[n s s 2]`: positive and negative.

    Args:
        points: Rows and columns of clicks in pixels of the square, `f32[n k 2]`.
            As in the original a click above and left of the square, both of whose
            numbers are negative, has no disk; so -1 stands for no click.
        positive: Foreground click or not, `bool[n k]`.
        side: Side of the square.
    """
    pixels = jnp.arange(side, dtype=jnp.float32)
    away = jnp.square(pixels[None, None] - points[..., :1])
    aside = jnp.square(pixels[None, None] - points[..., 1:])
    near = away[:, :, :, None] + aside[:, :, None, :] <= RADIUS**2
    near &= (points.max(axis=-1) >= 0)[:, :, None, None]
    layers = [
        (near & sign[:, :, None, None]).any(axis=1) for sign in (positive, ~positive)
    ]
    return jnp.stack(layers, axis=-1).astype(jnp.float32)
