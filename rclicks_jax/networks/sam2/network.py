"""SAM 2 whole: `encode` a photograph once, `decode` clicks on it many times."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks.prompted import prompts, two_way, upscaling
from rclicks_jax.networks.sam2 import decoder, hiera
from rclicks_jax.networks.sam2.sizes import Sam2Sizes

# Logits that are mask prompts are clamped to plus and minus this.
_LIMIT = 32.0


class Encoded(NamedTuple):
    """Encoded photographs.

    Attributes:
        embedding: Features of places, `f32[p g*g c]`.
        fine: Finer features by place, `f32[p ...]`.
    """

    embedding: jax.Array
    fine: upscaling.Fine


class Begun(NamedTuple):
    """What all trajectories on photographs share.

    Attributes:
        photographs: What `TwoWay.begin` makes of their embeddings, `f32[p g*g c+3i]`.
        fine: Finer features by place, `f32[p ...]`.
    """

    photographs: jax.Array
    fine: upscaling.Fine


class Sam2(nn.Module):
    """The network.

    Attributes:
        sizes: Widths and depths.
        dtype: Type of features and products; sums of normalisations and of attention
            are float32.
    """

    sizes: Sam2Sizes
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        self.image_encoder = hiera.Encoder(self.sizes, self.dtype)
        self.sam_prompt_encoder = prompts.PromptEncoder(self.sizes, self.dtype)
        self.sam_mask_decoder = decoder.MaskDecoder(self.sizes, self.dtype)
        shape = (1, 1, self.sizes.channels)
        self.no_mem_embed = self.param(
            "no_mem_embed", nn.initializers.normal(1.0), shape
        )

    def encode(self, square: jax.Array) -> Encoded:
        """Encodes normalised squares, `f32[b s s 3]`."""
        made = self.sam_mask_decoder
        embedding, middle, finest = self.image_encoder(
            square, made.conv_s1, made.conv_s0
        )
        count, grid = embedding.shape[:2]
        embedding = embedding.reshape(count, grid * grid, -1)
        # A photograph has no frames before it.
        embedding = embedding + self.no_mem_embed.astype(self.dtype)
        middle = middle.reshape(count, grid, 2, grid, 2, -1)
        middle = middle.transpose(0, 2, 4, 5, 1, 3)
        finest = finest.reshape(count, grid, 2, 2, grid, 2, 2, -1)
        finest = finest.transpose(0, 2, 5, 3, 6, 7, 1, 4)
        quarters = upscaling.QUARTERS
        fine = upscaling.Fine(
            middle.reshape(count, quarters, -1, grid * grid),
            finest.reshape(count, quarters, quarters, -1, grid * grid),
        )
        return Encoded(embedding, fine)

    def begin(self, encoded: Encoded) -> Begun:
        """Computes what all trajectories on photographs share, for `answer`."""
        grid = self.sam_prompt_encoder.grid()
        photographs = self.sam_mask_decoder.begin(encoded.embedding, grid)
        return Begun(photographs, encoded.fine)

    def decode(self, encoded: Encoded, *rest: jax.Array) -> decoder.Decoded:
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
    ) -> decoder.Decoded:
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
        encoder = self.sam_prompt_encoder
        ground = two_way.ground_of(
            encoder,
            begun.photographs,
            photograph,
            low_res.clip(-_LIMIT, _LIMIT),
            has_mask,
        )
        tokens = encoder.clicks(yx, positive)
        # The first token, which is no click, is always there.
        valid = jnp.arange(tokens.shape[1])[None] <= count[:, None]
        fine = upscaling.Fine(*(each[photograph] for each in begun.fine))
        return self.sam_mask_decoder(tokens, valid, ground, fine)

    def __call__(self, square: jax.Array) -> decoder.Decoded:
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
