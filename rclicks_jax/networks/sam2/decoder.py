"""The mask decoder of SAM 2: one mask if it is stable, otherwise the best of three.

Source: facebookresearch/sam2, sam2/modeling/sam/mask_decoder.py, with the settings of
`build_sam2`.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks import parts
from rclicks_jax.networks.prompted import prompts, two_way, upscaling
from rclicks_jax.networks.sam2.sizes import Sam2Sizes

_EPSILON = 1e-6
# A mask is stable if the one of higher logits has at least this share of the pixels of
# the one of lower logits.
_AWAY, _STABLE = 0.05, 0.98
# Tokens before those of masks: whether there is an object, and the masks' IoU.
_OWN_FIRST = 2


class Decoded(NamedTuple):
    """The answer to the clicks of trajectories.

    Attributes:
        low_res: Logits of the chosen mask by place, `f32[n 16 g*g]`.
        best: Number of the chosen mask among all of them, 0 for the single one,
            `i32[n]`.
        scores: Predicted IoU of each mask, `f32[n m]`.
    """

    low_res: jax.Array
    best: jax.Array
    scores: jax.Array


class MaskDecoder(nn.Module):
    """Decodes prompts and embeddings."""

    sizes: Sam2Sizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        sizes, dtype, channels = self.sizes, self.dtype, self.sizes.channels
        middle, narrow = channels // 4, channels // 8
        self.transformer = two_way.TwoWay(sizes, dtype)
        self.obj_score_token = prompts.Table((1, channels))
        self.iou_token = prompts.Table((1, channels))
        self.mask_tokens = prompts.Table((sizes.masks, channels))
        # Kernels of transposed convolutions: inputs, 2x2, outputs.
        self.output_upscaling_0 = parts.Kernel((channels, 2, 2, middle))
        self.output_upscaling_1 = parts.Norm(middle, _EPSILON, dtype)
        self.output_upscaling_3 = parts.Kernel((middle, 2, 2, narrow))
        self.conv_s0 = parts.Kernel((1, 1, channels, narrow))
        self.conv_s1 = parts.Kernel((1, 1, channels, middle))
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
        self,
        click_tokens: jax.Array,
        valid: jax.Array,
        ground: two_way.Ground,
        fine: upscaling.Fine,
    ) -> Decoded:
        """Decodes.

        Args:
            click_tokens: Tokens of clicks, `f32[n k c]`.
            valid: Those that count, `bool[n k]`.
            ground: Photographs and mask prompts.
            fine: Finer features of each trajectory's photograph.
        """
        count, sizes = click_tokens.shape[0], self.sizes
        own = [self.obj_score_token(), self.iou_token(), self.mask_tokens()]
        own = jnp.concatenate(own)
        tokens = jnp.concatenate(
            [jnp.broadcast_to(own[None], (count, *own.shape)), click_tokens], axis=1
        )
        always = jnp.ones((count, len(own)), bool)
        tokens, places = self.transformer(
            tokens, jnp.concatenate([always, valid], axis=1), ground
        )
        scores = self.iou_prediction_head(tokens[:, 1]).astype(jnp.float32)
        scores = jax.nn.sigmoid(scores)
        best = 1 + scores[:, 1:].argmax(axis=1)
        weights = jnp.stack(
            [
                self.output_hypernetworks_mlps[mask](tokens[:, _OWN_FIRST + mask])
                for mask in range(sizes.masks)
            ],
            axis=1,
        )
        finest = upscaling.finest(
            places,
            self.output_upscaling_0,
            self.output_upscaling_1,
            self.output_upscaling_3,
            fine,
        )
        chosen = jnp.take_along_axis(weights, best[:, None, None], axis=1)[:, 0]
        single = upscaling.logits(finest, weights[:, 0])
        stable = is_stable(single)
        other = upscaling.logits(finest, chosen)
        return Decoded(
            jnp.where(stable[:, None, None], single, other),
            jnp.where(stable, 0, best),
            scores,
        )


def is_stable(logits: jax.Array) -> jax.Array:
    """Tells whether masks hardly change with the threshold, `bool[n]`.

    Args:
        logits: Logits of masks by place, `f32[n 16 s]`.
    """
    inner = (logits > _AWAY).sum(axis=(1, 2)).astype(jnp.float32)
    outer = (logits > -_AWAY).sum(axis=(1, 2)).astype(jnp.float32)
    # A mask without pixels is stable.
    return jnp.where(outer > 0, inner / jnp.maximum(outer, 1), 1) >= _STABLE
