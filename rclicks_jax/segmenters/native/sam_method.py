"""What SAM has of its own: its square and its network; the encoder may be another's."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks import parts
from rclicks_jax.networks.prompted import resizing
from rclicks_jax.networks.sam import frames, network, weights
from rclicks_jax.networks.sam.sizes import DecoderSizes
from rclicks_jax.segmenters.native.method import Placed, Tree
from rclicks_jax.segmenters.native.prompted_method import PromptedMethod
from rclicks_jax.weights import state_dicts


@dataclasses.dataclass(frozen=True)
class SamMethod(PromptedMethod):
    """SAM.

    Attributes:
        sizes: Widths and depths.
    """

    sizes: DecoderSizes

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
        """Returns what all trajectories share, `f32[g*g c+3i]`."""
        image, matrices = arrays
        square = frames.to_square(image, matrices)
        encoded = self.apply(variables, square[None], method="encode")
        begun = self.apply(variables, encoded, method="begin")
        return jax.tree.map(lambda leaf: leaf[0], begun)

    def apply(self, variables: Tree, *arrays: Any, method: str) -> Any:
        """Calls a method of the network."""
        return self.network().apply(variables, *arrays, method=method)

    def network(self) -> nn.Module:
        """Returns the network."""
        return network.Sam(self.sizes, jnp.dtype(self.precision))


def from_torch(
    state: state_dicts.State, precision: str, *, drops_mask_prompt: bool
) -> tuple[SamMethod, Tree]:
    """Returns SAM and its variables, of a state dict of published weights.

    Raises:
        DataError: It is of no SAM.
    """
    sizes, variables = weights.from_torch(state)
    cast = parts.in_precision(variables, jnp.dtype(precision))
    return SamMethod(precision, drops_mask_prompt, sizes), cast
