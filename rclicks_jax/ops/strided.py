"""3x3 convolution of stride 2 that is fast on every platform.

XLA's convolution takes the gradient of its kernel for a convolution with a window as
large as the images, ten times as slow on CPU as a product of matrices. The choice is
made where a program is lowered.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax

Implementation = Literal["auto", "lax", "product"]


def strided_conv(
    images: jax.Array, kernel: jax.Array, implementation: Implementation = "auto"
) -> jax.Array:
    """Convolves with stride 2 and one pixel of zeros around, as PyTorch pads.

    Args:
        images: `f32[b h w c]`.
        kernel: `f32[3 3 c d]`.
        implementation: `lax` for XLA's own, `product` for a product of matrices, `auto`
            for `product` in programs for CPUs and `lax` in others.

    Returns:
        `f32[b h/2 w/2 d]`, sizes rounded up.
    """
    if implementation == "product":
        return _product(images, kernel)
    if implementation == "lax":
        return _conv(images, kernel)
    return lax.platform_dependent(images, kernel, cpu=_product, default=_conv)


def _conv(images: jax.Array, kernel: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(
        images,
        kernel,
        window_strides=(2, 2),
        padding=((1, 1), (1, 1)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _product(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """Multiplies the nine shifted and thinned images, side by side, by the kernel."""
    return _windows(images) @ kernel.reshape(-1, kernel.shape[-1])


def _windows(images: jax.Array) -> jax.Array:
    """Returns what a 3x3 window of stride 2 sees at each place, `f32[b h/2 w/2 9c]`."""
    height, width = images.shape[1:3]
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    thinned = [
        padded[:, i : i + height : 2, j : j + width : 2]
        for i in range(3)
        for j in range(3)
    ]
    return jnp.concatenate(thinned, axis=-1)
