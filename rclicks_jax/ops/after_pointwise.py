"""A depthwise 3x3 convolution after a 1x1 convolution, as one dense convolution.

For TPUs: it has as many more products as the images have channels, which there take
less time than the sums of a depthwise convolution if these are few; and what lies
between the two is not written.

The bias of the 1x1 convolution counts where a tap of the kernel is inside of the image.
As a further channel of ones it would make each product longer, so it is added
afterwards, with what is outside taken away from the border.
"""

import jax
import jax.numpy as jnp

from rclicks_jax.ops import columns, convolution


def convolve(
    images: jax.Array,
    matrix: jax.Array,
    bias: jax.Array,
    kernel: jax.Array,
    offset: jax.Array,
    joined: int = 1,
) -> jax.Array:
    """Convolves each channel of what a 1x1 convolution makes; zeros around, same size.

    Args:
        images: `f32[b h w c]`, or of another type, in which products are computed; with
            columns side by side in the channels if they are `joined`.
        matrix: The 1x1 convolution, `f32[c d]`.
        bias: Its bias, `f32[d]`.
        kernel: The depthwise convolution, `f32[3 3 1 d]`.
        offset: Its bias, `f32[d]`.
        joined: Columns side by side.

    Returns:
        `f32[b h w d]`, joined as the images are, of their type.
    """
    dense = (kernel * matrix[None, None]).astype(images.dtype)
    taps = (kernel[:, :, 0] * bias[None, None]).at[1, 1].add(offset)
    if joined == 1:
        hidden = convolution.same_size(images, dense)
    else:
        hidden = columns.conv_3x3(images, dense)
    return _add_inside(hidden, taps)


@jax.custom_vjp
def _add_inside(hidden: jax.Array, taps: jax.Array) -> jax.Array:
    """Adds to each pixel those taps that are inside of the image.

    Args:
        hidden: `f32[b h w d]`, or joined.
        taps: `f32[3 3 d]`.
    """
    depth = taps.shape[-1]

    def of_pixels(taps: jax.Array) -> jax.Array:
        total = taps.reshape(-1, depth).sum(0).astype(hidden.dtype)
        return jnp.tile(total, hidden.shape[-1] // depth)[None, None, None]

    hidden += of_pixels(taps)
    for sign, seen, place in _border(depth):
        added = sign * of_pixels(taps[seen])[..., place[-1]]
        hidden = hidden.at[place].add(added)
    return hidden


def _forward(hidden: jax.Array, taps: jax.Array) -> tuple[jax.Array, jax.Array]:
    return _add_inside(hidden, taps), taps


def _backward(taps: jax.Array, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    depth = taps.shape[-1]

    def summed(pixels: jax.Array) -> jax.Array:
        total = pixels.astype(jnp.float32).sum((0, 1, 2))
        return total.reshape(-1, depth).sum(0)[None, None]

    sums = jnp.broadcast_to(summed(gradient), taps.shape)
    for sign, seen, place in _border(depth):
        sums = sums.at[seen].add(sign * summed(gradient[place]))
    return gradient, sums


_add_inside.defvjp(_forward, _backward)


def _border(depth: int) -> list[tuple[int, tuple[slice, ...], tuple[slice, ...]]]:
    """Returns where taps are outside of an image.

    Args:
        depth: Channels of a column.

    Returns:
        A sign, which taps, and of which pixels and channels. What is outside by its row
        and by its column is taken away twice, so it is added again.
    """
    every = slice(None)
    # The first and the last column are at the ends of joined channels.
    ends = ((slice(0, 1), slice(0, depth)), (slice(-1, None), slice(-depth, None)))
    border = []
    for row, _ in ends:
        border.append((-1, (row, every), (every, row, every, every)))
        for column, channels in ends:
            border.append((1, (row, column), (every, row, column, channels)))
    for column, channels in ends:
        border.append((-1, (every, column), (every, every, column, channels)))
    return border
