"""Convolutions of TinyViT, each with a batch normalisation, and blocks of them.

Statistics are those of training, so a normalisation is a factor and an offset of each
channel; the factor is part of the kernel.

Source: ChaoningZhang/MobileSAM, mobile_sam/modeling/tiny_vit_sam.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks import layers, parts
from rclicks_jax.ops import depthwise, strided

_EPSILON = 1e-5


class Statistics(nn.Module):
    """A batch normalisation, as a factor and an offset of each channel."""

    channels: int

    @nn.compact
    def __call__(self) -> tuple[jax.Array, jax.Array]:
        """Returns the factor and the offset, `f32[c]` each."""
        ones, zeros = nn.initializers.ones, nn.initializers.zeros
        shape = (self.channels,)
        scale, bias, mean, var = (
            self.param(name, start, shape).astype(jnp.float32)
            for name, start in (
                ("scale", ones),
                ("bias", zeros),
                ("mean", zeros),
                ("var", ones),
            )
        )
        factor = scale * jax.lax.rsqrt(var + _EPSILON)
        return factor, bias - mean * factor


class Convolution(nn.Module):
    """A convolution and a batch normalisation.

    Attributes:
        side: Side of the kernel: 1, or 3 with one place of zeros around.
        inputs: Channels of what comes in.
        outputs: Channels of what goes out.
        dtype: Type of the products.
        depthwise: Whether each channel has a kernel of its own.
        halves: Whether every other row and column is left out. Kernels of side 3 that
            are not depthwise always do.
    """

    side: int
    inputs: int
    outputs: int
    dtype: DTypeLike
    depthwise: bool = False
    halves: bool = False

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[b h w inputs]` to `f32[b h w outputs]`, or to half of h and w."""
        each = 1 if self.depthwise else self.inputs
        shape = (self.side, self.side, each, self.outputs)
        kernel, _ = parts.Kernel(shape, False, name="c")()
        factor, offset = Statistics(self.outputs, name="bn")()
        kernel = (kernel * parts.along_last(factor, 4)).astype(self.dtype)
        features = features.astype(self.dtype)
        if self.side == 1:
            made = features @ kernel[0, 0]
        elif self.depthwise:
            made = depthwise.depthwise_conv(features, kernel)
            made = made[:, ::2, ::2] if self.halves else made
        else:
            assert self.halves
            made = strided.strided_conv(features, kernel)
        return made + parts.along_last(offset.astype(self.dtype), 4)


class Stem(nn.Module):
    """Two convolutions, each of half the size."""

    channels: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        half = self.channels // 2
        self.seq_0 = Convolution(3, 3, half, self.dtype, halves=True)
        self.seq_2 = Convolution(3, half, self.channels, self.dtype, halves=True)

    def __call__(self, square: jax.Array) -> jax.Array:
        """Maps `f32[b s s 3]` to `f32[b s/4 s/4 c]`."""
        return self.seq_2(layers.gelu(self.seq_0(square)))


class Block(nn.Module):
    """Three convolutions, added to what they are given."""

    channels: int
    hidden: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        channels, hidden, dtype = self.channels, self.hidden, self.dtype
        self.conv1 = Convolution(1, channels, hidden, dtype)
        self.conv2 = Convolution(3, hidden, hidden, dtype, depthwise=True)
        self.conv3 = Convolution(1, hidden, channels, dtype)

    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[b h w c]` to the same shape."""
        wide = layers.gelu(self.conv2(layers.gelu(self.conv1(features))))
        return layers.gelu(features + self.conv3(wide))


class Merging(nn.Module):
    """Brings features to the channels of the next stage, and perhaps to half the size.

    Attributes:
        inputs: Channels of the stage.
        outputs: Channels of the next one.
        halves: Whether the next one is of half the size.
        dtype: Type of the products.
    """

    inputs: int
    outputs: int
    halves: bool
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        outputs, dtype = self.outputs, self.dtype
        self.conv1 = Convolution(1, self.inputs, outputs, dtype)
        self.conv2 = Convolution(
            3, outputs, outputs, dtype, depthwise=True, halves=self.halves
        )
        self.conv3 = Convolution(1, outputs, outputs, dtype)

    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[b h w inputs]` to `f32[b h w outputs]`, or to half of h and w."""
        wide = layers.gelu(self.conv2(layers.gelu(self.conv1(features))))
        return self.conv3(wide)
