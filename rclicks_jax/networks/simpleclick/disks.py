"""Disks around clicks, as layers beside the image.

Source: uncbiag/SimpleClick, isegm/model/ops.py.
"""

import jax
import jax.numpy as jnp

from rclicks_jax.networks.simpleclick.reading import RADIUS


def disks(
    points: jax.Array, positive: jax.Array, height: int, width: int | None = None
) -> jax.Array:
    """Returns 1 within a few pixels of a click, `f32[n h w 2]`: positive and negative.

    Args:
        points: Rows and columns of clicks in pixels of the frame, `f32[n k 2]`.
            As in the original a click above and left of the frame, both of whose
            numbers are negative, has no disk; so -1 stands for no click.
        positive: Foreground click or not, `bool[n k]`.
        height: Height of the frame.
        width: Width of the frame; None for a square.
    """
    rows = jnp.arange(height, dtype=jnp.float32)
    columns = jnp.arange(height if width is None else width, dtype=jnp.float32)
    away = jnp.square(rows[None, None] - points[..., :1])
    aside = jnp.square(columns[None, None] - points[..., 1:])
    near = away[:, :, :, None] + aside[:, :, None, :] <= RADIUS**2
    near &= (points.max(axis=-1) >= 0)[:, :, None, None]
    layers = [
        (near & sign[:, :, None, None]).any(axis=1) for sign in (positive, ~positive)
    ]
    return jnp.stack(layers, axis=-1).astype(jnp.float32)
