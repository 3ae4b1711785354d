"""Clicks as tokens, places as features, and mask prompts.

Logits of low resolution are kept as the decoder makes them and the prompt encoder takes
them: for each place of the encoder's grid the 16 logits of its 4x4 square, the 2x2
quarters of that square first, then the 2x2 logits of each quarter. Places are the last
axis.

Source: facebookresearch/segment-anything, segment_anything/modeling/prompt_encoder.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from rclicks_jax.networks import layers, parts
from rclicks_jax.networks.prompted.sizes import Sizes

# Logits of low resolution along a side of a place of the grid.
FINER = 4
_EPSILON = 1e-6


def to_pixels(low_res: jax.Array) -> jax.Array:
    """Returns logits by place, `f32[n 16 g*g]`, as images, `f32[n 4g 4g]`."""
    grid = int(low_res.shape[-1] ** 0.5)
    split = low_res.reshape(-1, 2, 2, 2, 2, grid, grid)
    return split.transpose(0, 5, 1, 3, 6, 2, 4).reshape(-1, FINER * grid, FINER * grid)


def to_places(pixels: jax.Array) -> jax.Array:
    """Returns images of logits, `f32[n 4g 4g]`, by place: inverse of `to_pixels`."""
    grid = pixels.shape[-1] // FINER
    split = pixels.reshape(-1, grid, 2, 2, grid, 2, 2)
    return split.transpose(0, 2, 5, 3, 6, 1, 4).reshape(-1, FINER**2, grid**2)


class Frequencies(nn.Module):
    """Sines and cosines of places, at fixed random frequencies."""

    channels: int

    def setup(self) -> None:
        """Makes the parameters."""
        self.positional_encoding_gaussian_matrix = self.param(
            "positional_encoding_gaussian_matrix",
            nn.initializers.normal(1.0),
            (2, self.channels // 2),
        )

    def __call__(self, yx: jax.Array) -> jax.Array:
        """Encodes places in the unit square, `f32[... 2]`, as `f32[... c]`.

        Computed in float32 without a product of matrices, which may have fewer bits.
        """
        matrix = self.positional_encoding_gaussian_matrix.astype(jnp.float32)
        across, down = (parts.along_last(row, yx.ndim) for row in matrix)
        y, x = 2 * yx[..., :1] - 1, 2 * yx[..., 1:] - 1
        angles = 2 * np.pi * (x * across + y * down)
        return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)


class Table(nn.Module):
    """Vectors that were learnt, `f32[n c]`."""

    shape: tuple[int, int]

    @nn.compact
    def __call__(self) -> jax.Array:
        """Returns them, float32."""
        table = self.param("table", nn.initializers.normal(1.0), self.shape)
        return table.astype(jnp.float32)


class PromptEncoder(nn.Module):
    """Encodes clicks, the places of the grid, and mask prompts."""

    sizes: Sizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        sizes = self.sizes
        channels, last = sizes.channels, sizes.mask_channels
        first = last // FINER
        self.pe_layer = Frequencies(channels)
        # For a negative click, a positive one, and two corners of a box.
        self.point_embeddings = [Table((1, channels)) for _ in range(4)]
        self.not_a_point_embed = Table((1, channels))
        self.no_mask_embed = Table((1, channels))
        self.mask_downscaling_0 = parts.Kernel((2, 2, 1, first))
        self.mask_downscaling_1 = parts.Norm(first, _EPSILON, self.dtype)
        self.mask_downscaling_3 = parts.Kernel((2, 2, first, last))
        self.mask_downscaling_4 = parts.Norm(last, _EPSILON, self.dtype)
        self.mask_downscaling_6 = parts.Kernel((1, 1, last, channels))

    def clicks(self, yx: jax.Array, positive: jax.Array) -> jax.Array:
        """Makes a token of each click, and one that is none.

        Args:
            yx: Clicks in pixels of the square, `f32[n k 2]`.
            positive: Foreground click or not, `bool[n k]`.

        Returns:
            `f32[n 1+k c]`; the token that is no click comes first. The original puts it
            last, but attention does not know of order.
        """
        negative, foreground = (self.point_embeddings[n]() for n in range(2))
        # Their parameters exist whether or not boxes are used.
        _ = [self.point_embeddings[n]() for n in range(2, 4)]
        places = self.pe_layer((yx + 0.5) / self.sizes.side)
        tokens = places + jnp.where(
            positive[..., None], foreground[None], negative[None]
        )
        shape = (yx.shape[0], 1, self.sizes.channels)
        none = jnp.broadcast_to(self.not_a_point_embed()[None], shape)
        return jnp.concatenate([none, tokens], axis=1)

    def grid(self) -> jax.Array:
        """Returns features of the places of the grid, `f32[g*g c]`."""
        grid = self.sizes.grid
        centres = (jnp.arange(grid, dtype=jnp.float32) + 0.5) / grid
        yx = jnp.stack(jnp.meshgrid(centres, centres, indexing="ij"), axis=-1)
        return self.pe_layer(yx).reshape(grid * grid, -1)

    def mask(self, low_res: jax.Array) -> jax.Array:
        """Encodes mask prompts as far as the last convolution, which is `spread`.

        Args:
            low_res: Logits by place, `f32[n 16 g*g]`.

        Returns:
            `f32[n c' g*g]`.
        """
        count, _, places = low_res.shape
        kernel, bias = (each.astype(self.dtype) for each in self.mask_downscaling_0())
        quarters = low_res.astype(self.dtype).reshape(count, FINER, FINER, places)
        narrow = jnp.einsum("ic,nqip->nqcp", kernel.reshape(FINER, -1), quarters)
        narrow = narrow + bias[None, None, :, None]
        narrow = layers.gelu(self.mask_downscaling_1(narrow, axis=2))
        kernel, bias = (each.astype(self.dtype) for each in self.mask_downscaling_3())
        whole = narrow.reshape(count, -1, places)
        wide = jnp.einsum("ic,nip->ncp", kernel.reshape(whole.shape[1], -1), whole)
        wide = wide + bias[None, :, None]
        return layers.gelu(self.mask_downscaling_4(wide, axis=1))

    def spread(self) -> tuple[jax.Array, jax.Array]:
        """Returns the last convolution of mask prompts: `f32[c' c]` and `f32[c]`."""
        kernel, bias = self.mask_downscaling_6()
        return kernel[0, 0], bias

    def no_mask(self) -> jax.Array:
        """Returns what stands for a mask prompt where there is none, `f32[c]`."""
        return self.no_mask_embed()[0]
