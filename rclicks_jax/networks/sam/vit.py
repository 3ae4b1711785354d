"""The image encoder of SAM: a plain vision transformer, most blocks within windows.

Relative positions are part of the product of queries and keys: a query carries, beside
its channels, what it gives to each row and to each column of keys, and a key carries
which row and which column it is in. So no array of scores is added to another.

Source: facebookresearch/segment-anything, segment_anything/modeling/image_encoder.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from rclicks_jax.networks import layers, parts
from rclicks_jax.networks.sam import neck
from rclicks_jax.networks.sam.sizes import SamSizes

_EPSILON = 1e-6


class Attention(nn.Module):
    """Self-attention of the patches of a square, or of each of its windows.

    Attributes:
        sizes: Sizes of the network.
        window: Side of a window, patches; the grid's side for the whole square.
        dtype: Type of the products.
    """

    sizes: SamSizes
    window: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parameters."""
        dim = self.sizes.dim
        self.qkv = parts.Linear(dim, 3 * dim, self.dtype)
        self.proj = parts.Linear(dim, dim, self.dtype)
        shape = (2 * self.window - 1, self.sizes.head)
        self.rel_pos_h = self.param("rel_pos_h", nn.initializers.zeros, shape)
        self.rel_pos_w = self.param("rel_pos_w", nn.initializers.zeros, shape)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[b g g c]` to the same shape."""
        batch, grid, _, dim = tokens.shape
        head, window = self.sizes.head, self.window
        heads, across = dim // head, -(-grid // window)
        # Windows over the edge are filled with zeros after the normalisation. Their
        # queries, keys and values are the biases alone, so they need no product.
        qkv = tokens.astype(self.dtype) @ self.qkv.kernel.astype(self.dtype)
        beyond = across * window - grid
        qkv = jnp.pad(qkv, ((0, 0), (0, beyond), (0, beyond), (0, 0)))
        qkv = qkv + parts.along_last(self.qkv.bias.astype(self.dtype), 4)
        shape = (batch, across, window, across, window, 3, heads, head)
        # Axes: 3, batch, row and column of windows, heads, row and column of patches.
        query, key, value = qkv.reshape(shape).transpose(5, 0, 1, 3, 6, 2, 4, 7)
        groups = (batch * across * across, heads)
        square = (*groups, window, window, head)
        query, key = query.reshape(square), key.reshape(square)
        query, key = self._with_positions(query, key)
        mixed = parts.attend(
            query.reshape(*groups, window * window, -1),
            key.reshape(*groups, window * window, -1),
            value.reshape(*groups, window * window, head),
        )
        mixed = mixed.reshape(batch, across, across, heads, window, window, head)
        mixed = mixed.transpose(0, 1, 4, 2, 5, 3, 6)
        mixed = mixed.reshape(batch, across * window, across * window, dim)
        return self.proj(mixed[:, :grid, :grid])

    def _with_positions(
        self, query: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Adds relative positions to queries and keys, `f32[b n w w d]`, as channels.

        What a query gives to a row or a column of keys is computed before it is scaled.
        """
        window = self.window
        places = np.arange(window)
        apart = places[:, None] - places[None, :] + window - 1
        rows, columns = (
            table.astype(self.dtype)[apart]
            for table in (self.rel_pos_h, self.rel_pos_w)
        )
        to_rows = jnp.einsum("bnyxd,ykd->bnyxk", query, rows)
        to_columns = jnp.einsum("bnyxd,xkd->bnyxk", query, columns)
        scaled = query * self.sizes.head**-0.5
        one_hot = jnp.eye(window, dtype=key.dtype)
        shape = (*key.shape[:-1], window)
        in_row = jnp.broadcast_to(one_hot[None, None, :, None, :], shape)
        in_column = jnp.broadcast_to(one_hot[None, None, None, :, :], shape)
        return (
            jnp.concatenate([scaled, to_rows, to_columns], axis=-1),
            jnp.concatenate([key, in_row, in_column], axis=-1),
        )


class FeedForward(nn.Module):
    """Two linear layers with an exact GELU between them."""

    dim: int
    hidden: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers."""
        self.lin1 = parts.Linear(self.dim, self.hidden, self.dtype)
        self.lin2 = parts.Linear(self.hidden, self.dim, self.dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[... c]` to the same shape."""
        return self.lin2(layers.gelu(self.lin1(tokens)))


class Block(nn.Module):
    """Attention and a feed-forward part, each added to what it is given."""

    sizes: SamSizes
    window: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts."""
        dim, hidden = self.sizes.dim, self.sizes.hidden
        self.norm1 = parts.Norm(dim, _EPSILON, self.dtype)
        self.attn = Attention(self.sizes, self.window, self.dtype)
        self.norm2 = parts.Norm(dim, _EPSILON, self.dtype)
        self.mlp = FeedForward(dim, hidden, self.dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[b g g c]` to the same shape."""
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class PatchEmbedding(nn.Module):
    """Makes a token of each patch, as a product."""

    sizes: SamSizes
    dtype: DTypeLike

    @nn.compact
    def __call__(self, square: jax.Array) -> jax.Array:
        """Maps `f32[b s s 3]` to `f32[b g g c]`."""
        patch, grid, dim = self.sizes.patch, self.sizes.grid, self.sizes.dim
        projection = parts.Kernel((patch, patch, 3, dim), name="proj")
        kernel, bias = projection()
        shape = (square.shape[0], grid, patch, grid, patch, 3)
        patches = square.astype(self.dtype).reshape(shape).transpose(0, 1, 3, 2, 4, 5)
        patches = patches.reshape(square.shape[0], grid, grid, -1)
        tokens = patches @ kernel.astype(self.dtype).reshape(-1, dim)
        return tokens + parts.along_last(bias.astype(self.dtype), 4)


class Encoder(nn.Module):
    """The whole image encoder."""

    sizes: SamSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        sizes, dtype = self.sizes, self.dtype
        grid, dim, channels = sizes.grid, sizes.dim, sizes.channels
        self.patch_embed = PatchEmbedding(sizes, dtype)
        self.pos_embed = self.param(
            "pos_embed", nn.initializers.zeros, (1, grid, grid, dim)
        )
        self.blocks = [
            Block(sizes, grid if n in sizes.global_blocks else sizes.window, dtype)
            for n in range(sizes.depth)
        ]
        self.neck = neck.layers_of(dim, channels, dtype)

    def __call__(self, square: jax.Array) -> jax.Array:
        """Encodes squares.

        Args:
            square: RGB, normalised and then padded with 0, `f32[b s s 3]`.

        Returns:
            The embedding, places of the grid row by row, `f32[b g*g c]`.
        """
        return self.with_early(square)[0]

    def with_early(self, square: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Encodes squares; also returns what an early block makes of them.

        Args:
            square: As above.

        Returns:
            The embedding, and the output of the first block that attends to the whole
            square, `f32[b g g dim]`.
        """
        tokens = self.patch_embed(square) + self.pos_embed.astype(self.dtype)
        early, first = tokens, min(self.sizes.global_blocks, default=0)
        for number, block in enumerate(self.blocks):
            tokens = block(tokens)
            early = tokens if number == first else early
        return neck.embedding(tokens, self.neck), early
