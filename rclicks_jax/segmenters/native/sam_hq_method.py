"""What SAM-HQ has of its own beside SAM: its network."""

import dataclasses

import jax.numpy as jnp

from rclicks_jax.networks import parts
from rclicks_jax.networks.sam.sizes import SamSizes
from rclicks_jax.networks.sam_hq import network, weights
from rclicks_jax.segmenters.native.method import Tree
from rclicks_jax.segmenters.native.sam_method import SamMethod
from rclicks_jax.weights import state_dicts


@dataclasses.dataclass(frozen=True)
class SamHqMethod(SamMethod):
    """SAM-HQ.

    Attributes:
        sizes: Widths and depths.
    """

    sizes: SamSizes

    def network(self) -> network.SamHq:
        """Returns the network."""
        return network.SamHq(self.sizes, jnp.dtype(self.precision))


def from_torch(
    state: state_dicts.State, precision: str, *, drops_mask_prompt: bool
) -> tuple[SamHqMethod, Tree]:
    """Returns SAM-HQ and its variables, of a state dict of published weights.

    Raises:
        DataError: It is of no SAM-HQ.
    """
    sizes, variables = weights.from_torch(state)
    cast = parts.in_precision(variables, jnp.dtype(precision))
    return SamHqMethod(precision, drops_mask_prompt, sizes), cast
