"""The neck and the head of SimpleClick: features of four sizes become logits.

Convolutions that double or halve the size do not overlap, so they are products, and
what they make stays where it is, as channels of a place. The head is linear from its
levels' features to their sum: each level has its product at its own size, and is
enlarged after it.

Source: uncbiag/SimpleClick, isegm/model/is_plainvit_model.py and
isegm/model/modeling/swin_transformer.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks import layers, parts
from rclicks_jax.networks.simpleclick.sizes import SimpleClickSizes
from rclicks_jax.ops import torch_resize

# PyTorch's default.
_EPSILON = 1e-5
# Pixels of the finest level along a side of a place.
FINER = 4


class GroupNorm(nn.Module):
    """Normalisation over all places and channels of an example."""

    channels: int
    dtype: DTypeLike

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Normalises `f32[b ... c]`."""
        scale = self.param("scale", nn.initializers.ones, (self.channels,))
        bias = self.param("bias", nn.initializers.zeros, (self.channels,))
        exact = features.astype(jnp.float32)
        axes = tuple(range(1, features.ndim))
        centred = exact - exact.mean(axes, keepdims=True)
        variance = jnp.square(centred).mean(axes, keepdims=True)
        scale, bias = (
            parts.along_last(each.astype(jnp.float32), features.ndim)
            for each in (scale, bias)
        )
        normed = centred * jax.lax.rsqrt(variance + _EPSILON) * scale + bias
        return normed.astype(self.dtype)


class Pointwise(nn.Module):
    """A 1x1 convolution."""

    inputs: int
    outputs: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parameters."""
        self.kernel = self.param(
            "kernel", nn.initializers.lecun_normal(), (1, 1, self.inputs, self.outputs)
        )
        self.bias = self.param("bias", nn.initializers.zeros, (self.outputs,))

    def matrix(self) -> jax.Array:
        """Returns the matrix, `f32[inputs outputs]`."""
        return self.kernel[0, 0].astype(self.dtype)

    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[... inputs]` to `f32[... outputs]`."""
        bias = parts.along_last(self.bias.astype(self.dtype), features.ndim)
        return features @ self.matrix() + bias


class Doubled(nn.Module):
    """A transposed convolution of stride 2: each place becomes 2x2, as further axes."""

    inputs: int
    outputs: int
    dtype: DTypeLike

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[... inputs]` to `f32[... 2 2 outputs]`."""
        kernel = self.param(
            "kernel",
            nn.initializers.lecun_normal(),
            (self.inputs, 2, 2, self.outputs),
        )
        bias = self.param("bias", nn.initializers.zeros, (self.outputs,))
        matrix = kernel.astype(self.dtype).reshape(self.inputs, -1)
        fine = (features @ matrix).reshape(*features.shape[:-1], 2, 2, self.outputs)
        return fine + parts.along_last(bias.astype(self.dtype), fine.ndim)


class Halved(nn.Module):
    """A convolution of stride 2 whose windows do not overlap."""

    inputs: int
    outputs: int
    dtype: DTypeLike

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[b g g inputs]` to `f32[b g/2 g/2 outputs]`, rounded down."""
        kernel = self.param(
            "kernel",
            nn.initializers.lecun_normal(),
            (2, 2, self.inputs, self.outputs),
        )
        bias = self.param("bias", nn.initializers.zeros, (self.outputs,))
        batch, half = features.shape[0], features.shape[1] // 2
        even = features[:, : 2 * half, : 2 * half]
        split = even.reshape(batch, half, 2, half, 2, -1).transpose(0, 1, 3, 2, 4, 5)
        matrix = kernel.astype(self.dtype).reshape(-1, self.outputs)
        coarse = split.reshape(batch, half, half, -1) @ matrix
        return coarse + parts.along_last(bias.astype(self.dtype), 4)


class Neck(nn.Module):
    """Four levels of features: of 4, 8, 16 and 32 pixels, by the original's names."""

    sizes: SimpleClickSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts."""
        dim, dtype = self.sizes.dim, self.dtype
        four, eight, sixteen, coarsest = self.sizes.pyramid
        wide = max(2 * four, dim // 2)
        self.down_4_0 = Doubled(dim, wide, dtype)
        self.down_4_1 = GroupNorm(wide, dtype)
        self.down_4_3 = Doubled(wide, wide // 2, dtype)
        self.down_4_4 = GroupNorm(wide // 2, dtype)
        self.down_4_5 = Pointwise(wide // 2, four, dtype)
        self.down_4_6 = GroupNorm(four, dtype)
        wide = max(eight, dim // 2)
        self.down_8_0 = Doubled(dim, wide, dtype)
        self.down_8_1 = GroupNorm(wide, dtype)
        self.down_8_2 = Pointwise(wide, eight, dtype)
        self.down_8_3 = GroupNorm(eight, dtype)
        self.down_16_0 = Pointwise(dim, sixteen, dtype)
        self.down_16_1 = GroupNorm(sixteen, dtype)
        wide = max(coarsest, 2 * dim)
        self.down_32_0 = Halved(dim, wide, dtype)
        self.down_32_1 = GroupNorm(wide, dtype)
        self.down_32_2 = Pointwise(wide, coarsest, dtype)
        self.down_32_3 = GroupNorm(coarsest, dtype)

    def __call__(self, places: jax.Array) -> list[jax.Array]:
        """Maps `f32[b g g c]` to levels.

        Returns:
            `f32[b g g 2 2 2 2 c]`, whose axes after the places are rows and columns of
            halves and then of quarters; `f32[b g g 2 2 c]`, rows and columns of halves;
            `f32[b g g c]`; `f32[b g/2 g/2 c]`.
        """
        fine = layers.gelu(self.down_4_1(self.down_4_0(places)))
        finest = self.down_4_5(self.down_4_4(self.down_4_3(fine)))
        middle = self.down_8_2(self.down_8_1(self.down_8_0(places)))
        coarsest = self.down_32_2(self.down_32_1(self.down_32_0(places)))
        levels = [
            self.down_4_6(finest),
            self.down_8_3(middle),
            self.down_16_1(self.down_16_0(places)),
            self.down_32_3(coarsest),
        ]
        return [layers.gelu(level) for level in levels]


class Convolution(nn.Module):
    """A 1x1 convolution as the original nests it."""

    inputs: int
    outputs: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the convolution."""
        self.conv = Pointwise(self.inputs, self.outputs, self.dtype)


class Head(nn.Module):
    """Sums up the levels and makes logits, by the original's names."""

    sizes: SimpleClickSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts."""
        channels, dtype = self.sizes.channels, self.dtype
        self.convs = [
            Convolution(level, channels, dtype) for level in self.sizes.pyramid
        ]
        self.fusion_conv = Convolution(4 * channels, channels, dtype)
        self.conv_seg = Pointwise(channels, 1, dtype)

    def __call__(self, levels: list[jax.Array]) -> jax.Array:
        """Maps the levels of `Neck` to logits, `f32[b 4g 4g]`."""
        fusion = self.fusion_conv.conv
        matrices = jnp.split(fusion.matrix(), len(levels))
        shares = [
            nn.relu(conv.conv(level)) @ matrix
            for conv, level, matrix in zip(self.convs, levels, matrices, strict=True)
        ]
        finest = shares[0]
        batch, grid, *_, channels = finest.shape
        fine = FINER * grid
        # Halves and quarters of rows beside the rows, and of columns beside columns.
        total = finest.transpose(0, 1, 3, 5, 2, 4, 6, 7)
        total = total.reshape(batch, fine, fine, channels).astype(jnp.float32)
        half = shares[1].transpose(0, 1, 3, 2, 4, 5)
        shares[1] = half.reshape(batch, 2 * grid, 2 * grid, channels)
        for share in shares[1:]:
            matrix = torch_resize.bilinear(share.shape[1], fine).astype(self.dtype)
            wide = jnp.einsum("xu,bvuc->bvxc", matrix, share)
            total = total + jnp.einsum("yv,bvxc->byxc", matrix, wide)
        bias = fusion.bias.astype(jnp.float32)
        summed = nn.relu(total + parts.along_last(bias, 4)).astype(self.dtype)
        return self.conv_seg(summed).astype(jnp.float32)[..., 0]
