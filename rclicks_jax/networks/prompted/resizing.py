"""Photographs resized into the square of an encoder, and logits onto a photograph.

Both are products with matrices, so that photographs of about the same size share a
program.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks.prompted import prompts
from rclicks_jax.ops import buckets

# Of ImageNet, in 0..255.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


class Matrices(NamedTuple):
    """What resizes rows, and what resizes columns.

    Attributes:
        rows: `f32[target source]`, 0 where there is nothing.
        columns: The same of columns.
    """

    rows: np.ndarray
    columns: np.ndarray


def fill_up(image: np.ndarray) -> np.ndarray:
    """Returns an image, `u8[h w 3]`, with zeros up to the size of its bucket."""
    filled = np.zeros((*buckets.static_shape(image.shape), 3), np.uint8)
    filled[: image.shape[0], : image.shape[1]] = image
    return filled


def normalised(image: jax.Array, matrices: Matrices) -> jax.Array:
    """Resizes a photograph and normalises its colours, `f32[s s 3]`.

    Args:
        image: A photograph that was filled up, `u8[h w 3]`.
        matrices: What brings it into the square.
    """
    rows, columns = (jnp.asarray(each) for each in matrices)
    pixels = image.astype(jnp.float32)
    wide = jnp.einsum("xw,hwc->hxc", columns, pixels, precision="highest")
    return standardised(jnp.einsum("yh,hxc->yxc", rows, wide, precision="highest"))


def standardised(pixels: jax.Array) -> jax.Array:
    """Takes means off and divides by deviations: colours in 0..255, `f32[h w 3]`."""
    mean, std = (jnp.array(each, jnp.float32)[None, None] for each in (MEAN, STD))
    return (pixels - mean) / std


def to_photograph(low_res: jax.Array, matrices: Matrices) -> jax.Array:
    """Returns logits on the bucket of a photograph, `f32[n h w]`.

    Args:
        low_res: Logits by place, `f32[n 16 g*g]`.
        matrices: What brings logits of low resolution onto the bucket.
    """
    return enlarged(prompts.to_pixels(low_res), matrices)


def enlarged(pixels: jax.Array, matrices: Matrices) -> jax.Array:
    """Returns maps resized by matrices, `f32[n h w]`.

    Args:
        pixels: `f32[n r c]`.
        matrices: What resizes them.
    """
    rows, columns = (jnp.asarray(each) for each in matrices)
    wide = jnp.einsum("xc,nrc->nrx", columns, pixels, precision="highest")
    return jnp.einsum("yr,nrx->nyx", rows, wide, precision="highest")
