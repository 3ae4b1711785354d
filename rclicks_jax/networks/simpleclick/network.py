"""SimpleClick whole: a square with clicks becomes probabilities of its pixels."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks.simpleclick import disks, pyramid, vit
from rclicks_jax.networks.simpleclick.sizes import CLICK_LAYERS, SimpleClickSizes
from rclicks_jax.ops import torch_resize

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class Squares(NamedTuple):
    """What the network is given of some trajectories.

    Attributes:
        pixels: Colours in [0, 1] and the last probabilities, `f32[n s s 4]`.
        points: Clicks in pixels of the square, -1 for none, `f32[n k 2]`.
        mirrored: Their columns in the mirrored square, -1 for none, `f32[n k]`.
        positive: Foreground click or not, `bool[n k]`.
    """

    pixels: jax.Array
    points: jax.Array
    mirrored: jax.Array
    positive: jax.Array


class SimpleClick(nn.Module):
    """The network.

    Attributes:
        sizes: Widths and depths.
        dtype: Type of features and products; sums of normalisations and of attention
            are float32.
    """

    sizes: SimpleClickSizes
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        sizes, dtype = self.sizes, self.dtype
        self.patch_embed_coords = vit.PatchEmbedding(
            sizes.patch, CLICK_LAYERS, sizes.dim, dtype
        )
        self.backbone = vit.Transformer(sizes, dtype, sizes.group)
        self.neck = pyramid.Neck(sizes, dtype)
        self.head = pyramid.Head(sizes, dtype)

    def answer(self, squares: Squares, *, flip: bool = True) -> jax.Array:
        """Returns logits of the squares' pixels, `f32[n s s]`.

        Args:
            squares: Pixels, last probabilities and clicks.
            flip: Whether they are the mean of the squares' and of their mirror images'.
        """
        pixels, points = squares.pixels, squares.points
        positive = squares.positive
        if flip:
            mirrored = jnp.stack([points[..., 0], squares.mirrored], axis=-1)
            pixels = jnp.concatenate([pixels, pixels[:, :, ::-1]])
            points = jnp.concatenate([points, mirrored])
            positive = jnp.concatenate([positive, positive])
        logits = self(pixels, points, positive)
        if flip:
            straight, other = jnp.split(logits, 2)
            logits = 0.5 * (straight + other[:, :, ::-1])
        return logits

    def __call__(
        self, pixels: jax.Array, points: jax.Array, positive: jax.Array
    ) -> jax.Array:
        """Returns logits of the squares' pixels as they are, `f32[n s s]`."""
        side = pixels.shape[1]
        windows = self.sizes.windows(side)
        mean, std = (jnp.array(each)[None, None, None] for each in (MEAN, STD))
        image = (pixels[..., :3] - mean) / std
        clicks = disks.disks(points, positive, side)
        seen = jnp.concatenate([pixels[..., 3:], clicks], axis=-1)
        tokens = self.patch_embed_coords(seen, windows)
        places = self.backbone(image, windows, tokens)
        logits = self.head(self.neck(places))
        matrix = torch_resize.aligned(logits.shape[1], side)
        wide = jnp.einsum("xu,nvu->nvx", matrix, logits, precision="highest")
        return jnp.einsum("yv,nvx->nyx", matrix, wide, precision="highest")
