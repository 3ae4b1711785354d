"""The layers of the clickability network, as PyTorch defines them.

Source: pytorch/pytorch, whose defaults the original uses.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import ad_checkpoint
from jax.typing import DTypeLike

from rclicks_jax.ops import chain, depthwise, strided


@dataclasses.dataclass(frozen=True)
class Mode:
    """How all modules of a network compute.

    Attributes:
        train: Whether statistics of the batch are used and paths dropped.
        axis_name: Axis over which batch statistics are shared.
        dtype: Type of features and products. Parameters, statistics and sums of
            normalisations stay float32.
    """

    train: bool = False
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32


def gelu(features: jax.Array) -> jax.Array:
    """Gaussian error linear unit, exact (PyTorch's default)."""
    return nn.gelu(features, approximate=False)


def along_channels(vector: jax.Array) -> jax.Array:
    """Gives a number for each channel, `f32[c]`, the rank of features."""
    return vector[None, None, None, :]


def keep_some(update: jax.Array, keep: float | jax.Array, key: jax.Array) -> jax.Array:
    """Drops the updates of some examples, and scales those of the others.

    Dropping whole examples, not single numbers, makes depth stochastic.

    Args:
        update: `f32[b h w c]`.
        keep: Probability with which an example keeps its update, `f32[]`.
        key: Key of the draws.
    """
    if isinstance(keep, float) and keep >= 1:
        return update
    kept = jax.random.bernoulli(key, keep, (len(update), 1, 1, 1))
    scaled = update / jnp.asarray(keep, update.dtype)
    return jnp.where(kept, scaled, jnp.zeros_like(update))


class BatchNorm(nn.Module):
    """Batch normalisation as PyTorch's: momentum 0.1 and an unbiased running variance.

    Statistics of a batch are taken over all devices of `axis_name`.
    """

    mode: Mode

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Normalises `f32[b h w c]` over all but the last axis."""
        mode = self.mode
        channels = features.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        mean_state = self.variable(
            "batch_stats", "mean", lambda: jnp.zeros((channels,))
        )
        var_state = self.variable("batch_stats", "var", lambda: jnp.ones((channels,)))
        mean, var = mean_state.value, var_state.value
        if mode.train:
            exact = features.astype(jnp.float32)
            mean, square = exact.mean((0, 1, 2)), (exact**2).mean((0, 1, 2))
            count = np.prod(features.shape[:-1])
            if mode.axis_name is not None and not self.is_initializing():
                mean, square = jax.lax.pmean((mean, square), mode.axis_name)
                count = count * jax.lax.axis_size(mode.axis_name)
            mean, square = ad_checkpoint.checkpoint_name((mean, square), chain.KEPT)
            var = square - mean**2
            if not self.is_initializing():
                unbiased = var * (count / max(count - 1, 1))
                mean_state.value = 0.9 * mean_state.value + 0.1 * mean
                var_state.value = 0.9 * var_state.value + 0.1 * unbiased
        factor = jax.lax.rsqrt(var + 1e-5) * scale
        normed = (features - along_channels(mean)) * along_channels(
            factor
        ) + along_channels(bias)
        return normed.astype(mode.dtype)


class DepthwiseConv(nn.Module):
    """Depthwise convolution with bias; stride 1, same size."""

    kernel_size: tuple[int, int]
    mode: Mode

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Convolves each channel of `f32[b h w c]`."""
        channels = features.shape[-1]
        shape = (*self.kernel_size, 1, channels)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        kernel, bias = kernel.astype(self.mode.dtype), bias.astype(self.mode.dtype)
        return depthwise.depthwise_conv(features, kernel) + along_channels(bias)


class PointwiseConv(nn.Module):
    """A 1x1 convolution with bias, as a product of matrices.

    XLA's convolution takes the gradient of its kernel for one with a window as large as
    the features, ten times as slow on CPU.
    """

    channels: int
    mode: Mode

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[b h w c]` to `f32[b h w channels]`."""
        *shape, width = features.shape
        size = (1, 1, width, self.channels)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), size)
        bias = self.param("bias", nn.initializers.zeros, (self.channels,))
        kernel, bias = kernel.astype(self.mode.dtype), bias.astype(self.mode.dtype)
        rows = features.astype(self.mode.dtype).reshape(-1, width)
        product = rows @ kernel[0, 0]
        return product.reshape(*shape, self.channels) + along_channels(bias)


class StridedConv(nn.Module):
    """A 3x3 convolution of stride 2 with bias and PyTorch's padding."""

    channels: int
    mode: Mode

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[b h w c]` to `f32[b h/2 w/2 channels]`, sizes rounded up."""
        width = features.shape[-1]
        shape = (3, 3, width, self.channels)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.channels,))
        kernel, bias = kernel.astype(self.mode.dtype), bias.astype(self.mode.dtype)
        features = features.astype(self.mode.dtype)
        return strided.strided_conv(features, kernel) + along_channels(bias)
