"""The layers of the clickability network, as PyTorch defines them.

Source: pytorch/pytorch, whose defaults the original uses.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeVar, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import ad_checkpoint
from jax.typing import DTypeLike

from rclicks_jax.ops import activations, chain, depthwise, strided

T = TypeVar("T")


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
    return activations.gelu(features)


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
    return update * (kept / keep).astype(update.dtype)


class DropKey(nn.Module):
    """Draws a key of dropout."""

    def __call__(self) -> jax.Array:
        """Returns a key, which is a function of the names of this module."""
        return self.make_rng("dropout")


class BatchNorm(nn.Module):
    """Batch normalisation as PyTorch's: momentum 0.1 and an unbiased running variance.

    Statistics of a batch are taken over all devices of `axis_name`. Features may have
    several pixels side by side in the channels (`joined`).
    """

    mode: Mode

    @nn.compact
    def __call__(self, features: jax.Array, joined: int = 1) -> jax.Array:
        """Normalises `f32[b h w c]` over all but the last axis."""
        mode = self.mode
        channels = features.shape[-1] // joined
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
            if joined > 1:
                mean, square = (
                    x.reshape(joined, channels).mean(0) for x in (mean, square)
                )
            count = np.prod(features.shape[:-1]) * joined
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
        if joined > 1:
            mean, factor, bias = (jnp.tile(x, joined) for x in (mean, factor, bias))
        normed = (features - along_channels(mean)) * along_channels(
            factor
        ) + along_channels(bias)
        return normed.astype(mode.dtype)


class DepthwiseConv(nn.Module):
    """Depthwise convolution with bias; stride 1, same size."""

    kernel_size: tuple[int, int]
    mode: Mode

    def __call__(
        self,
        features: jax.Array,
        convolve: Callable[..., jax.Array] = depthwise.depthwise_conv,
        joined: int = 1,
    ) -> jax.Array:
        """Convolves each channel of `f32[b h w c]`, or of what `convolve` takes.

        Pixels may lie side by side in the channels (`joined`), if `convolve` knows.
        """
        kernel, bias = self.parameters(features.shape[-1] // joined)
        kernel, bias = kernel.astype(self.mode.dtype), bias.astype(self.mode.dtype)
        return convolve(features, kernel) + along_channels(jnp.tile(bias, joined))

    @nn.compact
    def parameters(self, channels: int) -> tuple[jax.Array, jax.Array]:
        """Returns kernel and bias for some channels, `f32[i j 1 c]` and `f32[c]`."""
        shape = (*self.kernel_size, 1, channels)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        return kernel, self.param("bias", nn.initializers.zeros, (channels,))


def _product_of_rows(features: jax.Array, matrix: jax.Array) -> jax.Array:
    """Multiplies `f32[b h w c]` by a matrix, with the rows in the order b, h, w."""
    *shape, width = features.shape
    return (features.reshape(-1, width) @ matrix).reshape(*shape, matrix.shape[1])


def _product_by_places(features: jax.Array, matrix: jax.Array) -> jax.Array:
    """Multiplies `f32[b h w c]` by a matrix, with the rows in the order h, w, b.

    TPUs convolve with the batch beside the channels. What the product reads and writes
    then lies as the convolutions before and after it want, without copies.
    """
    return (features.transpose(1, 2, 0, 3) @ matrix).transpose(2, 0, 1, 3)


class PointwiseConv(nn.Module):
    """A 1x1 convolution with bias, as a product of matrices.

    XLA's convolution takes the gradient of its kernel for one with a window as large as
    the features, ten times as slow on CPU. Features may have several pixels side by
    side in the channels (`joined`): each is then multiplied by the kernel.
    """

    channels: int
    mode: Mode

    @nn.compact
    def parameters(self, width: int) -> tuple[jax.Array, jax.Array]:
        """Returns matrix and bias for `width` channels, `f32[width c]` and `f32[c]`."""
        size = (1, 1, width, self.channels)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), size)
        return kernel[0, 0], self.param("bias", nn.initializers.zeros, (self.channels,))

    def __call__(self, features: jax.Array, joined: int = 1) -> jax.Array:
        """Maps `f32[b h w c]` to `f32[b h w channels]`."""
        product, bias = self.product(features, joined)
        return product + bias

    def product(
        self, features: jax.Array, joined: int = 1
    ) -> tuple[jax.Array, jax.Array]:
        """Returns the product, `f32[b h w channels]`, and the bias, of its rank."""
        matrix, bias = self.parameters(features.shape[-1] // joined)
        matrix, bias = matrix.astype(self.mode.dtype), bias.astype(self.mode.dtype)
        features = features.astype(self.mode.dtype)
        if joined > 1:
            matrix = jnp.kron(jnp.eye(joined, dtype=matrix.dtype), matrix)
            bias = jnp.tile(bias, joined)
        # JAX does not type what a branch returns.
        product = cast(
            "jax.Array",
            jax.lax.platform_dependent(
                features, matrix, tpu=_product_by_places, default=_product_of_rows
            ),
        )
        return product, along_channels(bias)


class StridedConv(nn.Module):
    """A 3x3 convolution of stride 2 with bias and PyTorch's padding.

    Features may be folded (`strided.fold`) by an even `side`; the result then is by
    half of it.
    """

    channels: int
    mode: Mode

    @nn.compact
    def __call__(
        self, features: jax.Array, side: int = 1, scale: float | jax.Array = 1.0
    ) -> jax.Array:
        """Maps `f32[b h w c]` to `f32[b h/2 w/2 channels]`, sizes rounded up.

        Args:
            features: `f32[b h w c]`, or folded.
            side: By how much they are folded.
            scale: A factor of the result, `f32[]`.
        """
        width = features.shape[-1] // side**2
        shape = (3, 3, width, self.channels)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.channels,))
        kernel, bias = (
            (scale * each).astype(self.mode.dtype) for each in (kernel, bias)
        )
        features = features.astype(self.mode.dtype)
        if side == 1:
            return strided.strided_conv(features, kernel) + along_channels(bias)
        convolved = strided.strided_conv_folded(features, kernel, side)
        return convolved + along_channels(jnp.tile(bias, side**2 // 4))


def is_watched(module: nn.Module) -> bool:
    """Tells whether a module makes variables or keeps intermediates.

    Neither can leave a branch for one platform.
    """
    return module.is_initializing() or module.is_mutable_collection("intermediates")


def of_folded(module: nn.Module, convolve: Callable[..., T], images: jax.Array) -> T:
    """Convolves twice with stride 2, on TPUs images that are folded by 4.

    Folding is the same for all values that later layers see; only where they lie
    differs.

    Args:
        module: The module whose layers `convolve` calls.
        convolve: Takes images, and by how much its two layers find them folded.
        images: `f32[b h w c]`.

    Returns:
        What `convolve` returns: features, `f32[b h/4 w/4 d]`, and what comes with them.
    """
    if is_watched(module) or any(side % 4 for side in images.shape[1:3]):
        return convolve(images)

    def folded(images: jax.Array) -> T:
        return convolve(strided.fold(images, 4), (4, 2))

    # JAX does not type what a branch returns.
    return cast("T", jax.lax.platform_dependent(images, tpu=folded, default=convolve))
