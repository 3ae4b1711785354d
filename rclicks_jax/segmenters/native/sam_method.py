"""What SAM has of its own: its square, its prompts, and when a mask is one of them."""

import dataclasses
from collections.abc import Hashable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks import parts
from rclicks_jax.networks.sam import frames, network, prompts, weights
from rclicks_jax.networks.sam.sizes import SamSizes
from rclicks_jax.segmenters.native.method import After, Method, Placed, Tree
from rclicks_jax.types import Clicks
from rclicks_jax.weights import state_dicts


class Prompts(NamedTuple):
    """Prompts of trajectories.

    Attributes:
        yx: Clicks in pixels of the square, `f32[t k 2]`.
        positive: Foreground click or not, `bool[t k]`.
        count: Clicks in use, `i32[t]`.
        has_mask: Whether the last mask is a prompt, `bool[t]`.
    """

    yx: Any
    positive: Any
    count: Any
    has_mask: Any


class Inputs(NamedTuple):
    """Rows of a pass: prompts, and logits of the last masks, `f32[n 16 g*g]`."""

    prompts: Prompts
    low_res: Any


@dataclasses.dataclass(frozen=True)
class SamMethod(Method):
    """SAM; a trajectory's state is its last logits of low resolution, by place.

    Attributes:
        sizes: Widths and depths.
        precision: Type of features and products.
        drops_mask_prompt: See `bridge.switches.Switches`.
    """

    sizes: SamSizes
    precision: str
    drops_mask_prompt: bool

    @property
    def variant(self) -> str:
        """Name of its size."""
        return self.sizes.variant

    def place(self, image: np.ndarray) -> Placed:
        """Fills a photograph up, and finds its place in the square."""
        frame = frames.frame_of(image.shape, self.sizes.side)
        arrays = frames.fill_up(image), frames.into_square(frame)
        return Placed(frame.size, frame, arrays, frames.onto_photograph(frame))

    def encode(self, variables: Tree, arrays: Tree) -> Tree:
        """Returns what all trajectories share, `f32[g*g c+3i]`."""
        image, matrices = arrays
        square = frames.to_square(image, matrices)
        embedding = self._apply(variables, square[None], method="encode")
        return self._apply(variables, embedding, method="begin")[0]

    def state(self, frame: frames.Frame) -> Tree:
        """Returns the shape of logits of low resolution."""
        del frame
        shape = (prompts.FINER**2, self.sizes.grid**2)
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    def prompts(
        self,
        frame: frames.Frame,
        clicks: Clicks,
        answered: np.ndarray,
        notes: Tree | None,
    ) -> Prompts:
        """Brings clicks into the square."""
        del notes
        has_mask = answered & self._keeps_mask(clicks)
        yx = frame.to_square(clicks.yx)
        return Prompts(yx, clicks.positive, clicks.count, has_mask)

    def before(
        self, kept: Tree, prompts: Prompts, state: Tree, shape: Hashable
    ) -> Inputs:
        """Passes prompts and last logits on."""
        del kept, shape
        return Inputs(prompts, state)

    def answer(
        self, variables: Tree, photographs: Tree, slots: Any, inputs: Inputs
    ) -> Tree:
        """Returns new logits, `f32[batch 16 g*g]`."""
        given = inputs.prompts
        decoded = self._apply(
            variables,
            photographs,
            slots,
            given.yx,
            given.positive,
            given.count,
            inputs.low_res,
            given.has_mask,
            method="answer",
        )
        return decoded.low_res

    def after(self, kept: Tree, prompts: Prompts, outputs: Tree, state: Tree) -> After:
        """Resizes logits; they are the new states too."""
        del prompts, state
        return After(outputs, frames.to_photograph(outputs, kept))

    def _apply(self, variables: Tree, *arrays: Any, method: str) -> Any:
        net = network.Sam(self.sizes, jnp.dtype(self.precision))
        return net.apply(variables, *arrays, method=method)

    def _keeps_mask(self, clicks: Clicks) -> np.ndarray:
        """Tells which trajectories may be prompted with their last mask, `bool[t]`.

        The original drops it where its padded list of clicks has two entries.
        """
        used = np.arange(clicks.positive.shape[1]) < clicks.count[:, None]
        foreground = (clicks.positive & used).sum(1)
        background = (~clicks.positive & used).sum(1)
        dropped = np.maximum(foreground, background) == 1
        return ~(dropped & self.drops_mask_prompt)


def from_torch(
    state: state_dicts.State, precision: str, *, drops_mask_prompt: bool
) -> tuple[SamMethod, Tree]:
    """Returns SAM and its variables, of a state dict of published weights.

    Raises:
        DataError: It is of no SAM.
    """
    sizes, variables = weights.from_torch(state)
    cast = parts.in_precision(variables, jnp.dtype(precision))
    return SamMethod(sizes, precision, drops_mask_prompt), cast
