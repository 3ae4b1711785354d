"""HRNet: branches of four resolutions, which are added to each other again and again.

Source: SamsungLabs/ritm_interactive_segmentation, isegm/model/modeling/hrnet_ocr.py.
"""

import functools
import operator
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks.ritm import extents
from rclicks_jax.networks.ritm.convolutions import (
    Basic,
    Bottleneck,
    Convolution,
    repeated,
)
from rclicks_jax.networks.ritm.extents import Enlargement, Extent
from rclicks_jax.networks.ritm.sizes import BRANCHES, EXPANSION, RitmSizes

# Enlargements from a branch to a finer one.
Enlargements = dict[tuple[int, int], Enlargement]


class Exchange(nn.Module):
    """Branches with blocks of their own, of which each is then added to each.

    Attributes:
        widths: Channels of the branches, the finest first.
        blocks: Blocks of a branch.
        dtype: Type of features and products.
    """

    widths: tuple[int, ...]
    blocks: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        widths, dtype = self.widths, self.dtype
        blocks = repeated(Basic, self.blocks)
        self.branches = [blocks(width, dtype) for width in widths]
        self.fuse_layers = [
            [self._fusion(source, target) for source in range(len(widths))]
            for target in range(len(widths))
        ]

    def _fusion(self, source: int, target: int) -> list[Convolution]:
        """Returns what brings a branch to the channels and the size of another."""
        inputs, outputs = self.widths[source], self.widths[target]
        if source > target:
            return [Convolution(1, inputs, outputs, self.dtype)]
        last = target - source - 1
        return [
            Convolution(
                3, inputs, outputs if step == last else inputs, self.dtype, halves=True
            )
            for step in range(target - source)
        ]

    def __call__(
        self,
        branches: Sequence[jax.Array],
        levels: Sequence[Extent],
        enlargements: Enlargements,
    ) -> tuple[list[jax.Array], None]:
        """Maps branches, each `f32[n h w c]` and 0 beyond the image, to the same.

        Args:
            branches: The finest first.
            levels: Their extents, and perhaps further ones.
            enlargements: Enlargements between their levels.

        Returns:
            The branches, and None.
        """
        made: list[jax.Array] = []
        for blocks, features, level in zip(
            self.branches, branches, levels, strict=False
        ):
            features, _ = blocks(features, level)
            made.append(features)
        fused: list[jax.Array] = []
        for target, layers in enumerate(self.fuse_layers):
            shares: list[jax.Array] = []
            for source, convolutions in enumerate(layers):
                features = made[source]
                if source > target:
                    enlarge = enlargements[source, target]
                    features = enlarge(convolutions[0](features))
                elif source < target:
                    features = _halved(features, convolutions, levels[source + 1 :])
                shares.append(features)
            total = functools.reduce(operator.add, shares)
            fused.append(levels[target].cut(nn.relu(total)))
        return fused, None


def _halved(
    features: jax.Array, convolutions: Sequence[Convolution], levels: Sequence[Extent]
) -> jax.Array:
    """Applies convolutions that halve, with activations between them."""
    for convolution, level in zip(convolutions[:-1], levels, strict=False):
        features = level.cut(nn.relu(convolution(features)))
    return convolutions[-1](features)


class Backbone(nn.Module):
    """From an image and features of clicks to features of a quarter of its size."""

    sizes: RitmSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        sizes, dtype = self.sizes, self.dtype
        stem, narrow, wide = sizes.stem, sizes.narrow, EXPANSION * sizes.narrow
        self.conv1 = Convolution(3, 3, stem, dtype, halves=True)
        self.conv2 = Convolution(3, stem, stem, dtype, halves=True)
        self.layer1_0 = Bottleneck(stem, narrow, wide, dtype, True)
        if sizes.blocks > 1:
            further = repeated(Bottleneck, sizes.blocks - 1)
            self.layer1 = further(wide, narrow, wide, dtype, False)
        widths = sizes.widths
        self.transition1 = [
            Convolution(3, wide, widths[0], dtype),
            Convolution(3, wide, widths[1], dtype, halves=True),
        ]
        self.transition2 = Convolution(3, widths[1], widths[2], dtype, halves=True)
        self.transition3 = Convolution(3, widths[2], widths[3], dtype, halves=True)
        self.stage2, self.stage3, self.stage4 = (
            repeated(Exchange, count)(widths[:branches], sizes.blocks, dtype)
            for branches, count in zip((2, 3, 4), sizes.exchanges, strict=True)
        )

    def __call__(
        self, image: jax.Array, clicks: jax.Array, levels: Sequence[Extent]
    ) -> jax.Array:
        """Returns features of all branches side by side, `f32[n h/4 w/4 c]`.

        Args:
            image: Normalised, 0 beyond the image, `f32[n h w 3]`.
            clicks: Added after the first convolution, `f32[n h/2 w/2 stem]`.
            levels: Extents of the image and of its halves.
        """
        half, *levels = levels[1:]
        features = half.cut(nn.relu(self.conv1(image)) + clicks)
        features = nn.relu(self.conv2(features))
        features, _ = self.layer1_0(features, levels[0])
        if self.sizes.blocks > 1:
            features, _ = self.layer1(features, levels[0])
        enlargements = {
            (source, target): extents.enlargement(levels[source], levels[target])
            for source in range(BRANCHES)
            for target in range(source)
        }
        branches = [
            level.cut(nn.relu(convolution(features)))
            for level, convolution in zip(levels, self.transition1, strict=False)
        ]
        stages = (
            (self.stage2, self.transition2),
            (self.stage3, self.transition3),
            (self.stage4, None),
        )
        for stage, transition in stages:
            branches, _ = stage(branches, levels, enlargements)
            if transition is not None:
                further = nn.relu(transition(branches[-1]))
                branches.append(levels[len(branches)].cut(further))
        finest, *coarse = branches
        enlarged = [
            enlargements[source, 0](features)
            for source, features in enumerate(coarse, 1)
        ]
        return levels[0].cut(jnp.concatenate([finest, *enlarged], axis=-1))
