"""Published weights of SimpleClick and CFR-ICL to our variables.

The names of our modules follow the original's, so each of our leaves knows the one key
that it comes from. Every key must be used and every leaf filled, apart from those of
parts that answer no click: a classifier, and layers that enlarge the answer of other
heads.
"""

import re

import jax
import jax.numpy as jnp

from rclicks_jax.networks import architectures, published
from rclicks_jax.networks.architectures import LeafPath, Variables
from rclicks_jax.networks.simpleclick import network
from rclicks_jax.networks.simpleclick.sizes import SimpleClickSizes, sizes_of
from rclicks_jax.weights import key_maps, state_dicts

_LEAF_NAMES = {"kernel": "weight", "scale": "weight"}
# IOHW to IHWO.
_TRANSPOSED_CONVOLUTION = key_maps.Layout((0, 2, 3, 1))
_TRANSPOSED = re.compile(r"neck\.down_(?:4\.[03]|8\.0)\.")
_UNUSED = (
    r"^backbone\.(?:cls_token$|fc_norm\.|head\.|pre_logits\.)",
    r"^head\.up_conv[12]\.",
)


def from_torch(state: state_dicts.State) -> tuple[SimpleClickSizes, Variables]:
    """Returns the sizes and the variables of a state dict.

    Raises:
        DataError: It is of no SimpleClick; names what is missing, left over or wrong.
    """
    sizes = sizes_of(state)
    variables = published.filled(
        state,
        shapes_of(sizes),
        origin,
        network=f"SimpleClick ({sizes.variant})",
        unused=_UNUSED,
    )
    return sizes, variables


def torch_shapes(sizes: SimpleClickSizes) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict that are read."""
    return published.torch_shapes(shapes_of(sizes), origin)


def shapes_of(sizes: SimpleClickSizes) -> Variables:
    """Returns the shapes of the variables of a SimpleClick; nothing is computed."""
    side = sizes.patch * sizes.learnt
    return architectures.shapes(
        network.SimpleClick(sizes),
        jax.ShapeDtypeStruct((1, side, side, 4), jnp.float32),
        jax.ShapeDtypeStruct((1, 1, 2), jnp.float32),
        jax.ShapeDtypeStruct((1, 1), jnp.bool_),
    )


def origin(path: LeafPath, axes: int, rules: key_maps.Rules = ()) -> key_maps.Origin:
    """Returns where a leaf of so many axes comes from.

    Args:
        path: Names of the collection, the modules and the leaf.
        axes: Number of axes of the leaf.
        rules: Where the original has other names than our modules.
    """
    _, *modules, leaf = path
    names = ".".join(modules)
    # A number is that of a layer in a list, but for the levels of the neck.
    names = re.sub(r"\b(down_\d+|\w*blocks|convs)_(\d+)\b", r"\1.\2", names)
    key = key_maps.renamed(f"{names}.{_LEAF_NAMES.get(leaf, leaf)}", rules)
    if leaf != "kernel":
        layout = key_maps.SAME
    elif axes == 2:
        layout = key_maps.DENSE
    elif _TRANSPOSED.match(key):
        layout = _TRANSPOSED_CONVOLUTION
    else:
        layout = key_maps.CONVOLUTION
    return key_maps.Origin((key,), layout)
