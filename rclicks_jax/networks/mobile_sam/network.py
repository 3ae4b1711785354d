"""MobileSAM whole: SAM's prompts and decoder behind the encoder of MobileSAM."""

import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks.mobile_sam import tiny_vit
from rclicks_jax.networks.mobile_sam.sizes import MobileSamSizes
from rclicks_jax.networks.sam import network


def mobile_sam(sizes: MobileSamSizes, dtype: DTypeLike = jnp.float32) -> network.Sam:
    """Returns the network; features and products are of a type."""
    return network.Sam(sizes, dtype, tiny_vit.Encoder)
