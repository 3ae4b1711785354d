"""The image encoder of SAM 2: Hiera, a vision transformer whose stages halve the size.

Source: facebookresearch/sam2, sam2/modeling/backbones/hieradet.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks import layers, parts
from rclicks_jax.networks.sam2.sizes import PATCH_STRIDE, BlockSizes, Sam2Sizes
from rclicks_jax.ops import torch_resize

_EPSILON = 1e-6
# Side of the kernel that makes patches; their stride is smaller, so they overlap.
_PATCH = 7


def pooled(features: jax.Array) -> jax.Array:
    """Returns the largest of each 2x2 places: `f32[... h w c]` to half the sides."""
    *outer, height, width, channels = features.shape
    split = features.reshape(*outer, height // 2, 2, width // 2, 2, channels)
    return split.max(axis=(-4, -2))


class Attention(nn.Module):
    """Self-attention of the places of a square, or of each of its windows.

    Attributes:
        sizes: Sizes of the block.
        dtype: Type of the products.
    """

    sizes: BlockSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers."""
        inputs, outputs = self.sizes.inputs, self.sizes.outputs
        self.qkv = parts.Linear(inputs, 3 * outputs, self.dtype)
        self.proj = parts.Linear(outputs, outputs, self.dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[b g g c]` to `f32[b g g d]`, or to half of both sides."""
        batch, grid = tokens.shape[:2]
        outputs, heads = self.sizes.outputs, self.sizes.heads
        head, window = outputs // heads, self.sizes.window or grid
        across = -(-grid // window)
        # Windows over the edge are filled with zeros after the normalisation. Their
        # queries, keys and values are the biases alone, so they need no product.
        qkv = tokens.astype(self.dtype) @ self.qkv.kernel.astype(self.dtype)
        beyond = across * window - grid
        qkv = jnp.pad(qkv, ((0, 0), (0, beyond), (0, beyond), (0, 0)))
        qkv = qkv + parts.along_last(self.qkv.bias.astype(self.dtype), 4)
        shape = (batch, across, window, across, window, 3, heads, head)
        # Axes: 3, batch, row and column of windows, heads, row and column of places.
        query, key, value = qkv.reshape(shape).transpose(5, 0, 1, 3, 6, 2, 4, 7)
        if self.sizes.pooled:
            query, grid = pooled(query), grid // 2
        own = query.shape[-2]
        groups = (batch * across * across, heads)
        mixed = parts.attend(
            (query * head**-0.5).reshape(*groups, own * own, head),
            key.reshape(*groups, window * window, head),
            value.reshape(*groups, window * window, head),
        )
        mixed = mixed.reshape(batch, across, across, heads, own, own, head)
        mixed = mixed.transpose(0, 1, 4, 2, 5, 3, 6)
        mixed = mixed.reshape(batch, across * own, across * own, outputs)
        return self.proj(mixed[:, :grid, :grid])


class Block(nn.Module):
    """Attention and a feed-forward part, each added to what it is given."""

    sizes: BlockSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        inputs, outputs, dtype = self.sizes.inputs, self.sizes.outputs, self.dtype
        self.norm1 = parts.Norm(inputs, _EPSILON, dtype)
        self.attn = Attention(self.sizes, dtype)
        self.norm2 = parts.Norm(outputs, _EPSILON, dtype)
        between = (outputs, 4 * outputs, outputs)
        self.mlp = parts.Perceptron(between, dtype, layers.gelu)
        if inputs != outputs:
            self.proj = parts.Linear(inputs, outputs, dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[b g g c]` to `f32[b g g d]`, or to half of both sides."""
        normed = self.norm1(tokens)
        if self.sizes.inputs != self.sizes.outputs:
            tokens = self.proj(normed)
            tokens = pooled(tokens) if self.sizes.pooled else tokens
        tokens = tokens + self.attn(normed)
        return tokens + self.mlp(self.norm2(tokens))


class PatchEmbedding(nn.Module):
    """Makes a token of each patch: a 7x7 convolution of stride 4."""

    dim: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parameters."""
        self.proj = parts.Kernel((_PATCH, _PATCH, 3, self.dim))

    def __call__(self, square: jax.Array) -> jax.Array:
        """Maps `f32[b s s 3]` to `f32[b s/4 s/4 c]`.

        Squares of 4x4 pixels become channels first, since three channels leave most of
        a machine idle. A patch then is 2x2 places, whose first row and column of pixels
        have no weight.
        """
        kernel, bias = (each.astype(self.dtype) for each in self.proj())
        stride, grid = PATCH_STRIDE, square.shape[1] // PATCH_STRIDE
        shape = (len(square), grid, stride, grid, stride, 3)
        folded = square.astype(self.dtype).reshape(shape).transpose(0, 1, 3, 2, 4, 5)
        folded = folded.reshape(len(square), grid, grid, -1)
        kernel = jnp.pad(kernel, ((1, 0), (1, 0), (0, 0), (0, 0)))
        kernel = kernel.reshape(2, stride, 2, stride, 3, self.dim)
        kernel = kernel.transpose(0, 2, 1, 3, 4, 5).reshape(2, 2, -1, self.dim)
        tokens = jax.lax.conv_general_dilated(
            folded,
            kernel,
            (1, 1),
            ((1, 0), (1, 0)),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return tokens + parts.along_last(bias, 4)


class Trunk(nn.Module):
    """The transformer: what each of its stages makes."""

    sizes: Sam2Sizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        sizes, zeros = self.sizes, nn.initializers.zeros
        self.patch_embed = PatchEmbedding(sizes.dim, self.dtype)
        shape = (1, sizes.dim, sizes.background, sizes.background)
        self.pos_embed = self.param("pos_embed", zeros, shape)
        shape = (1, sizes.dim, sizes.windows[0], sizes.windows[0])
        self.pos_embed_window = self.param("pos_embed_window", zeros, shape)
        self.blocks = [Block(each, self.dtype) for each in sizes.blocks]

    def positions(self) -> jax.Array:
        """Returns what is added to tokens, `f32[g g c]`.

        A small table is stretched over the square, and another repeated in windows.
        """
        grid = self.sizes.side // PATCH_STRIDE
        stretch = jnp.asarray(torch_resize.bicubic(self.sizes.background, grid))
        rows = jnp.einsum(
            "yr,drc->ycd", stretch, self.pos_embed[0], precision="highest"
        )
        whole = jnp.einsum("xc,ycd->yxd", stretch, rows, precision="highest")
        window = self.pos_embed_window[0].transpose(1, 2, 0)
        times = grid // self.sizes.windows[0]
        return whole + jnp.tile(window, (times, times, 1))

    def __call__(self, square: jax.Array) -> list[jax.Array]:
        """Maps `f32[b s s 3]` to `f32[b g g c]` of each stage, the finest first."""
        positions = self.positions().astype(self.dtype)
        tokens = self.patch_embed(square) + positions[None]
        levels: list[jax.Array] = []
        for block in self.blocks:
            tokens = block(tokens)
            if block.sizes.ends_stage:
                levels.append(tokens)
        return levels


class Neck(nn.Module):
    """Brings the outputs of the stages to one number of channels."""

    sizes: Sam2Sizes

    def setup(self) -> None:
        """Makes the layers, the one of the coarsest level first, as the original."""
        channels = self.sizes.channels
        self.convs = [
            parts.Kernel((1, 1, width, channels)) for width in self.sizes.widths[::-1]
        ]

    def level(self, number: int) -> tuple[jax.Array, jax.Array]:
        """Returns the matrix, `f32[c d]`, and the bias of a level, 0 the finest."""
        kernel, bias = self.convs[len(self.convs) - 1 - number]()
        return kernel[0, 0], bias


class Encoder(nn.Module):
    """The whole image encoder."""

    sizes: Sam2Sizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        self.trunk = Trunk(self.sizes, self.dtype)
        self.neck = Neck(self.sizes)

    def __call__(
        self, square: jax.Array, middle: parts.Kernel, finest: parts.Kernel
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Encodes squares.

        Args:
            square: RGB, normalised, `f32[b s s 3]`.
            middle: 1x1 convolution of the decoder for the second finest level.
            finest: The same for the finest.

        Returns:
            The embedding, `f32[b g g c]`, and the two finer levels after the decoder's
            convolutions, `f32[b 2g 2g c/4]` and `f32[b 4g 4g c/8]`.
        """
        levels = self.trunk(square)
        coarsest = self._projected(levels[3], *self.neck.level(3))
        # Only this level has more than its own features: the coarser one's, repeated.
        above = coarsest.repeat(2, axis=1).repeat(2, axis=2)
        embedding = self._projected(levels[2], *self.neck.level(2)) + above
        fine = [
            self._projected(levels[number], *_in_turn(self.neck.level(number), taps()))
            for number, taps in ((1, middle), (0, finest))
        ]
        return embedding, fine[0], fine[1]

    def _projected(
        self, features: jax.Array, kernel: jax.Array, bias: jax.Array
    ) -> jax.Array:
        product = features @ kernel.astype(self.dtype)
        return product + parts.along_last(bias.astype(self.dtype), 4)


def _in_turn(
    first: tuple[jax.Array, jax.Array], second: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    """Returns one linear layer for two: an eighth of the products at the finest level.

    Args:
        first: Matrix, `f32[a b]`, and bias of the neck.
        second: Kernel, `f32[1 1 b c]`, and bias of the decoder.
    """
    kernel, bias = (each.astype(jnp.float32) for each in first)
    matrix = second[0][0, 0].astype(jnp.float32)
    product = jnp.matmul(kernel, matrix, precision="highest")
    return product, jnp.matmul(bias, matrix, precision="highest") + second[1]
