"""What MobileSAM has of its own beside SAM: its image encoder."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from rclicks_jax.networks.mobile_sam import network, weights
from rclicks_jax.networks.mobile_sam.sizes import MobileSamSizes
from rclicks_jax.segmenters.native import prompted_method
from rclicks_jax.segmenters.native.sam_method import SamMethod


@dataclasses.dataclass(frozen=True)
class MobileSamMethod(SamMethod):
    """MobileSAM."""

    sizes: MobileSamSizes

    def network(self) -> nn.Module:
        """Returns the network."""
        return network.mobile_sam(self.sizes, jnp.dtype(self.precision))


from_torch = prompted_method.maker(MobileSamMethod, weights.from_torch)
