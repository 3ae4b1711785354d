"""What SAM has of its own: its square and its network.

SAM-HQ and MobileSAM have the same square.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks.prompted import resizing
from rclicks_jax.networks.sam import frames, network, weights
from rclicks_jax.networks.sam.sizes import DecoderSizes
from rclicks_jax.segmenters.native import prompted_method
from rclicks_jax.segmenters.native.method import Placed


@dataclasses.dataclass(frozen=True)
class SamMethod(prompted_method.PromptedMethod):
    """SAM."""

    sizes: DecoderSizes

    def place(self, image: np.ndarray) -> Placed:
        """Fills a photograph up, and finds its place in the square."""
        frame = frames.frame_of(image.shape, self.sizes.side)
        arrays = resizing.fill_up(image), frames.into_square(frame)
        return Placed(frame.size, frame, arrays, frames.onto_photograph(frame))

    def square(self, image: jax.Array, matrices: resizing.Matrices) -> jax.Array:
        """Returns what the encoder sees; beyond the photograph it is 0."""
        return frames.to_square(image, matrices)

    def network(self) -> nn.Module:
        """Returns the network."""
        return network.Sam(self.sizes, jnp.dtype(self.precision))


from_torch = prompted_method.maker(SamMethod, weights.from_torch)
