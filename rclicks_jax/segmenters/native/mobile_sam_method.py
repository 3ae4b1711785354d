"""What MobileSAM has of its own beside SAM: its image encoder."""

import dataclasses

import jax.numpy as jnp

from rclicks_jax.networks import parts
from rclicks_jax.networks.mobile_sam import network, weights
from rclicks_jax.networks.mobile_sam.sizes import MobileSamSizes
from rclicks_jax.networks.sam.network import Sam
from rclicks_jax.segmenters.native.method import Tree
from rclicks_jax.segmenters.native.sam_method import SamMethod
from rclicks_jax.weights import state_dicts


@dataclasses.dataclass(frozen=True)
class MobileSamMethod(SamMethod):
    """MobileSAM.

    Attributes:
        sizes: Widths and depths.
    """

    sizes: MobileSamSizes

    def network(self) -> Sam:
        """Returns the network."""
        return network.mobile_sam(self.sizes, jnp.dtype(self.precision))


def from_torch(
    state: state_dicts.State, precision: str, *, drops_mask_prompt: bool
) -> tuple[MobileSamMethod, Tree]:
    """Returns MobileSAM and its variables, of a state dict of published weights.

    Raises:
        DataError: It is of no MobileSAM.
    """
    sizes, variables = weights.from_torch(state)
    cast = parts.in_precision(variables, jnp.dtype(precision))
    return MobileSamMethod(precision, drops_mask_prompt, sizes), cast
