"""Published weights of MobileSAM to our variables, by the original's names.

Every leaf must be filled and every key used, but for those of the head that told the
classes of photographs, and for counts of steps of training.
"""

from rclicks_jax.networks import architectures
from rclicks_jax.networks.architectures import LeafPath, Variables
from rclicks_jax.networks.mobile_sam import network
from rclicks_jax.networks.mobile_sam.sizes import MobileSamSizes, sizes_of
from rclicks_jax.networks.prompted import names
from rclicks_jax.networks.sam import weights as sam_weights
from rclicks_jax.weights import key_maps, state_dicts

# From our names to the original's.
_ORIGINAL: key_maps.Rules = (
    (r"\.bn\.mean$", ".bn.running_mean"),
    (r"\.bn\.var$", ".bn.running_var"),
)
_UNUSED = (
    r"^image_encoder\.(norm_head|head)\.(weight|bias)$",
    r"^image_encoder\..*\.bn\.num_batches_tracked$",
)


def from_torch(state: state_dicts.State) -> tuple[MobileSamSizes, Variables]:
    """Returns the sizes and the variables of a state dict of the original.

    Raises:
        DataError: It is of no MobileSAM; names what is missing, left over or wrong.
    """
    sizes = sizes_of(state)
    leaves = architectures.flatten(shapes_of(sizes))
    filled = key_maps.fill(
        state,
        {path: leaf.shape for path, leaf in leaves.items()},
        lambda path: _origin(path, leaves[path].ndim),
        network=f"MobileSAM ({sizes.variant})",
        unused=_UNUSED,
    )
    return sizes, architectures.unflatten(filled)


def torch_shapes(sizes: MobileSamSizes) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict that are used."""
    shapes: dict[str, tuple[int, ...]] = {}
    for path, leaf in architectures.flatten(shapes_of(sizes)).items():
        shapes.update(_origin(path, leaf.ndim).shapes(leaf.shape))
    return shapes


def shapes_of(sizes: MobileSamSizes) -> Variables:
    """Returns the shapes of the variables of a MobileSAM; nothing is computed."""
    return sam_weights.shapes_in(network.mobile_sam(sizes))


def _origin(path: LeafPath, axes: int) -> key_maps.Origin:
    return names.origin(path, axes, _ORIGINAL)
