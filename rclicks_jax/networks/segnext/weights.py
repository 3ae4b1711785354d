"""Published weights of SegNext to our variables.

Every key must be used and every leaf filled, apart from a normalisation that the
original makes and never calls.
"""

import jax
import jax.numpy as jnp

from rclicks_jax.networks import architectures, published
from rclicks_jax.networks.architectures import LeafPath, Variables
from rclicks_jax.networks.segnext import network
from rclicks_jax.networks.segnext.sizes import SegNextSizes, sizes_of
from rclicks_jax.networks.simpleclick import weights
from rclicks_jax.weights import key_maps, state_dicts

# From SimpleClick's names to SegNext's.
_RULES: key_maps.Rules = ((r"^head\.conv_seg\.", "head.seg_conv."),)
_UNUSED = (r"^backbone\.fc_norm\.",)


def from_torch(state: state_dicts.State) -> tuple[SegNextSizes, Variables]:
    """Returns the sizes and the variables of a state dict.

    Raises:
        DataError: It is of no SegNext; names what is missing, left over or wrong.
    """
    sizes = sizes_of(state)
    variables = published.filled(
        state,
        shapes_of(sizes),
        _origin,
        network=f"SegNext ({sizes.variant})",
        unused=_UNUSED,
    )
    return sizes, variables


def torch_shapes(sizes: SegNextSizes) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict that are read."""
    return published.torch_shapes(shapes_of(sizes), _origin)


def shapes_of(sizes: SegNextSizes) -> Variables:
    """Returns the shapes of the variables of a SegNext; nothing is computed."""
    side = sizes.side
    return architectures.shapes(
        network.SegNext(sizes),
        jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32),
        jax.ShapeDtypeStruct((1, side, side), jnp.float32),
        jax.ShapeDtypeStruct((1, 1, 2), jnp.float32),
        jax.ShapeDtypeStruct((1, 1), jnp.bool_),
    )


def _origin(path: LeafPath, axes: int) -> key_maps.Origin:
    return weights.origin(path, axes, _RULES)
