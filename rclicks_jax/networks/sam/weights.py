"""Published weights of SAM to our variables: by the original's names, or the hub's.

Every key must be used and every leaf filled.
"""

import functools
from collections.abc import Iterable
from typing import Protocol

import jax
import jax.numpy as jnp

from rclicks_jax.networks import architectures, published
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.networks.prompted import names
from rclicks_jax.networks.sam import network
from rclicks_jax.networks.sam.sizes import DecoderSizes, SamSizes, sizes_of
from rclicks_jax.weights import key_maps, state_dicts

# From the hub's names to the original's, applied one after the other.
_HUB: key_maps.Rules = (
    (r"^vision_encoder\.", "image_encoder."),
    (r"\.patch_embed\.projection\.", ".patch_embed.proj."),
    (r"^image_encoder\.layers\.(\d+)\.layer_norm", r"image_encoder.blocks.\1.norm"),
    (r"^image_encoder\.layers\.", "image_encoder.blocks."),
    (r"\.neck\.conv1\.", ".neck.0."),
    (r"\.neck\.layer_norm1\.", ".neck.1."),
    (r"\.neck\.conv2\.", ".neck.2."),
    (r"\.neck\.layer_norm2\.", ".neck.3."),
    (r"\.point_embed\.", ".point_embeddings."),
    *names.HUB,
)
_HUB_SIGN = "vision_encoder."


def from_torch(state: state_dicts.State) -> tuple[SamSizes, Variables]:
    """Returns the sizes and the variables of a state dict, of the original or the hub.

    Raises:
        DataError: It is of no SAM; names what is missing, left over or wrong.
    """
    state = by_original_names(state)
    sizes = sizes_of(state)
    return sizes, filled(state, network.Sam(sizes), f"SAM ({sizes.variant})")


def by_original_names(state: state_dicts.State) -> state_dicts.State:
    """Returns a state dict by the original's names, whichever names it has.

    Raises:
        DataError: Two keys are of the same weight.
    """
    if not any(key.startswith(_HUB_SIGN) for key in state):
        return state
    numbered = names.hub_layers(state)

    def rename(key: str) -> str | None:
        if names.is_second_twin(key, state):
            return None
        if key in names.HUB_TWINS:
            return names.FREQUENCIES
        return numbered(key_maps.renamed(key, _HUB))

    return state_dicts.renamed(state, rename)


def torch_shapes(sizes: SamSizes) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict of a SAM."""
    return torch_shapes_in(network.Sam(sizes))


def shapes_of(sizes: SamSizes) -> Variables:
    """Returns the shapes of the variables of a SAM; nothing is computed."""
    return shapes_in(network.Sam(sizes))


class Network(architectures.Module, Protocol):
    """A network with the parts of SAM, which is called with squares, `f32[b s s 3]`."""

    @property
    def sizes(self) -> DecoderSizes:
        """Its sizes."""
        ...


def filled(
    state: state_dicts.State,
    net: Network,
    name: str,
    rules: key_maps.Rules = (),
    unused: Iterable[str] = (),
) -> Variables:
    """Returns the variables of a network of SAM's family.

    Args:
        state: State dict by the original's names.
        net: The network.
        name: Its name, for messages.
        rules: Where the original has other names than our modules.
        unused: Patterns of keys that may be there and are not read.

    Raises:
        DataError: Names what is missing, left over or wrong.
    """
    origin = functools.partial(names.origin, rules=rules)
    return published.filled(state, shapes_in(net), origin, network=name, unused=unused)


def torch_shapes_in(
    net: Network, rules: key_maps.Rules = ()
) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict that are used."""
    origin = functools.partial(names.origin, rules=rules)
    return published.torch_shapes(shapes_in(net), origin)


def shapes_in(net: Network) -> Variables:
    """Returns the shapes of the variables of a network; nothing is computed."""
    side = net.sizes.side
    square = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    return architectures.shapes(net, square)
