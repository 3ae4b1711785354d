"""MSCAN, the encoder of SegNeXt, with a prompt added to the output of its stem.

Source: open-mmlab/mmsegmentation, mmseg/models/backbones/mscan.py, as changed by
emb-ai/rclicks. Names of modules follow the original's, which makes converting
weights a matter of renaming.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.ops import depthwise

STRIP_SIZES = (7, 11, 21)


@dataclasses.dataclass(frozen=True)
class Mode:
    """How all modules of a network compute.

    Attributes:
        train: Whether statistics of the batch are used and paths dropped.
        axis_name: Axis over which batch statistics are shared.
        dtype: Of features and products. Parameters, statistics and sums of
            normalisations stay float32.
    """

    train: bool = False
    axis_name: str | None = None
    dtype: Any = jnp.float32


def gelu(features: jax.Array) -> jax.Array:
    """Gaussian error linear unit, exact (PyTorch's default)."""
    return nn.gelu(features, approximate=False)


def _along(vector: jax.Array) -> jax.Array:
    """Gives a number for each channel, `f32[c]`, the rank of features."""
    return vector[None, None, None, :]


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
        mean_state = self.variable("batch_stats", "mean", jnp.zeros, (channels,))
        var_state = self.variable("batch_stats", "var", jnp.ones, (channels,))
        mean, var = mean_state.value, var_state.value
        if mode.train:
            exact = features.astype(jnp.float32)
            mean, square = exact.mean((0, 1, 2)), (exact**2).mean((0, 1, 2))
            count = np.prod(features.shape[:-1])
            if mode.axis_name is not None and not self.is_initializing():
                mean, square = jax.lax.pmean((mean, square), mode.axis_name)
                count = count * jax.lax.axis_size(mode.axis_name)
            var = square - mean**2
            if not self.is_initializing():
                unbiased = var * (count / max(count - 1, 1))
                mean_state.value = 0.9 * mean_state.value + 0.1 * mean
                var_state.value = 0.9 * var_state.value + 0.1 * unbiased
        factor = jax.lax.rsqrt(var + 1e-5) * scale
        normed = (features - _along(mean)) * _along(factor) + _along(bias)
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
        return depthwise.depthwise_conv(features, kernel) + _along(bias)


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
        return product.reshape(*shape, self.channels) + _along(bias)


class StridedConv(nn.Module):
    """A 3x3 convolution of stride 2 with bias and PyTorch's padding.

    On CPU a product of matrices, for the reason of `PointwiseConv`: the nine shifted
    and thinned images, side by side, times the kernel.
    """

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
        if jax.default_backend() == "cpu":
            columns = _thinned_shifts(features)
            product = columns @ kernel.reshape(-1, self.channels)
        else:
            product = jax.lax.conv_general_dilated(
                features,
                kernel,
                window_strides=(2, 2),
                padding=((1, 1), (1, 1)),
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
        return product + _along(bias)


def _thinned_shifts(features: jax.Array) -> jax.Array:
    """Returns what a 3x3 window of stride 2 sees at each place, `f32[b h/2 w/2 9c]`."""
    height, width = features.shape[1:3]
    padded = jnp.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    seen = [
        padded[:, i : i + height : 2, j : j + width : 2]
        for i in range(3)
        for j in range(3)
    ]
    return jnp.concatenate(seen, axis=-1)


class SpatialGatingUnit(nn.Module):
    """Gates features by a 5x5 and three pairs of strip convolutions."""

    mode: Mode

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Gates `f32[b h w c]`."""
        local = DepthwiseConv((5, 5), self.mode, name="conv0")(features)
        gate = local
        for index, size in enumerate(STRIP_SIZES):
            strip = DepthwiseConv((1, size), self.mode, name=f"conv{index}_1")(local)
            gate += DepthwiseConv((size, 1), self.mode, name=f"conv{index}_2")(strip)
        return (
            PointwiseConv(features.shape[-1], self.mode, name="conv3")(gate) * features
        )


class Attention(nn.Module):
    """Multi-scale convolutional attention with its own shortcut."""

    mode: Mode

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Attends within `f32[b h w c]`."""
        channels = features.shape[-1]
        hidden = gelu(PointwiseConv(channels, self.mode, name="proj_1")(features))
        hidden = SpatialGatingUnit(self.mode, name="spatial_gating_unit")(hidden)
        return features + PointwiseConv(channels, self.mode, name="proj_2")(hidden)


class FeedForward(nn.Module):
    """Two 1x1 convolutions with a depthwise 3x3 between them."""

    ratio: int
    mode: Mode

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Mixes the channels of `f32[b h w c]`."""
        channels = features.shape[-1]
        hidden = PointwiseConv(channels * self.ratio, self.mode, name="fc1")(features)
        hidden = gelu(DepthwiseConv((3, 3), self.mode, name="dwconv")(hidden))
        return PointwiseConv(channels, self.mode, name="fc2")(hidden)


class Block(nn.Module):
    """Attention and feed-forward, each scaled by channel and dropped at random."""

    ratio: int
    drop_path: float
    mode: Mode

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Refines `f32[b h w c]`."""
        mode = self.mode
        parts = (
            Attention(mode, name="attn"),
            FeedForward(self.ratio, mode, name="mlp"),
        )
        for index, part in enumerate(parts, start=1):
            scale = self.param(
                f"layer_scale_{index}",
                nn.initializers.constant(0.01),
                (features.shape[-1],),
            )
            norm = BatchNorm(mode, name=f"norm{index}")
            update = _along(scale.astype(mode.dtype)) * part(norm(features))
            # Dropping whole samples, not single numbers, makes depth stochastic.
            drop = nn.Dropout(self.drop_path, broadcast_dims=(1, 2, 3))
            features += drop(update, deterministic=not mode.train)
        return features


class Stem(nn.Module):
    """Two strided convolutions: an image becomes features at a quarter of its size."""

    channels: int
    mode: Mode

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Embeds `f32[b h w 3]` as `f32[b h/4 w/4 c]`, sizes rounded up."""
        hidden = StridedConv(self.channels // 2, self.mode, name="proj_0")(image)
        hidden = gelu(BatchNorm(self.mode, name="proj_1")(hidden))
        hidden = StridedConv(self.channels, self.mode, name="proj_3")(hidden)
        return BatchNorm(self.mode, name="proj_4")(hidden)


class Encoder(nn.Module):
    """The four stages of MSCAN.

    Attributes:
        embed_dims: Channels of the stages.
        depths: Blocks of the stages.
        mlp_ratios: Widening of the feed-forward parts, by stage.
        drop_path: Rate of stochastic depth in the last block.
        mode: How it computes.
    """

    embed_dims: Sequence[int]
    depths: Sequence[int]
    mlp_ratios: Sequence[int]
    drop_path: float = 0.0
    mode: Mode = Mode()

    @nn.compact
    def __call__(self, image: jax.Array, prompt: jax.Array) -> list[jax.Array]:
        """Encodes an image and a prompt.

        Args:
            image: `f32[b h w 3]`.
            prompt: Added to what the stem makes of the image, `f32[b h/4 w/4 c]`.

        Returns:
            The outputs of the stages, `f32[b h/s w/s c]` for s = 4, 8, 16, 32.
        """
        mode = self.mode
        rates = np.linspace(0, self.drop_path, sum(self.depths))
        stages = []
        stem = Stem(self.embed_dims[0], mode, name="patch_embed1")
        features = stem(image) + prompt
        first_block = 0
        for stage, (channels, depth) in enumerate(
            zip(self.embed_dims, self.depths, strict=True), start=1
        ):
            if stage > 1:
                name = f"patch_embed{stage}"
                features = StridedConv(channels, mode, name=f"{name}_proj")(features)
                features = BatchNorm(mode, name=f"{name}_norm")(features)
            for index in range(depth):
                features = Block(
                    self.mlp_ratios[stage - 1],
                    float(rates[first_block + index]),
                    mode,
                    name=f"block{stage}_{index}",
                )(features)
            first_block += depth
            norm = nn.LayerNorm(epsilon=1e-5, dtype=mode.dtype, name=f"norm{stage}")
            features = norm(features)
            stages.append(features)
        return stages
