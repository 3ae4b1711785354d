"""Features of places made four times as fine, and the logits of a mask of them.

Convolutions that double the size are products, and what they make stays where it is, as
channels of a place; only the logits of masks that are asked for are made of it.

Source: facebookresearch/segment-anything, segment_anything/modeling/mask_decoder.py.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from rclicks_jax.networks import layers, parts

# Pixels that a pixel becomes when the size is doubled.
QUARTERS = 4


class Fine(NamedTuple):
    """Features at two and at four times the grid, by place, of photographs or rows.

    Attributes:
        middle: Added before the normalisation, `f32[n 4 c/4 s]`.
        finest: Added before the last activation, `f32[n 4 4 c/8 s]`.
    """

    middle: jax.Array
    finest: jax.Array


def finest(
    places: jax.Array,
    first: parts.Kernel,
    norm: parts.Norm,
    last: parts.Kernel,
    fine: Fine | None = None,
) -> jax.Array:
    """Returns features at four times the grid, by place, `f32[n 4 4 c/8 s]`.

    Args:
        places: The places, `f32[n s c]`.
        first: The first transposed convolution: inputs, 2x2, outputs.
        norm: The normalisation after it.
        last: The second transposed convolution.
        fine: What is added to the results of both, if anything.
    """
    made = doubled_twice(
        places, first, norm, last, None if fine is None else fine.middle
    )
    return layers.gelu(made if fine is None else made + fine.finest)


def doubled_twice(
    places: jax.Array,
    first: parts.Kernel,
    norm: parts.Norm,
    last: parts.Kernel,
    middle_fine: jax.Array | None = None,
) -> jax.Array:
    """Returns features at four times the grid before an activation.

    Args:
        places: As for `finest`, as are the layers.
        first: The first transposed convolution.
        norm: The normalisation after it.
        last: The second transposed convolution.
        middle_fine: What is added to the result of the first, if anything.

    Returns:
        By place, `f32[n 4 4 d s]`.
    """
    count, length, channels = places.shape
    kernel, bias = (each.astype(places.dtype) for each in first())
    middle = bias.shape[0]
    wide = jnp.einsum("cd,nsc->nds", kernel.reshape(channels, -1), places)
    wide = wide.reshape(count, QUARTERS, middle, length) + bias[None, None, :, None]
    if middle_fine is not None:
        wide = wide + middle_fine
    wide = layers.gelu(norm(wide, axis=2))
    kernel, bias = (each.astype(places.dtype) for each in last())
    made = jnp.einsum("cd,nqcs->nqds", kernel.reshape(middle, -1), wide)
    made = made.reshape(count, QUARTERS, QUARTERS, -1, length)
    return made + bias[None, None, None, :, None]


def logits(features: jax.Array, weights: jax.Array) -> jax.Array:
    """Returns logits by place, `f32[n 16 s]`.

    Args:
        features: At four times the grid, `f32[n 4 4 c/8 s]`.
        weights: What each channel of them gives to a mask, `f32[n c/8]`.
    """
    products = features * weights[:, None, None, :, None]
    summed = products.astype(jnp.float32).sum(axis=3)
    return summed.reshape(len(features), QUARTERS**2, -1)
