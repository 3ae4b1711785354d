"""SAM whole: `encode` a photograph once, `decode` clicks on it many times."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks.prompted import prompts, two_way
from rclicks_jax.networks.sam import decoder, vit
from rclicks_jax.networks.sam.sizes import DecoderSizes


class Sam(nn.Module):
    """The network.

    Attributes:
        sizes: Widths and depths.
        dtype: Type of features and products; sums of normalisations and of attention
            are float32.
        encoder: Makes the image encoder of sizes and type. It maps squares, `f32[b s s
            3]`, to embeddings by place, `f32[b g*g c]`.
    """

    sizes: DecoderSizes
    dtype: DTypeLike = jnp.float32
    encoder: Callable[[Any, DTypeLike], nn.Module] = vit.Encoder

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        self.image_encoder = self.encoder(self.sizes, self.dtype)
        self.prompt_encoder = prompts.PromptEncoder(self.sizes, self.dtype)
        self.mask_decoder = decoder.MaskDecoder(self.sizes, self.dtype)

    def encode(self, square: jax.Array) -> jax.Array:
        """Encodes squares, normalised and padded with 0, `f32[b s s 3]`.

        Returns:
            Embeddings, `f32[b g*g c]`.
        """
        return self.image_encoder(square)

    def begin(self, embeddings: jax.Array) -> jax.Array:
        """Computes what all trajectories on photographs share.

        Args:
            embeddings: Of photographs, `f32[p g*g c]`.

        Returns:
            `f32[p g*g c+3i]`, for `answer`.
        """
        return self.mask_decoder.begin(embeddings, self.prompt_encoder.grid())

    def decode(self, embeddings: jax.Array, *rest: jax.Array) -> decoder.Decoded:
        """Answers clicks on embeddings, `f32[p g*g c]`; the rest is as for `answer`."""
        return self.answer(self.begin(embeddings), *rest)

    def answer(
        self,
        photographs: jax.Array,
        photograph: jax.Array,
        yx: jax.Array,
        positive: jax.Array,
        count: jax.Array,
        low_res: jax.Array,
        has_mask: jax.Array,
    ) -> decoder.Decoded:
        """Answers the clicks of trajectories, which do not depend on each other.

        Args:
            photographs: What `begin` makes of their embeddings, `f32[p g*g c+3i]`.
            photograph: Number of each trajectory's photograph, `i32[n]`.
            yx: Clicks in pixels of the square, `f32[n k 2]`.
            positive: Foreground click or not, `bool[n k]`.
            count: Clicks in use, `i32[n]`.
            low_res: Mask prompts, logits by place, `f32[n 16 g*g]`.
            has_mask: Whether a trajectory's mask prompt is used, `bool[n]`.
        """
        encoder = self.prompt_encoder
        ground = two_way.ground_of(encoder, photographs, photograph, low_res, has_mask)
        tokens = encoder.clicks(yx, positive)
        # The first token, which is no click, is always there.
        valid = jnp.arange(tokens.shape[1])[None] <= count[:, None]
        return self.mask_decoder(tokens, valid, ground)

    def __call__(self, square: jax.Array) -> decoder.Decoded:
        """Encodes squares and answers a click on each: for the shapes of variables."""
        embeddings = self.encode(square)
        count, places = embeddings.shape[:2]
        ones = jnp.ones(count, jnp.int32)
        return self.decode(
            embeddings,
            jnp.arange(count),
            jnp.zeros((count, 1, 2)),
            jnp.ones((count, 1), bool),
            ones,
            jnp.zeros((count, prompts.FINER**2, places)),
            ones > 0,
        )
