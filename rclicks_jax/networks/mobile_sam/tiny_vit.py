"""The image encoder of MobileSAM: convolutions, then attention within windows.

Source: ChaoningZhang/MobileSAM, mobile_sam/modeling/tiny_vit_sam.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from rclicks_jax.networks import layers, parts
from rclicks_jax.networks.mobile_sam import convolutions
from rclicks_jax.networks.mobile_sam.sizes import STAGES, MobileSamSizes
from rclicks_jax.networks.sam import neck

_EPSILON = 1e-5


class Attention(nn.Module):
    """A normalisation, and self-attention of the places of each window.

    Attributes:
        dim: Channels.
        heads: Heads.
        window: Side of a window, places.
        dtype: Type of the products.
    """

    dim: int
    heads: int
    window: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parameters, by the original's names."""
        dim = self.dim
        self.norm = parts.Norm(dim, _EPSILON, self.dtype)
        self.qkv = parts.Linear(dim, 3 * dim, self.dtype)
        self.proj = parts.Linear(dim, dim, self.dtype)
        # For each distance down, and within it for each distance across.
        self.attention_biases = self.param(
            "attention_biases", nn.initializers.zeros, (self.heads, self.window**2)
        )

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[b h w c]` to the same shape."""
        batch, height, width, dim = tokens.shape
        window, heads = self.window, self.heads
        down, across = -(-height // window), -(-width // window)
        # Windows over the edge are filled with zeros before the normalisation.
        beyond = (down * window - height, across * window - width)
        tokens = jnp.pad(tokens, ((0, 0), (0, beyond[0]), (0, beyond[1]), (0, 0)))
        qkv = self.qkv(self.norm(tokens))
        shape = (batch, down, window, across, window, heads, 3, dim // heads)
        # Axes: 3, batch, row and column of windows, heads, row and column of places.
        split = qkv.reshape(shape).transpose(6, 0, 1, 3, 5, 2, 4, 7)
        query, key, value = split.reshape(3, -1, heads, window**2, dim // heads)
        query = query * (dim // heads) ** -0.5
        mixed = parts.attend(query, key, value, bias=self._bias())
        mixed = mixed.reshape(batch, down, across, heads, window, window, -1)
        mixed = mixed.transpose(0, 1, 4, 2, 5, 3, 6)
        mixed = mixed.reshape(batch, down * window, across * window, dim)
        return self.proj(mixed[:, :height, :width])

    def _bias(self) -> jax.Array:
        """Returns what the distances of two places add, `f32[n w*w w*w]`."""
        window = self.window
        y, x = np.divmod(np.arange(window**2), window)
        distances = np.abs(y[:, None] - y) * window + np.abs(x[:, None] - x)
        return self.attention_biases[:, distances]


class FeedForward(nn.Module):
    """A normalisation, and two linear layers with an exact GELU between them."""

    dim: int
    hidden: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        self.norm = parts.Norm(self.dim, _EPSILON, self.dtype)
        self.fc1 = parts.Linear(self.dim, self.hidden, self.dtype)
        self.fc2 = parts.Linear(self.hidden, self.dim, self.dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[... c]` to the same shape."""
        return self.fc2(layers.gelu(self.fc1(self.norm(tokens))))


class Block(nn.Module):
    """Attention, a convolution of each channel, and a feed-forward part."""

    dim: int
    heads: int
    window: int
    hidden: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        dim, dtype = self.dim, self.dtype
        self.attn = Attention(dim, self.heads, self.window, dtype)
        self.local_conv = convolutions.Convolution(3, dim, dim, dtype, depthwise=True)
        self.mlp = FeedForward(dim, self.hidden, dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[b h w c]` to the same shape."""
        tokens = self.local_conv(tokens + self.attn(tokens))
        return tokens + self.mlp(tokens)


class Stage(nn.Module):
    """The blocks of a stage, and what leads to the next one.

    Attributes:
        sizes: Sizes of the network.
        number: Number of the stage.
        dtype: Type of the products.
    """

    sizes: MobileSamSizes
    number: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        sizes, number, dtype = self.sizes, self.number, self.dtype
        self.blocks = [self._block() for _ in range(sizes.depths[number])]
        if number + 1 < STAGES:
            # The last stage has the size of the one before.
            halves = number + 2 < STAGES
            dim, following = sizes.dims[number : number + 2]
            self.downsample = convolutions.Merging(dim, following, halves, dtype)

    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[b h w c]` to what the next stage begins with."""
        for block in self.blocks:
            features = block(features)
        return self.downsample(features) if self.number + 1 < STAGES else features

    def _block(self) -> nn.Module:
        sizes, number = self.sizes, self.number
        dim, hidden = sizes.dims[number], sizes.hidden[number]
        if not number:
            return convolutions.Block(dim, hidden, self.dtype)
        heads, window = sizes.heads[number - 1], sizes.windows[number - 1]
        return Block(dim, heads, window, hidden, self.dtype)


class Encoder(nn.Module):
    """The whole image encoder."""

    sizes: MobileSamSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        sizes, dtype = self.sizes, self.dtype
        self.patch_embed = convolutions.Stem(sizes.dims[0], dtype)
        self.layers = [Stage(sizes, number, dtype) for number in range(STAGES)]
        self.neck = neck.layers_of(sizes.dims[-1], sizes.channels, dtype)

    def __call__(self, square: jax.Array) -> jax.Array:
        """Encodes squares.

        Args:
            square: RGB, normalised and then padded with 0, `f32[b s s 3]`.

        Returns:
            The embedding, places of the grid row by row, `f32[b g*g c]`.
        """
        features = self.patch_embed(square)
        for stage in self.layers:
            features = stage(features)
        return neck.embedding(features, self.neck)
