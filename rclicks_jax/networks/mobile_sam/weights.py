"""Published weights of MobileSAM to our variables, by the original's names.

Every leaf must be filled and every key used, but for those of the head that told the
classes of photographs, and for counts of steps of training.
"""

from rclicks_jax.networks.architectures import Variables
from rclicks_jax.networks.mobile_sam import network
from rclicks_jax.networks.mobile_sam.sizes import MobileSamSizes, sizes_of
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
    name = f"MobileSAM ({sizes.variant})"
    net = network.mobile_sam(sizes)
    return sizes, sam_weights.filled(state, net, name, _ORIGINAL, _UNUSED)


def torch_shapes(sizes: MobileSamSizes) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict that are used."""
    return sam_weights.torch_shapes_in(network.mobile_sam(sizes), _ORIGINAL)
