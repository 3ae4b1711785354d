"""3x3 convolution of stride 2 that is fast on every platform.

XLA's convolution takes the gradient of its kernel for a convolution with a window as
large as the images, ten times as slow on CPU as a product of matrices. The choice is
made where a program is lowered.

On TPUs channels lie along 128 lanes, which three or 16 channels leave empty. There,
squares of pixels are folded into the channels of images ("space to depth"); the same
convolution is then one of more channels and fewer places, with the same sums. So is the
gradient of images of many channels, for which XLA puts zeros between the places.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rclicks_jax.ops import convolution, registers

Implementation = Literal["auto", "lax", "product", "squares"]


def strided_conv(
    images: jax.Array, kernel: jax.Array, implementation: Implementation = "auto"
) -> jax.Array:
    """Convolves with stride 2 and one pixel of zeros around, as PyTorch pads.

    Args:
        images: `f32[b h w c]`.
        kernel: `f32[3 3 c d]`.
        implementation: `lax` for XLA's own, `product` for a product of matrices,
            `squares` for XLA's own with another gradient; `auto` for `product` in
            programs for CPUs, `squares` in those for TPUs where channels fill their
            lanes, else `lax`.

    Returns:
        `f32[b h/2 w/2 d]`, sizes rounded up.
    """
    if implementation == "product":
        return _product(images, kernel)
    if implementation == "lax":
        return _conv(images, kernel)
    if implementation == "squares":
        return _conv_by_squares(images, kernel)
    of_tpu = _conv if images.shape[-1] < registers.LANES else _conv_by_squares
    return lax.platform_dependent(
        images, kernel, cpu=_product, tpu=of_tpu, default=_conv
    )


def _conv(images: jax.Array, kernel: jax.Array) -> jax.Array:
    around = [(1, 1), (1, 1)]
    return convolution.convolve(images, kernel, around, strides=(2, 2))


_conv_by_squares = jax.custom_vjp(_conv)


def _forward(
    images: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _conv(images, kernel), (images, kernel)


def _backward(
    kept: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    images, kernel = kept
    (of_kernel,) = jax.vjp(lambda kernel: _conv(images, kernel), kernel)[1](gradient)
    height, width = images.shape[1:3]
    return _image_gradient(gradient, kernel)[:, :height, :width], of_kernel


_conv_by_squares.defvjp(_forward, _backward)


def _image_gradient(gradient: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns the gradient of images, with an even number of rows and columns.

    One convolution gives the four pixels of a square side by side in the channels. Even
    rows are seen by the middle of the kernel alone, odd ones by its end, and by its
    start one place on.
    """

    def of_parity(kernel: jax.Array, axis: int) -> list[jax.Array]:
        start, middle, end = jnp.split(kernel, 3, axis)
        nothing = jnp.zeros_like(middle)
        return [
            jnp.concatenate(pair, axis) for pair in ((middle, nothing), (end, start))
        ]

    turned = kernel.swapaxes(2, 3)
    taps = [both for rows in of_parity(turned, 0) for both in of_parity(rows, 1)]
    squares = convolution.convolve(
        gradient, jnp.concatenate(taps, axis=-1), [(0, 1), (0, 1)]
    )
    batch, height, width = gradient.shape[:3]
    squares = squares.reshape(batch, height, width, 2, 2, kernel.shape[2])
    return squares.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, -1)


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


def fold(images: jax.Array, side: int) -> jax.Array:
    """Folds squares of pixels into channels, row by row, pixel by pixel.

    Each row of pixels is thinned by a product, where a TPU would move single numbers.

    Args:
        images: `f32[b h w c]`, h and w multiples of `side`.
        side: Pixels of a side of the squares.

    Returns:
        `f32[b h/side w/side side*side*c]`.
    """
    batch, height, width, channels = images.shape
    rows, columns = height // side, width // side
    place = np.arange(width)
    chosen = np.zeros((width, side, columns), np.float32)
    chosen[place, place % side, place // side] = 1
    lines = images.reshape(batch, rows, side, width, channels)
    # Sums with a single term.
    thinned = jnp.einsum(
        "ybpcx,xqX->ybpqcX",
        lines.transpose(1, 0, 2, 4, 3),
        jnp.asarray(chosen, images.dtype),
        precision="highest",
    )
    return thinned.reshape(rows, batch, -1, columns).transpose(1, 0, 3, 2)


def strided_conv_folded(images: jax.Array, kernel: jax.Array, side: int) -> jax.Array:
    """Convolves folded images as `strided_conv` does those that are not.

    An output of a square sees the square itself and its neighbours above and to the
    left, so that this is a 2x2 convolution of stride 1.

    Args:
        images: Images folded by `side`, `f32[b h w side*side*c]`.
        kernel: `f32[3 3 c d]`.
        side: An even number.

    Returns:
        The result, folded by half of `side`, `f32[b h w (side/2)*(side/2)*d]`.
    """
    half = side // 2
    # Tap i of output p is pixel 2p + i - 1: u says of which square, r where there.
    chosen = np.zeros((3, 2, side, half), np.float32)
    for p in range(half):
        for i in range(3):
            square, place = divmod(2 * p + i - 1, side)
            chosen[i, square + 1, place, p] = 1
    taps = jnp.asarray(chosen, kernel.dtype)
    # Sums with a single term.
    folded = jnp.einsum(
        "iurp,jvsq,ijcd->uvrscpqd", taps, taps, kernel, precision="highest"
    )
    channels, width = kernel.shape[2:]
    folded = folded.reshape(2, 2, side * side * channels, half * half * width)
    return convolution.convolve(images, folded, [(1, 0), (1, 0)])
