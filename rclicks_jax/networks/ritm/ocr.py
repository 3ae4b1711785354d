"""The head: what the object looks like on the whole is added to each pixel's features.

There is one class, the object. So the attention over classes gives it a weight of 1 at
every pixel, whatever it compares: nothing of it is computed, and every pixel gets the
same context.

Source: SamsungLabs/ritm_interactive_segmentation, isegm/model/modeling/ocr.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks import parts
from rclicks_jax.networks.ritm.convolutions import Convolution
from rclicks_jax.networks.ritm.extents import Extent
from rclicks_jax.networks.ritm.sizes import RitmSizes


def mean_of_pixels(weights: jax.Array, features: jax.Array) -> jax.Array:
    """Returns features of pixels summed up by weights, `f32[n c]`.

    The sums of rows come first: in one sum on CPU, what is added after the pixels that
    weigh most is lost in their rounding.

    Args:
        weights: `f32[n h w]`, or of the type of the features.
        features: `f32[n h w c]`.
    """
    of_rows = jnp.einsum(
        "nhw,nhwc->nhc", weights, features, preferred_element_type=jnp.float32
    )
    return of_rows.sum(axis=1)


class Context(nn.Module):
    """What becomes of the object's features before each pixel gets them."""

    sizes: RitmSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        wide, narrow = self.sizes.context, self.sizes.keys
        self.f_down_0 = Convolution(1, wide, narrow, self.dtype)
        self.f_up_0 = Convolution(1, narrow, wide, self.dtype)

    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[n 1 1 c]` to the same shape."""
        return nn.relu(self.f_up_0(nn.relu(self.f_down_0(features))))


class Distribution(nn.Module):
    """Joins the object's features with those of each pixel."""

    sizes: RitmSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        wide = self.sizes.context
        self.object_context_block = Context(self.sizes, self.dtype)
        self.conv_bn_dropout_0 = Convolution(1, 2 * wide, wide, self.dtype)

    def __call__(self, features: jax.Array, gathered: jax.Array) -> jax.Array:
        """Maps `f32[n h w c]`, given `f32[n 1 1 c]`, to the same shape."""
        joined = self.conv_bn_dropout_0
        context = self.object_context_block(gathered)
        # The context is the same everywhere, so its share of the product is, too.
        of_context, of_pixels = jnp.split(joined.kernel[0, 0].astype(self.dtype), 2)
        shared = context @ of_context + parts.along_last(
            joined.bias.astype(self.dtype), 4
        )
        return nn.relu(features @ of_pixels + shared)


class Head(nn.Module):
    """From features of the backbone to logits."""

    sizes: RitmSizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        sizes, dtype = self.sizes, self.dtype
        every = sum(sizes.widths)
        self.aux_head_0 = Convolution(1, every, every, dtype)
        self.aux_head_3 = Convolution(1, every, 1, dtype)
        self.conv3x3_ocr_0 = Convolution(3, every, sizes.context, dtype)
        self.ocr_distri_head = Distribution(sizes, dtype)
        self.cls_head = Convolution(1, sizes.context, 1, dtype)

    def __call__(self, features: jax.Array, extent: Extent) -> jax.Array:
        """Maps `f32[n h w c]`, which is 0 beyond the image, to logits, `f32[n h w]`."""
        rough = self.aux_head_3(nn.relu(self.aux_head_0(features)))
        rough = jnp.where(extent.inside, rough.astype(jnp.float32), -jnp.inf)
        weights = jnp.exp(rough - rough.max(axis=(1, 2), keepdims=True))
        weights = weights / weights.sum(axis=(1, 2), keepdims=True)
        wide = nn.relu(self.conv3x3_ocr_0(features))
        gathered = mean_of_pixels(weights[..., 0].astype(self.dtype), wide)
        joined = self.ocr_distri_head(wide, gathered[:, None, None])
        return self.cls_head(joined).astype(jnp.float32)[..., 0]
