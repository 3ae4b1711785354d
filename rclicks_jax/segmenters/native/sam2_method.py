"""What SAM 2 has of its own: its square and its network."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks import parts
from rclicks_jax.networks.prompted import resizing
from rclicks_jax.networks.sam2 import frames, network, weights
from rclicks_jax.networks.sam2.sizes import Sam2Sizes
from rclicks_jax.segmenters.native.method import Placed, Tree
from rclicks_jax.segmenters.native.prompted_method import PromptedMethod
from rclicks_jax.weights import state_dicts


@dataclasses.dataclass(frozen=True)
class Sam2Method(PromptedMethod):
    """SAM 2 or 2.1, which differ in what videos need alone.

    Attributes:
        sizes: Widths and depths.
    """

    sizes: Sam2Sizes

    @property
    def variant(self) -> str:
        """Name of its size."""
        return self.sizes.variant

    @property
    def grid(self) -> int:
        """Places of the embedding along a side of the square."""
        return self.sizes.grid

    def place(self, image: np.ndarray) -> Placed:
        """Fills a photograph up, and finds its place in the square."""
        frame = frames.frame_of(image.shape, self.sizes.side)
        arrays = resizing.fill_up(image), frames.into_square(frame)
        return Placed(frame.size, frame, arrays, frames.onto_photograph(frame))

    def encode(self, variables: Tree, arrays: Tree) -> Tree:
        """Returns what all trajectories share: see `network.Begun`."""
        image, matrices = arrays
        square = resizing.normalised(image, matrices)
        encoded = self.apply(variables, square[None], method="encode")
        begun = self.apply(variables, encoded, method="begin")
        return jax.tree.map(lambda leaf: leaf[0], begun)

    def apply(self, variables: Tree, *arrays: Any, method: str) -> Any:
        """Calls a method of the network."""
        net = network.Sam2(self.sizes, jnp.dtype(self.precision))
        return net.apply(variables, *arrays, method=method)


def from_torch(
    state: state_dicts.State, precision: str, *, drops_mask_prompt: bool
) -> tuple[Sam2Method, Tree]:
    """Returns SAM 2 and its variables, of a state dict of published weights.

    Raises:
        DataError: It is of no SAM 2.
    """
    sizes, variables = weights.from_torch(state)
    cast = parts.in_precision(variables, jnp.dtype(precision))
    return Sam2Method(precision, drops_mask_prompt, sizes), cast
