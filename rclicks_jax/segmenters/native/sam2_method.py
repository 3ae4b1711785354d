"""What SAM 2 has of its own: its square and its network."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks.prompted import resizing
from rclicks_jax.networks.sam2 import frames, network, weights
from rclicks_jax.networks.sam2.sizes import Sam2Sizes
from rclicks_jax.segmenters.native import prompted_method
from rclicks_jax.segmenters.native.method import Placed


@dataclasses.dataclass(frozen=True)
class Sam2Method(prompted_method.PromptedMethod):
    """SAM 2 or 2.1, which differ in what videos need alone."""

    sizes: Sam2Sizes

    def place(self, image: np.ndarray) -> Placed:
        """Fills a photograph up; it is stretched to the square."""
        frame = frames.frame_of(image.shape, self.sizes.side)
        arrays = resizing.fill_up(image), frames.into_square(frame)
        return Placed(frame.size, frame, arrays, frames.onto_photograph(frame))

    def square(self, image: jax.Array, matrices: resizing.Matrices) -> jax.Array:
        """Returns what the encoder sees, which is a photograph everywhere."""
        return resizing.normalised(image, matrices)

    def network(self) -> nn.Module:
        """Returns the network."""
        return network.Sam2(self.sizes, jnp.dtype(self.precision))


from_torch = prompted_method.maker(Sam2Method, weights.from_torch)
