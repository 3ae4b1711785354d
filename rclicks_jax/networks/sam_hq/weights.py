"""Published weights of SAM-HQ to our variables, by the original's names.

Every key must be used and every leaf filled.
"""

from rclicks_jax import errors
from rclicks_jax.networks import kinds
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.networks.sam import weights as sam_weights
from rclicks_jax.networks.sam.sizes import SamSizes, sizes_of
from rclicks_jax.networks.sam_hq import network
from rclicks_jax.weights import state_dicts


def from_torch(state: state_dicts.State) -> tuple[SamSizes, Variables]:
    """Returns the sizes and the variables of a state dict of the original.

    Raises:
        DataError: It is of no SAM-HQ; names what is missing, left over or wrong.
    """
    sizes = sizes_of(state, kinds.SAM_HQ)
    if not sizes.global_blocks:
        raise errors.DataError(
            f"{state_dicts.named(state)} has an encoder without a block that attends "
            "to the whole square; SAM-HQ needs the output of the first one."
        )
    name = f"SAM-HQ ({sizes.variant})"
    return sizes, sam_weights.filled(state, network.SamHq(sizes), name)


def torch_shapes(sizes: SamSizes) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict of a SAM-HQ."""
    return sam_weights.torch_shapes_in(network.SamHq(sizes))


def shapes_of(sizes: SamSizes) -> Variables:
    """Returns the shapes of the variables of a SAM-HQ; nothing is computed."""
    return sam_weights.shapes_in(network.SamHq(sizes))
