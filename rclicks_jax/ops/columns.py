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

from rclicks_jax.ops import convolution, depthwise, registers


def fitting(width: int, channels: int) -> int:
    """Returns how many columns fit side by side into the lanes; divides the width."""
    count = max(1, registers.LANES // channels)
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
    return (_convolve_upright if kernel.shape[1] == 1 else _convolve)(images, kernel)


def _convolve(images: jax.Array, kernel: jax.Array) -> jax.Array:
    channels, reach = kernel.shape[-1], kernel.shape[1] // 2
    count = images.shape[-1] // channels
    own = jnp.where(np.eye(channels, dtype=bool), kernel, 0)
    # Joined columns that the kernel sees on either side.
    beside = -(-reach // count)
    wide = _joined(own, count, beside * count - reach, 2 * beside + 1)
    return convolution.same_size(images, wide)


# An upright kernel sees no other column, so that it can have its gradient without the
# products with zeros, of which the sums then are not needed.
_convolve_upright = jax.custom_vjp(_convolve)


def _forward(
    images: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _convolve(images, kernel), (images, kernel)


def _backward(
    kept: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    images, kernel = kept
    count = images.shape[-1] // kernel.shape[-1]

    def single(kernel: jax.Array) -> jax.Array:
        tiled = jnp.tile(kernel, count)
        return depthwise.depthwise_conv(images, tiled, "lax")

    (of_images,) = jax.vjp(lambda images: _convolve(images, kernel), images)[1](
        gradient
    )
    (of_kernel,) = jax.vjp(single, kernel)[1](gradient)
    return of_images, of_kernel


_convolve_upright.defvjp(_forward, _backward)


def conv_3x3(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves joined columns; zeros around, same size.

    Args:
        images: `f32[b h w/count count*c]`, count at least 2.
        kernel: `f32[3 3 c d]`.

    Returns:
        `f32[b h w/count count*d]`.
    """
    count = images.shape[-1] // kernel.shape[2]
    # Joined anew from one column before, each sees all it needs in two of the new ones
    # in place of three of the old.
    both = _joined(kernel, count, 0, 2)
    return convolution.convolve(
        _join_from_before(images, count), both, [(1, 1), (0, 0)]
    )


def _join_from_before(images: jax.Array, count: int) -> jax.Array:
    """Joins columns from one before the first, which is zeros, to one after the last.

    A product with ones at some places copies what other ways move at three times the
    cost.

    Args:
        images: `f32[b h w/count count*c]`.
        count: Columns that are joined.

    Returns:
        `f32[b h w/count+1 count*c]`.
    """
    width = images.shape[-1]
    moves = np.eye(2 * width, width, k=-(width - width // count))
    kernel = jnp.asarray(moves.reshape(1, 2, width, width), images.dtype)
    return convolution.convolve(images, kernel, [(0, 0), (1, 1)], precision="highest")


def _joined(kernel: jax.Array, count: int, before: int, beside: int) -> jax.Array:
    """Returns a kernel for joined columns, `f32[i beside count*c count*d]`.

    Args:
        kernel: For single columns, `f32[i j c d]`.
        count: Columns that are joined.
        before: Columns that the first of them does not see, of those it is given.
        beside: How often `count` columns it is given.
    """
    height, width, inputs, outputs = kernel.shape
    zero = jnp.zeros((), kernel.dtype)
    places: list[jax.Array] = []
    for column in range(before, before + count):
        after = beside * count - width - column
        around = [(0, 0, 0), (column, after, 0), (0, 0, 0), (0, 0, 0)]
        shifted = lax.pad(kernel, zero, around)
        places.append(shifted.reshape(height, beside, count * inputs, outputs))
    return jnp.concatenate(places, axis=-1)
