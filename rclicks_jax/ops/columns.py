"""Columns of images side by side in the channels, as TPUs want few channels.

Channels lie along 128 lanes, which few leave empty. Two columns of 64 channels, or four
of 32, fill them. A convolution then is one of more channels and fewer columns. Where
each channel has a kernel of its own, that kernel has zeros for all other channels:
units for products, which would wait, do in it what other units take longer for.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rclicks_jax.ops import depthwise


def fitting(width: int, channels: int) -> int:
    """Returns how many columns fit side by side into the lanes; divides the width."""
    count = max(1, depthwise.LANES // channels)
    return count if width % count == 0 else 1


def join(images: jax.Array, count: int) -> jax.Array:
    """Puts columns side by side: `f32[b h w c]` becomes `f32[b h w/count count*c]`."""
    batch, height, width, channels = images.shape
    return images.reshape(batch, height, width // count, count * channels)


def part(images: jax.Array, count: int) -> jax.Array:
    """Undoes `join`."""
    batch, height, width, channels = images.shape
    return images.reshape(batch, height, width * count, channels // count)


def depthwise_conv(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves each channel of joined columns, as `depthwise.depthwise_conv`.

    Args:
        images: `f32[b h w/count count*c]`.
        kernel: `f32[i j 1 c]`, i and j odd.

    Returns:
        `f32[b h w/count count*c]`.
    """
    channels = kernel.shape[-1]
    own = jnp.where(np.eye(channels, dtype=bool), kernel, 0)
    return depthwise.dense_conv(images, _joined(own, images.shape[-1] // channels))


def _joined(kernel: jax.Array, count: int) -> jax.Array:
    """Returns a kernel for joined columns, `f32[i J count*c count*d]`.

    Args:
        kernel: For single columns, `f32[i j c d]`.
        count: Columns that are joined.
    """
    height, width, inputs, outputs = kernel.shape
    reach = width // 2
    # Joined columns that the kernel sees on either side.
    beside = -(-reach // count)
    length = (2 * beside + 1) * count
    zero = jnp.zeros((), kernel.dtype)
    places: list[jax.Array] = []
    for column in range(count):
        before = beside * count + column - reach
        around = [(0, 0, 0), (before, length - width - before, 0), (0, 0, 0), (0, 0, 0)]
        shifted = lax.pad(kernel, zero, around)
        places.append(shifted.reshape(height, -1, count * inputs, outputs))
    return jnp.concatenate(places, axis=-1)
