"""SegNext whole: `encode` a photograph once, `answer` clicks on it many times.

Source: uncbiag/SegNext, segnext/isegm/model/is_plainvit_model.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks.segnext.sizes import SegNextSizes
from rclicks_jax.networks.simpleclick import disks, pyramid, vit
from rclicks_jax.networks.simpleclick.sizes import CLICK_LAYERS

# That of PyTorch; the encoder has another.
_EPSILON = 1e-5


class SegNext(nn.Module):
    """The network.

    Attributes:
        sizes: Widths and depths.
        dtype: Type of features and products; sums of normalisations and of attention
            are float32.
    """

    sizes: SegNextSizes
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        plain, dtype = self.sizes.plain, self.dtype
        self.backbone = vit.Transformer(plain, dtype, self.sizes.group)
        self.visual_prompts_encoder = vit.PatchEmbedding(
            plain.patch, CLICK_LAYERS, plain.dim, dtype
        )
        self.fusion_blocks = [
            vit.Block(plain, dtype, _EPSILON) for _ in range(self.sizes.fused)
        ]
        self.neck = pyramid.Neck(plain, dtype)
        self.head = pyramid.Head(plain, dtype)

    def encode(self, square: jax.Array) -> jax.Array:
        """Encodes squares, normalised, `f32[b s s 3]`.

        Returns:
            Features of places, row by row, `f32[b g*g c]`.
        """
        places = self.backbone(square, self.sizes.windows)
        return places.reshape(len(places), -1, places.shape[-1])

    def answer(
        self,
        encoded: jax.Array,
        last: jax.Array,
        points: jax.Array,
        positive: jax.Array,
    ) -> jax.Array:
        """Answers clicks.

        Args:
            encoded: Features of each trajectory's photograph, `f32[n g*g c]`.
            last: The last probabilities in the square, `f32[n s s]`.
            points: Clicks in pixels of the square, -1 for none, `f32[n k 2]`.
            positive: Foreground click or not, `bool[n k]`.

        Returns:
            Logits of low resolution, `f32[n 4g 4g]`.
        """
        clicks = disks.disks(points, positive, self.sizes.side)
        seen = jnp.concatenate([last[..., None], clicks], axis=-1)
        tokens = encoded + self.visual_prompts_encoder(seen, 1)[:, 0]
        for block in self.fusion_blocks:
            tokens = block(tokens)
        grid = self.sizes.plain.learnt
        return self.head(self.neck(tokens.reshape(len(tokens), grid, grid, -1)))

    def __call__(
        self,
        square: jax.Array,
        last: jax.Array,
        points: jax.Array,
        positive: jax.Array,
    ) -> jax.Array:
        """Encodes squares and answers a trajectory's clicks on each."""
        return self.answer(self.encode(square), last, points, positive)
