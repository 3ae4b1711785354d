"""Depthwise convolution that is fast on every platform.

XLA's grouped convolution is 20 to 100 times too slow on CPU, forward and backward.
There, a sum of shifted products is used, with a gradient of its own: plain
differentiation of the sum would make one full reduction for each tap of the kernel.

How few channels are convolved on TPUs, where units for products would wait, is said in
`columns` and `after_pointwise`.

The choice is made where a program is lowered, so that a program compiled on one
platform for another has what is fast on the other.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax

from rclicks_jax.ops import convolution

Implementation = Literal["auto", "lax", "shift"]


def depthwise_conv(
    images: jax.Array, kernel: jax.Array, implementation: Implementation = "auto"
) -> jax.Array:
    """Convolves each channel with its own kernel; stride 1, zero padding, same size.

    Args:
        images: `f32[b h w c]`.
        kernel: `f32[i j 1 c]`, i and j odd.
        implementation: `lax` for XLA's own, `shift` for shifted products, `auto` for
            `shift` in programs for CPUs and `lax` in others.

    Returns:
        `f32[b h w c]`.
    """
    if implementation == "shift":
        return _shifted_products(images, kernel)
    if implementation == "lax":
        return _grouped_conv(images, kernel)
    return lax.platform_dependent(
        images, kernel, cpu=_shifted_products, default=_grouped_conv
    )


def conv_of_rows(rows: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves a block of rows that has those above and below which the kernel sees.

    A sum of shifted products, in float32.

    Args:
        rows: `f32[b h+i-1 w c]`.
        kernel: `f32[i j 1 c]`, i and j odd.

    Returns:
        `f32[b h w c]`.
    """
    above, across = kernel.shape[:2]
    height, width = rows.shape[1] - above + 1, rows.shape[2]
    padded = _pad(rows, 1, across)
    total = jnp.zeros((rows.shape[0], height, *rows.shape[2:]), jnp.float32)
    for i in range(above):
        for j in range(across):
            shifted = padded[:, i : i + height, j : j + width].astype(jnp.float32)
            total += shifted * kernel[i : i + 1, j : j + 1].astype(jnp.float32)
    return total.astype(rows.dtype)


def _grouped_conv(images: jax.Array, kernel: jax.Array) -> jax.Array:
    return convolution.same_size(images, kernel, groups=images.shape[-1])


@jax.custom_vjp
def _shifted_products(images: jax.Array, kernel: jax.Array) -> jax.Array:
    rows, columns = kernel.shape[:2]
    batch, height, width, channels = images.shape
    padded = _pad(images, rows, columns)
    total = jnp.zeros_like(images)
    for i in range(rows):
        for j in range(columns):
            stop = (batch, i + height, j + width, channels)
            total += (
                lax.slice(padded, (0, i, j, 0), stop) * kernel[i : i + 1, j : j + 1]
            )
    return total


def _pad(images: jax.Array, rows: int, columns: int) -> jax.Array:
    sides = [(size // 2, size // 2) for size in (rows, columns)]
    return jnp.pad(images, [(0, 0), *sides, (0, 0)])


def _forward(
    images: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _shifted_products(images, kernel), (images, kernel)


def _backward(
    saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    images, kernel = saved
    of_images = _shifted_products(gradient, kernel[::-1, ::-1])
    return of_images, _kernel_gradient(images, gradient, kernel.shape)


def _kernel_gradient(
    images: jax.Array, gradient: jax.Array, shape: tuple[int, ...]
) -> jax.Array:
    """Accumulates the gradient of a kernel line by line of the image.

    A scan along the longer side of the kernel needs one product for each tap of the
    shorter side, so a strip needs one; turning the image first would copy it.
    """
    rows, columns = shape[:2]
    along = 1 if rows >= columns else 2
    across = 3 - along
    longer, shorter = max(rows, columns), min(rows, columns)
    padded = _pad(images, rows, columns)
    length, width = images.shape[along], images.shape[across]

    def add_line(
        sums: tuple[jax.Array, ...], place: jax.Array
    ) -> tuple[tuple[jax.Array, ...], None]:
        window = lax.dynamic_slice_in_dim(padded, place, longer, along)
        line = lax.dynamic_slice_in_dim(gradient, place, 1, along)
        return tuple(
            total + lax.slice_in_dim(window, k, k + width, axis=across) * line
            for k, total in enumerate(sums)
        ), None

    size = list(images.shape)
    size[along] = longer
    sums, _ = lax.scan(
        add_line, (jnp.zeros(size, images.dtype),) * shorter, jnp.arange(length)
    )
    taps = jnp.stack([total.sum((0, across)) for total in sums], axis=across - 1)
    return taps.reshape(shape)


_shifted_products.defvjp(_forward, _backward)
