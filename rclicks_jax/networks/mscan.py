"""MSCAN, the encoder of SegNeXt, with a prompt added to the output of its stem.

Source: open-mmlab/mmsegmentation, mmseg/models/backbones/mscan.py, as changed by
emb-ai/rclicks. Names of modules follow the original's, which makes converting
weights a matter of renaming.
"""

import functools
from collections.abc import Sequence
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rclicks_jax.networks import layers
from rclicks_jax.ops import (
    activations,
    after_pointwise,
    chain,
    columns,
    depthwise,
    registers,
    row_blocks,
)

STRIP_SIZES = (7, 11, 21)


class SpatialGatingUnit(nn.Module):
    """Gates features by a 5x5 and three pairs of strip convolutions."""

    mode: layers.Mode

    @nn.compact
    def __call__(self, features: jax.Array, joined: int = 1) -> jax.Array:
        """Gates `f32[b h w c]`, with columns side by side if they are `joined`."""
        convolve = depthwise.depthwise_conv if joined == 1 else columns.depthwise_conv

        def convolved(
            features: jax.Array, size: tuple[int, int], name: str
        ) -> jax.Array:
            conv = layers.DepthwiseConv(size, self.mode, name=name)
            return conv(features, convolve, joined)

        local = convolved(features, (5, 5), "conv0")
        gate = local
        for index, size in enumerate(STRIP_SIZES):
            strip = convolved(local, (1, size), f"conv{index}_1")
            gate += convolved(strip, (size, 1), f"conv{index}_2")
        channels = features.shape[-1] // joined
        conv3 = layers.PointwiseConv(channels, self.mode, name="conv3")
        return conv3(gate, joined) * features


class Attention(nn.Module):
    """Multi-scale convolutional attention with its own shortcut."""

    mode: layers.Mode

    @nn.compact
    def __call__(self, features: jax.Array, joined: int = 1) -> jax.Array:
        """Attends within `f32[b h w c]`, with columns side by side if `joined`."""
        channels = features.shape[-1] // joined
        proj_1 = layers.PointwiseConv(channels, self.mode, name="proj_1")
        proj_2 = layers.PointwiseConv(channels, self.mode, name="proj_2")
        gating = SpatialGatingUnit(self.mode, name="spatial_gating_unit")
        hidden = activations.biased_gelu(*proj_1.product(features, joined))
        return features + proj_2(gating(hidden, joined), joined)


class FeedForward(nn.Module):
    """Two 1x1 convolutions with a depthwise 3x3 between them."""

    ratio: int
    mode: layers.Mode

    @nn.compact
    def __call__(self, features: jax.Array, joined: int = 1) -> jax.Array:
        """Mixes the channels of `f32[b h w c]`; columns may lie side by side."""
        batch, height, width, channels = features.shape
        channels //= joined
        fc1 = layers.PointwiseConv(channels * self.ratio, self.mode, name="fc1")
        dwconv = layers.DepthwiseConv((3, 3), self.mode, name="dwconv")
        fc2 = layers.PointwiseConv(channels, self.mode, name="fc2")

        def mix(features: jax.Array) -> jax.Array:
            return fc2(layers.gelu(dwconv(fc1(features))))

        def mix_at_once(features: jax.Array) -> jax.Array:
            matrix, bias = fc1.parameters(channels)
            kernel, offset = dwconv.parameters(fc1.channels)
            hidden = after_pointwise.convolve(
                features, matrix, bias, kernel, offset, joined
            )
            return fc2(layers.gelu(hidden), joined)

        def mix_rows(rows: jax.Array, inside: jax.Array) -> jax.Array:
            hidden = jnp.where(inside, fc1(rows), 0)
            return fc2(layers.gelu(dwconv(hidden, depthwise.conv_of_rows)))

        def mix_blocks(features: jax.Array) -> jax.Array:
            size = jnp.dtype(self.mode.dtype).itemsize
            row = batch * width * fc1.channels * size
            rows = row_blocks.rows_of_block(height, row, halo=1)
            return row_blocks.map_rows(mix_rows, features, rows, halo=1)

        if joined > 1:
            return mix_at_once(features)
        if layers.is_watched(self):
            return mix(features)
        of_tpu = mix_at_once
        if channels > registers.LANES:
            # A gradient would keep what the blocks are there to forget.
            of_tpu = mix if self.mode.train else mix_blocks
        # JAX does not type what a branch returns.
        return cast(
            "jax.Array",
            lax.platform_dependent(features, tpu=of_tpu, default=mix),
        )


class Block(nn.Module):
    """Attention and feed-forward, each scaled by channel and dropped at random."""

    ratio: int
    mode: layers.Mode

    @nn.compact
    def __call__(
        self,
        features: jax.Array,
        keep: float | jax.Array = 1.0,
        keys: jax.Array | None = None,
        joined: int = 1,
    ) -> jax.Array:
        """Refines features.

        Args:
            features: `f32[b h w c]`.
            keep: Probability with which each example keeps each part.
            keys: Keys of the draws, `key[2]`; None keeps all.
            joined: Columns that lie side by side in the channels inside of the block.
        """
        mode, channels = self.mode, features.shape[-1]
        attention = Attention(mode, name="attn")
        feed_forward = FeedForward(self.ratio, mode, name="mlp")

        features = columns.join(features, joined)
        for index, part in enumerate((attention, feed_forward), start=1):
            init = nn.initializers.constant(0.01)
            scale = self.param(f"layer_scale_{index}", init, (channels,))
            scale = jnp.tile(scale.astype(mode.dtype), joined)
            norm = layers.BatchNorm(mode, name=f"norm{index}")
            update = layers.along_channels(scale) * part(norm(features, joined), joined)
            if keys is not None:
                update = layers.keep_some(update, keep, keys[index - 1])
            features += update
        return columns.part(features, joined)


class BlockKeys(nn.Module):
    """Draws the keys of a block's dropped paths."""

    @nn.compact
    def __call__(self) -> jax.Array:
        """Returns `key[2]`."""
        return jnp.stack(
            [layers.DropKey(name=f"Dropout_{index}")() for index in range(2)]
        )


class Stem(nn.Module):
    """Two strided convolutions: an image becomes features at a quarter of its size."""

    channels: int
    mode: layers.Mode

    @nn.compact
    def __call__(self, image: jax.Array, sides: tuple[int, int] = (1, 1)) -> jax.Array:
        """Embeds an image.

        Args:
            image: `f32[b h w 3]`, or folded.
            sides: By how much the convolutions find what they get folded.

        Returns:
            `f32[b h/4 w/4 c]`, sizes rounded up.
        """
        mode = self.mode
        hidden = layers.StridedConv(self.channels // 2, mode, name="proj_0")(
            image, sides[0]
        )
        norm = layers.BatchNorm(mode, name="proj_1")
        hidden = layers.gelu(norm(hidden, sides[1] ** 2))
        hidden = layers.StridedConv(self.channels, mode, name="proj_3")(
            hidden, sides[1]
        )
        return layers.BatchNorm(mode, name="proj_4")(hidden)


class Encoder(nn.Module):
    """The four stages of MSCAN.

    Attributes:
        embed_dims: Channels of the stages.
        depths: Blocks of the stages.
        mlp_ratios: Widening of the feed-forward parts, by stage.
        drop_path: Rate of stochastic depth in the last block.
        mode: How it computes.
        remat: Whether the backward pass computes the inside of each block again.
    """

    embed_dims: Sequence[int]
    depths: Sequence[int]
    mlp_ratios: Sequence[int]
    drop_path: float = 0.0
    mode: layers.Mode = layers.Mode()
    remat: bool = False

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
        stages: list[jax.Array] = []
        features = self._embed(image) + prompt
        for stage, (channels, depth) in enumerate(
            zip(self.embed_dims, self.depths, strict=True), start=1
        ):
            if stage > 1:
                name = f"patch_embed{stage}"
                features = layers.StridedConv(channels, mode, name=f"{name}_proj")(
                    features
                )
                features = layers.BatchNorm(mode, name=f"{name}_norm")(features)
            block = Block(self.mlp_ratios[stage - 1], mode, parent=None)
            names = [f"block{stage}_{index}" for index in range(depth)]
            features = self._blocks(block, names, 1 - rates[:depth], features)
            rates = rates[depth:]
            norm = nn.LayerNorm(epsilon=1e-5, dtype=mode.dtype, name=f"norm{stage}")
            features = norm(features)
            stages.append(features)
        return stages

    def _embed(self, image: jax.Array) -> jax.Array:
        """Embeds `f32[b h w 3]` by the stem, on TPUs folded."""
        name = "patch_embed1"
        stem = Stem(self.embed_dims[0], self.mode, parent=None)
        if layers.is_watched(self):
            return stem.clone(parent=self, name=name)(image)
        # The first layer casts as well, but after images are folded.
        image = image.astype(self.mode.dtype)
        # Flax does not type its variables.
        own = cast(
            "dict[str, Any]",
            {part: self.get_variable(part, name) for part in ("params", "batch_stats")},
        )

        # Statistics of a batch leave a branch for one platform as a result.
        def embed(
            image: jax.Array, sides: tuple[int, int] = (1, 1)
        ) -> tuple[jax.Array, Any]:
            applied: Any = stem.apply(own, image, sides, mutable=["batch_stats"])
            return applied

        features, changed = layers.of_folded(self, embed, image)
        if self.mode.train:
            self.put_variable("batch_stats", name, changed["batch_stats"])
        return features

    def _blocks(
        self, block: Block, names: Sequence[str], keeps: np.ndarray, features: jax.Array
    ) -> jax.Array:
        """Refines features by the blocks of a stage.

        Args:
            block: A block that has no variables.
            names: Names of the blocks.
            keeps: Probability with which each keeps a part, `f64[blocks]`.
            features: `f32[b h w c]`.
        """
        train = block.mode.train
        if self.is_initializing() or (layers.is_watched(self) and not train):
            for name in names:
                features = block.clone(parent=self, name=name)(features)
            return features
        keys: Sequence[jax.Array | None] = [None] * len(names)
        if train and (keeps < 1).any():
            keys = [BlockKeys(name=name)() for name in names]
        # Flax does not type its variables.
        own: list[Any] = [
            {part: self.get_variable(part, name) for part in ("params", "batch_stats")}
            for name in names
        ]
        joined = columns.fitting(*features.shape[2:])

        def link(
            keep: float | jax.Array, features: jax.Array, variables: Any
        ) -> tuple[jax.Array, Any]:
            def refine(features: jax.Array, joined: int = 1) -> tuple[jax.Array, Any]:
                applied: Any = block.apply(
                    variables[0],
                    features,
                    keep,
                    variables[1],
                    joined,
                    mutable=["batch_stats"],
                )
                features, changed = applied
                return features, changed["batch_stats"]

            if joined == 1:
                return refine(features)
            of_tpu = functools.partial(refine, joined=joined)
            # JAX does not type what a branch returns.
            return cast(
                "tuple[jax.Array, Any]",
                lax.platform_dependent(features, tpu=of_tpu, default=refine),
            )

        features, statistics = chain.chain(
            link,
            features,
            list(zip(own, keys, strict=True)),
            keeps.tolist(),
            remat=self.remat and train,
        )
        if train:
            for name, of_block in zip(names, statistics, strict=True):
                self.put_variable("batch_stats", name, of_block)
        return features
