"""RITM whole: images with clicks become logits of their pixels."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks.ritm import extents
from rclicks_jax.networks.ritm.convolutions import Convolution
from rclicks_jax.networks.ritm.hrnet import Backbone
from rclicks_jax.networks.ritm.ocr import Head
from rclicks_jax.networks.ritm.sizes import BRANCHES, RitmSizes
from rclicks_jax.networks.simpleclick import disks
from rclicks_jax.networks.simpleclick.network import MEAN, STD

# Slope of the activation before clicks are of half the size, where it is negative.
_SLOPE = 0.2


class Rows(NamedTuple):
    """What the network is given of some trajectories.

    Attributes:
        pixels: Colours in [0, 1] and, if it sees them, the last probabilities; they lie
            in the top left part of frames and are 0 beyond it, `f32[n h w c]`.
        size: Height and width of that part, `i32[n 2]`.
        points: Clicks in pixels, -1 for none, `f32[n k 2]`.
        mirrored: Their columns in the mirror image, -1 for none, `f32[n k]`.
        positive: Foreground click or not, `bool[n k]`.
    """

    pixels: jax.Array
    size: jax.Array
    points: jax.Array
    mirrored: jax.Array
    positive: jax.Array


class Ritm(nn.Module):
    """The network.

    Attributes:
        sizes: Widths and depths.
        dtype: Type of features and products; sums over an image are float32.
    """

    sizes: RitmSizes
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        """Makes the parts, by the original's names but for the head."""
        sizes, dtype = self.sizes, self.dtype
        self.maps_transform_0 = Convolution(
            1, sizes.layers, sizes.click_features, dtype
        )
        self.maps_transform_2 = Convolution(
            3, sizes.click_features, sizes.stem, dtype, halves=True
        )
        self.feature_extractor = Backbone(sizes, dtype)
        self.head = Head(sizes, dtype)

    def answer(self, rows: Rows, *, flip: bool = True) -> jax.Array:
        """Returns logits of pixels, `f32[n h w]`; beyond the images they mean nothing.

        Args:
            rows: Pixels, last probabilities and clicks.
            flip: Whether they are the mean of the images' and of their mirror images'.
        """
        pixels, size, points, mirrored, positive = rows
        # Rows that nobody asked for have no pixels.
        size = jnp.maximum(size, 1)
        width = size[:, 1]
        if flip:
            across = jnp.stack([points[..., 0], mirrored], axis=-1)
            pixels = jnp.concatenate([pixels, extents.mirrored(pixels, width)])
            size = jnp.concatenate([size, size])
            points = jnp.concatenate([points, across])
            positive = jnp.concatenate([positive, positive])
        logits = self(pixels, size, points, positive)
        if flip:
            straight, other = jnp.split(logits, 2)
            other = extents.mirrored(other[..., None], width)[..., 0]
            logits = 0.5 * (straight + other)
        return logits

    def __call__(
        self,
        pixels: jax.Array,
        size: jax.Array,
        points: jax.Array,
        positive: jax.Array,
    ) -> jax.Array:
        """Returns logits of the pixels of images as they are, `f32[n h w]`."""
        height, width = pixels.shape[1:3]
        levels = extents.halvings(size, (height, width), BRANCHES + 1)
        whole, _, quarter = levels[:3]
        mean, std = (jnp.array(each)[None, None, None] for each in (MEAN, STD))
        image = whole.cut((pixels[..., :3] - mean) / std)
        clicks = disks.disks(points, positive, height, width)
        seen = jnp.concatenate([pixels[..., 3:], clicks], axis=-1)
        transformed = nn.leaky_relu(self.maps_transform_0(seen), _SLOPE)
        transformed = self.maps_transform_2(whole.cut(transformed))
        features = self.feature_extractor(image, transformed, levels)
        logits = self.head(features, quarter)
        matrices = extents.enlargement(quarter, whole)
        wide = jnp.einsum("nxw,nhw->nhx", matrices.across, logits, precision="highest")
        return jnp.einsum("nyh,nhx->nyx", matrices.down, wide, precision="highest")
