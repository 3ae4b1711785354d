"""The mask decoder of SAM: the one mask of three whose IoU it predicts to be best.

Source: facebookresearch/segment-anything, segment_anything/modeling/mask_decoder.py.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks import parts
from rclicks_jax.networks.prompted import prompts, two_way, upscaling
from rclicks_jax.networks.sam.sizes import DecoderSizes

_EPSILON = 1e-6


class Decoded(NamedTuple):
    """The answer to the clicks of trajectories.

    Attributes:
        low_res: Logits of the chosen mask by place, `f32[n 16 g*g]`.
        best: Number of the chosen mask among all of them, `i32[n]`.
        scores: Predicted IoU of each mask but the first, `f32[n m-1]`.
    """

    low_res: jax.Array
    best: jax.Array
    scores: jax.Array


class MaskDecoder(nn.Module):
    """Decodes prompts and embeddings."""

    sizes: DecoderSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        sizes, dtype, channels = self.sizes, self.dtype, self.sizes.channels
        middle, narrow = channels // 4, channels // 8
        self.transformer = two_way.TwoWay(sizes, dtype)
        self.iou_token = prompts.Table((1, channels))
        self.mask_tokens = prompts.Table((sizes.masks, channels))
        # Kernels of transposed convolutions: inputs, 2x2, outputs.
        self.output_upscaling_0 = parts.Kernel((channels, 2, 2, middle))
        self.output_upscaling_1 = parts.Norm(middle, _EPSILON, dtype)
        self.output_upscaling_3 = parts.Kernel((middle, 2, 2, narrow))
        self.output_hypernetworks_mlps = [
            parts.Perceptron((channels, channels, channels, narrow), dtype)
            for _ in range(sizes.masks)
        ]
        between = (sizes.score_hidden,) * (sizes.score_depth - 1)
        self.iou_prediction_head = parts.Perceptron(
            (channels, *between, sizes.masks), dtype
        )

    def begin(self, embeddings: jax.Array, places: jax.Array) -> jax.Array:
        """Computes what all trajectories on photographs share; see `TwoWay.begin`."""
        return self.transformer.begin(embeddings, places)

    def __call__(
        self, click_tokens: jax.Array, valid: jax.Array, ground: two_way.Ground
    ) -> Decoded:
        """Decodes.

        Args:
            click_tokens: Tokens of clicks, `f32[n k c]`.
            valid: Those that count, `bool[n k]`.
            ground: Photographs and mask prompts.
        """
        own = jnp.concatenate([self.iou_token(), self.mask_tokens()])
        tokens, places = self.transformed(own, click_tokens, valid, ground)
        return self.best_of(tokens, self.finest(places))

    def transformed(
        self,
        own: jax.Array,
        click_tokens: jax.Array,
        valid: jax.Array,
        ground: two_way.Ground,
    ) -> tuple[jax.Array, jax.Array]:
        """Returns tokens and places after the transformer.

        Args:
            own: The decoder's own tokens, `f32[t c]`.
            click_tokens: Tokens of clicks, `f32[n k c]`.
            valid: Those that count, `bool[n k]`.
            ground: Photographs and mask prompts.

        Returns:
            `f32[n t+k c]`, own tokens first, and `f32[n g*g c]`.
        """
        count = click_tokens.shape[0]
        tokens = jnp.concatenate(
            [jnp.broadcast_to(own[None], (count, *own.shape)), click_tokens], axis=1
        )
        always = jnp.ones((count, len(own)), bool)
        return self.transformer(
            tokens, jnp.concatenate([always, valid], axis=1), ground
        )

    def finest(self, places: jax.Array) -> jax.Array:
        """Makes places, `f32[n g*g c]`, four times as fine, `f32[n 4 4 c/8 g*g]`."""
        return upscaling.finest(
            places,
            self.output_upscaling_0,
            self.output_upscaling_1,
            self.output_upscaling_3,
        )

    def best_of(self, tokens: jax.Array, finest: jax.Array) -> Decoded:
        """Returns the mask whose predicted IoU is best.

        Args:
            tokens: After the transformer, the decoder's own first, `f32[n t c]`.
            finest: Of `finest`.
        """
        scores = self.iou_prediction_head(tokens[:, 0]).astype(jnp.float32)[:, 1:]
        best = 1 + scores.argmax(axis=1)
        weights = jnp.stack(
            [
                self.output_hypernetworks_mlps[mask](tokens[:, 1 + mask])
                for mask in range(self.sizes.masks)
            ],
            axis=1,
        )
        chosen = jnp.take_along_axis(weights, best[:, None, None], axis=1)[:, 0]
        return Decoded(upscaling.logits(finest, chosen), best, scores)
