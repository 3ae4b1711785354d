"""SAM-HQ whole: `encode` a photograph once, `decode` clicks on it many times."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks.prompted import prompts, two_way
from rclicks_jax.networks.sam import decoder as sam_decoder
from rclicks_jax.networks.sam import vit
from rclicks_jax.networks.sam.sizes import SamSizes
from rclicks_jax.networks.sam_hq import decoder


class Encoded(NamedTuple):
    """Photographs.

    Attributes:
        embedding: `f32[p g*g c]`.
        fine: Features for the further mask, by place, `f32[p 4 4 c/8 g*g]`.
    """

    embedding: jax.Array
    fine: jax.Array


class Begun(NamedTuple):
    """What all trajectories on photographs share.

    Attributes:
        photographs: What the transformer makes of embeddings, `f32[p g*g c+3i]`.
        fine: As of `Encoded`.
    """

    photographs: jax.Array
    fine: jax.Array


class SamHq(nn.Module):
    """The network.

    Attributes:
        sizes: Widths and depths.
        dtype: Type of features and products; sums of normalisations and of attention
            are float32.
    """

    sizes: SamSizes
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        sizes, dtype = self.sizes, self.dtype
        self.image_encoder = vit.Encoder(sizes, dtype)
        self.prompt_encoder = prompts.PromptEncoder(sizes, dtype)
        self.mask_decoder = decoder.HighQualityDecoder(sizes, dtype, sizes.dim)

    def encode(self, square: jax.Array) -> Encoded:
        """Encodes squares, normalised and padded with 0, `f32[b s s 3]`."""
        embedding, early = self.image_encoder.with_early(square)
        fine = self.mask_decoder.of_photographs(embedding, early)
        return Encoded(embedding, fine)

    def begin(self, encoded: Encoded) -> Begun:
        """Computes what all trajectories on photographs share, for `answer`."""
        grid = self.prompt_encoder.grid()
        return Begun(self.mask_decoder.begin(encoded.embedding, grid), encoded.fine)

    def decode(self, encoded: Encoded, *rest: jax.Array) -> sam_decoder.Decoded:
        """Answers clicks on encoded photographs; the rest is as for `answer`."""
        return self.answer(self.begin(encoded), *rest)

    def answer(
        self,
        begun: Begun,
        photograph: jax.Array,
        yx: jax.Array,
        positive: jax.Array,
        count: jax.Array,
        low_res: jax.Array,
        has_mask: jax.Array,
    ) -> sam_decoder.Decoded:
        """Answers the clicks of trajectories, which do not depend on each other.

        Args:
            begun: Photographs.
            photograph: Number of each trajectory's photograph, `i32[n]`.
            yx: Clicks in pixels of the square, `f32[n k 2]`.
            positive: Foreground click or not, `bool[n k]`.
            count: Clicks in use, `i32[n]`.
            low_res: Mask prompts, logits by place, `f32[n 16 g*g]`.
            has_mask: Whether a trajectory's mask prompt is used, `bool[n]`.
        """
        encoder = self.prompt_encoder
        ground = two_way.ground_of(
            encoder, begun.photographs, photograph, low_res, has_mask
        )
        tokens = encoder.clicks(yx, positive)
        # The first token, which is no click, is always there.
        valid = jnp.arange(tokens.shape[1])[None] <= count[:, None]
        fine = begun.fine[photograph]
        return self.mask_decoder.decode(tokens, valid, ground, fine)

    def __call__(self, square: jax.Array) -> sam_decoder.Decoded:
        """Encodes squares and answers a click on each: for the shapes of variables."""
        encoded = self.encode(square)
        count, places = encoded.embedding.shape[:2]
        ones = jnp.ones(count, jnp.int32)
        return self.decode(
            encoded,
            jnp.arange(count),
            jnp.zeros((count, 1, 2)),
            jnp.ones((count, 1), bool),
            ones,
            jnp.zeros((count, prompts.FINER**2, places)),
            ones > 0,
        )
