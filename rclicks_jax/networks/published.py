"""Published weights to variables, for networks whose leaves each know their keys.

A network with an `origin` for each leaf needs nothing else: its shapes say what must be
in a state dict.
"""

from collections.abc import Callable, Iterable

from rclicks_jax.networks import architectures
from rclicks_jax.networks.architectures import LeafPath, Variables
from rclicks_jax.weights import key_maps, state_dicts

# Says where a leaf comes from, of its path and its number of axes.
Origins = Callable[[LeafPath, int], key_maps.Origin]


def filled(
    state: state_dicts.State,
    shapes: Variables,
    origin: Origins,
    *,
    network: str,
    unused: Iterable[str] = (),
) -> Variables:
    """Returns the variables of a network, from a state dict by the original's names.

    Args:
        state: The state dict.
        shapes: Shapes of the variables.
        origin: Says where a leaf comes from.
        network: Name of the network, for messages.
        unused: Patterns of keys that may be there and are not read.

    Raises:
        DataError: Names what is missing, left over or wrong.
    """
    leaves = architectures.flatten(shapes)
    arrays = key_maps.fill(
        state,
        {path: leaf.shape for path, leaf in leaves.items()},
        lambda path: origin(path, leaves[path].ndim),
        network=network,
        unused=unused,
    )
    return architectures.unflatten(arrays)


def torch_shapes(shapes: Variables, origin: Origins) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict that are read.

    Args:
        shapes: Shapes of the variables.
        origin: Says where a leaf comes from.
    """
    found: dict[str, tuple[int, ...]] = {}
    for path, leaf in architectures.flatten(shapes).items():
        found.update(origin(path, leaf.ndim).shapes(leaf.shape))
    return found
