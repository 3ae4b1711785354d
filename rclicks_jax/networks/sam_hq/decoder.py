"""The mask decoder of SAM-HQ: a mask of a further token, added to SAM's best one.

Source: SysCV/sam-hq, segment_anything/modeling/mask_decoder_hq.py.
"""

import jax
import jax.numpy as jnp

from rclicks_jax.networks import layers, parts
from rclicks_jax.networks.prompted import prompts, two_way, upscaling
from rclicks_jax.networks.sam import decoder

_EPSILON = 1e-6
# Places that the last convolutions see.
_SIDE = 3


class HighQualityDecoder(decoder.MaskDecoder):
    """Decodes prompts and embeddings.

    Attributes:
        dim: Channels of the encoder's blocks.
    """

    dim: int

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        super().setup()
        channels, dtype = self.sizes.channels, self.dtype
        middle, narrow = channels // 4, channels // 8
        self.hf_token = prompts.Table((1, channels))
        self.hf_mlp = parts.Perceptron((channels, channels, channels, narrow), dtype)
        # Kernels of transposed convolutions: inputs, 2x2, outputs.
        self.compress_vit_feat_0 = parts.Kernel((self.dim, 2, 2, channels))
        self.compress_vit_feat_1 = parts.Norm(channels, _EPSILON, dtype)
        self.compress_vit_feat_3 = parts.Kernel((channels, 2, 2, narrow))
        self.embedding_encoder_0 = parts.Kernel((channels, 2, 2, middle))
        self.embedding_encoder_1 = parts.Norm(middle, _EPSILON, dtype)
        self.embedding_encoder_3 = parts.Kernel((middle, 2, 2, narrow))
        self.embedding_maskfeature_0 = parts.Kernel((_SIDE, _SIDE, narrow, middle))
        self.embedding_maskfeature_1 = parts.Norm(middle, _EPSILON, dtype)
        self.embedding_maskfeature_3 = parts.Kernel((_SIDE, _SIDE, middle, narrow))

    def of_photographs(self, embeddings: jax.Array, early: jax.Array) -> jax.Array:
        """Makes features for the further mask, the same for all trajectories.

        Args:
            embeddings: Of photographs, `f32[p g*g c]`.
            early: Output of an early block of the encoder, `f32[p g g dim]`.

        Returns:
            At four times the grid, by place, `f32[p 4 4 c/8 g*g]`.
        """
        of_embedding = upscaling.doubled_twice(
            embeddings,
            self.embedding_encoder_0,
            self.embedding_encoder_1,
            self.embedding_encoder_3,
        )
        of_early = upscaling.doubled_twice(
            early.reshape(*embeddings.shape[:2], -1),
            self.compress_vit_feat_0,
            self.compress_vit_feat_1,
            self.compress_vit_feat_3,
        )
        return of_embedding + of_early

    def decode(
        self,
        click_tokens: jax.Array,
        valid: jax.Array,
        ground: two_way.Ground,
        fine: jax.Array,
    ) -> decoder.Decoded:
        """Decodes.

        Args:
            click_tokens: Tokens of clicks, `f32[n k c]`.
            valid: Those that count, `bool[n k]`.
            ground: Photographs and mask prompts.
            fine: Of `of_photographs`, of each trajectory, `f32[n 4 4 c/8 g*g]`.
        """
        own = jnp.concatenate([self.iou_token(), self.mask_tokens(), self.hf_token()])
        tokens, places = self.transformed(own, click_tokens, valid, ground)
        finest = self.finest(places)
        best = self.best_of(tokens, finest)
        weights = self.hf_mlp(tokens[:, len(own) - 1])
        added = upscaling.logits(fine, weights) + self._of_trajectory(finest, weights)
        return best._replace(low_res=best.low_res + added)

    def _of_trajectory(self, finest: jax.Array, weights: jax.Array) -> jax.Array:
        """Returns what features of trajectories give to the further mask.

        The last convolution is multiplied by the weights first, so that it has one
        channel.

        Args:
            finest: `f32[n 4 4 c/8 g*g]`.
            weights: What each channel gives to the mask, `f32[n c/8]`.

        Returns:
            Logits by place, `f32[n 16 g*g]`.
        """
        pixels = _to_pixels(finest)
        kernel, bias = (
            each.astype(self.dtype) for each in self.embedding_maskfeature_0()
        )
        wide = jax.lax.conv_general_dilated(
            pixels,
            kernel,
            (1, 1),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        wide = self.embedding_maskfeature_1(wide + parts.along_last(bias, 4))
        kernel, bias = (
            each.astype(self.dtype) for each in self.embedding_maskfeature_3()
        )
        kernels = jnp.einsum("ijcd,nd->nijc", kernel, weights)
        products = jnp.einsum(
            "nyxc,nijc->nijyx",
            layers.gelu(wide),
            kernels,
            preferred_element_type=jnp.float32,
        )
        height, width = products.shape[-2:]
        edges = ((0, 0), (0, 0), (0, 0), (_SIDE // 2, _SIDE // 2))
        padded = jnp.pad(products, (*edges, edges[-1]))
        whole = sum(
            padded[:, i, j, i : i + height, j : j + width]
            for i in range(_SIDE)
            for j in range(_SIDE)
        )
        constant = (weights * bias[None]).astype(jnp.float32).sum(1)
        return prompts.to_places(whole + constant[:, None, None])


def _to_pixels(finest: jax.Array) -> jax.Array:
    """Returns features by place, `f32[n 4 4 c g*g]`, as images, `f32[n 4g 4g c]`."""
    count, _, _, channels, places = finest.shape
    grid = int(places**0.5)
    split = finest.reshape(count, 2, 2, 2, 2, channels, grid, grid)
    side = prompts.FINER * grid
    # Axes: row and column of the grid, each before its halves and their halves.
    together = split.transpose(0, 6, 1, 3, 7, 2, 4, 5)
    return together.reshape(count, side, side, channels)
