"""The plain transformer of SimpleClick and SegNext.

SimpleClick's clicks enter before the first block, beside the image.

Tokens lie window by window from the start, so that blocks of windows and blocks of the
whole square need nothing but another shape: attention does not know of order.

Source: uncbiag/SimpleClick, isegm/model/modeling/models_vit.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks import layers, parts
from rclicks_jax.networks.simpleclick.sizes import SimpleClickSizes
from rclicks_jax.ops import torch_resize

_EPSILON = 1e-6


def by_window(grid: jax.Array, windows: int) -> jax.Array:
    """Returns places of a grid, `f32[... g g c]`, window by window, `f32[... w*w t c]`.

    Args:
        grid: What lies at each place.
        windows: Windows along a side.
    """
    *front, side, _, channels = grid.shape
    within, count = side // windows, len(front)
    split = grid.reshape(*front, windows, within, windows, within, channels)
    order = (*range(count), count, count + 2, count + 1, count + 3, count + 4)
    return split.transpose(order).reshape(*front, windows**2, within**2, channels)


def by_place(tokens: jax.Array) -> jax.Array:
    """Returns tokens, `f32[b w*w t c]`, as a grid, `f32[b g g c]`."""
    batch, windows, within, channels = tokens.shape
    windows, within = round(windows**0.5), round(within**0.5)
    split = tokens.reshape(batch, windows, windows, within, within, channels)
    side = windows * within
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(batch, side, side, channels)


class PatchEmbedding(nn.Module):
    """Makes a token of each patch, as a product, window by window."""

    patch: int
    inputs: int
    dim: int
    dtype: DTypeLike

    @nn.compact
    def __call__(self, square: jax.Array, windows: int) -> jax.Array:
        """Maps `f32[b s s inputs]` to `f32[b w*w t dim]`."""
        patch, batch = self.patch, square.shape[0]
        shape = (patch, patch, self.inputs, self.dim)
        kernel, bias = parts.Kernel(shape, name="proj")()
        grid = square.shape[1] // patch
        split = square.astype(self.dtype).reshape(
            batch, grid, patch, grid, patch, self.inputs
        )
        patches = split.transpose(0, 1, 3, 2, 4, 5).reshape(batch, grid, grid, -1)
        matrix = kernel.astype(self.dtype).reshape(-1, self.dim)
        tokens = by_window(patches, windows) @ matrix
        return tokens + parts.along_last(bias.astype(self.dtype), 4)


class Attention(nn.Module):
    """Self-attention within each group of tokens."""

    sizes: SimpleClickSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parameters."""
        dim = self.sizes.dim
        self.qkv = parts.Linear(dim, 3 * dim, self.dtype)
        self.proj = parts.Linear(dim, dim, self.dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[b t c]` to the same shape."""
        batch, length, dim = tokens.shape
        heads = self.sizes.heads
        depth = dim // heads
        shape = (batch, length, 3, heads, depth)
        qkv = self.qkv(tokens).reshape(shape).transpose(2, 0, 3, 1, 4)
        query, key, value = qkv
        mixed = parts.attend(query * depth**-0.5, key, value)
        return self.proj(mixed.transpose(0, 2, 1, 3).reshape(batch, length, dim))


class FeedForward(nn.Module):
    """Two linear layers with an exact GELU between them."""

    dim: int
    hidden: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers."""
        self.fc1 = parts.Linear(self.dim, self.hidden, self.dtype)
        self.fc2 = parts.Linear(self.hidden, self.dim, self.dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[... c]` to the same shape."""
        return self.fc2(layers.gelu(self.fc1(tokens)))


class Block(nn.Module):
    """Attention and a feed-forward part, each added to what it is given.

    Attributes:
        sizes: Widths.
        dtype: Type of the products.
        epsilon: Added to variances.
    """

    sizes: SimpleClickSizes
    dtype: DTypeLike
    epsilon: float

    def setup(self) -> None:
        """Makes the parts."""
        dim = self.sizes.dim
        self.norm1 = parts.Norm(dim, self.epsilon, self.dtype)
        self.attn = Attention(self.sizes, self.dtype)
        self.norm2 = parts.Norm(dim, self.epsilon, self.dtype)
        self.mlp = FeedForward(dim, self.sizes.hidden, self.dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[b t c]` to the same shape."""
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class Transformer(nn.Module):
    """The backbone, whose name and parts are the original's.

    Attributes:
        sizes: Widths and depths.
        dtype: Type of the products.
        group: Number of blocks of which the last attends to the whole square.
    """

    sizes: SimpleClickSizes
    dtype: DTypeLike
    group: int

    def setup(self) -> None:
        """Makes the parts."""
        sizes = self.sizes
        self.patch_embed = PatchEmbedding(sizes.patch, 3, sizes.dim, self.dtype)
        # The first is that of a token which only classification has.
        self.pos_embed = self.param(
            "pos_embed", nn.initializers.zeros, (1, 1 + sizes.learnt**2, sizes.dim)
        )
        self.blocks = [Block(sizes, self.dtype, _EPSILON) for _ in range(sizes.depth)]

    def __call__(
        self, image: jax.Array, windows: int, clicks: jax.Array | None = None
    ) -> jax.Array:
        """Maps images, and perhaps tokens of clicks, to features of places.

        Args:
            image: Normalised, `f32[b s s 3]`.
            windows: Windows along a side.
            clicks: Added to the image's tokens, window by window, `f32[b w*w t c]`.

        Returns:
            `f32[b g g c]`.
        """
        tokens = self.patch_embed(image, windows)
        if clicks is not None:
            tokens = tokens + clicks
        shape = tokens.shape
        batch, count, within, dim = shape
        places = by_window(self._positions(image.shape[1] // self.sizes.patch), windows)
        tokens = tokens + places[None].astype(self.dtype)
        last = len(self.blocks)
        for number, block in enumerate(self.blocks, 1):
            # The last of a group sees the whole square, the others their windows.
            whole = number % self.group == 0 or number == last
            seen = (batch, count * within) if whole else (batch * count, within)
            tokens = block(tokens.reshape(*seen, dim))
        return by_place(tokens.reshape(shape))

    def _positions(self, grid: int) -> jax.Array:
        """Returns features of the places of a grid of any size, `f32[g g c]`."""
        learnt = self.sizes.learnt
        table = self.pos_embed[0, 1:].astype(jnp.float32).reshape(learnt, learnt, -1)
        if grid == learnt:
            return table
        matrix = torch_resize.bicubic(learnt, grid)
        return jnp.einsum("yv,xu,vuc->yxc", matrix, matrix, table, precision="highest")
