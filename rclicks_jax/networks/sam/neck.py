"""The last layers of the image encoder: they make the embedding's channels.

Source: facebookresearch/segment-anything, segment_anything/modeling/image_encoder.py.
"""

import jax
from jax.typing import DTypeLike

from rclicks_jax.networks import parts

_EPSILON = 1e-6
Layers = tuple[parts.Kernel, parts.Norm, parts.Kernel, parts.Norm]


def layers_of(dim: int, channels: int, dtype: DTypeLike) -> Layers:
    """Returns the layers, of `dim` channels at first and `channels` in the end."""
    return (
        parts.Kernel((1, 1, dim, channels), False),
        parts.Norm(channels, _EPSILON, dtype),
        parts.Kernel((3, 3, channels, channels), False),
        parts.Norm(channels, _EPSILON, dtype),
    )


def embedding(tokens: jax.Array, layers: Layers) -> jax.Array:
    """Maps tokens, `f32[b g g dim]`, to an embedding by place, `f32[b g*g c]`."""
    first, first_norm, last, last_norm = layers
    narrow = tokens @ first()[0].astype(tokens.dtype)[0, 0]
    mixed = jax.lax.conv_general_dilated(
        first_norm(narrow),
        last()[0].astype(tokens.dtype),
        (1, 1),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    made = last_norm(mixed)
    return made.reshape(made.shape[0], -1, made.shape[-1])
