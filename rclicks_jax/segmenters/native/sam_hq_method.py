"""What SAM-HQ has of its own beside SAM: its network."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from rclicks_jax.networks.sam.sizes import SamSizes
from rclicks_jax.networks.sam_hq import network, weights
from rclicks_jax.segmenters.native import prompted_method
from rclicks_jax.segmenters.native.sam_method import SamMethod


@dataclasses.dataclass(frozen=True)
class SamHqMethod(SamMethod):
    """SAM-HQ."""

    sizes: SamSizes

    def network(self) -> nn.Module:
        """Returns the network."""
        return network.SamHq(self.sizes, jnp.dtype(self.precision))


from_torch = prompted_method.maker(SamHqMethod, weights.from_torch)
