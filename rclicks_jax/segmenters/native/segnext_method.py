"""What SegNext has of its own: a photograph that is stretched, and its last answer."""

import dataclasses
from collections.abc import Hashable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks import parts
from rclicks_jax.networks.prompted import resizing
from rclicks_jax.networks.segnext import frames, network, weights
from rclicks_jax.networks.segnext.sizes import SegNextSizes
from rclicks_jax.networks.simpleclick import pyramid
from rclicks_jax.segmenters.native.method import After, Method, Placed, Tree
from rclicks_jax.types import Clicks
from rclicks_jax.weights import state_dicts

# Rows that go through the network at a time. Of the published sizes, a row has 65536
# pixels of some hundred channels in the neck.
_GROUP = 8


class Prompts(NamedTuple):
    """Prompts of trajectories.

    Attributes:
        points: Clicks in pixels of the square, -1 for none, `f32[t k 2]`.
        positive: Foreground click or not, `bool[t k]`.
        has_answer: Whether there is a last answer, `bool[t]`.
    """

    points: Any
    positive: Any
    has_answer: Any


class Inputs(NamedTuple):
    """Rows of a pass.

    Attributes:
        last: The last probabilities in the square, `f32[n s s]`.
        points: As above.
        positive: As above.
    """

    last: Any
    points: Any
    positive: Any


@dataclasses.dataclass(frozen=True)
class SegNextMethod(Method):
    """SegNext; a trajectory's state is its last logits of low resolution.

    Attributes:
        sizes: Widths and depths.
        precision: Type of features and products.
    """

    sizes: SegNextSizes
    precision: str

    threshold = 0.49
    gives_logits = False
    # A row has four pixels of the photograph for each of the square.
    rows_together = 4

    @property
    def variant(self) -> str:
        """Name of its size."""
        return self.sizes.variant

    @property
    def _low(self) -> int:
        """Side of logits of low resolution."""
        return pyramid.FINER * self.sizes.plain.learnt

    def place(self, image: np.ndarray) -> Placed:
        """Takes of a photograph what the square looks at."""
        size = (image.shape[0], image.shape[1])
        frame = frames.Frame(size, self.sizes.side, self._low)
        arrays = frames.around(image, frame)
        return Placed(size, frame, arrays, frames.onto_photograph(frame))

    def encode(self, variables: Tree, arrays: frames.Around) -> Tree:
        """Returns features of a photograph, `f32[g*g c]`."""
        square = frames.stretched(arrays)
        return self._apply(variables, square[None], method="encode")[0]

    def state(self, frame: frames.Frame) -> Tree:
        """Returns the shape of logits of low resolution."""
        return jax.ShapeDtypeStruct((frame.low, frame.low), jnp.float32)

    def prompts(
        self,
        frame: frames.Frame,
        clicks: Clicks,
        answered: np.ndarray,
        notes: Tree | None,
    ) -> Prompts:
        """Brings clicks into the square."""
        del notes
        slots = np.arange(clicks.positive.shape[1])
        used = (slots < clicks.count[:, None])[..., None]
        points = np.where(used, frame.to_square(clicks.yx), np.float32(-1))
        return Prompts(points, clicks.positive, answered)

    def before(
        self, kept: frames.Kept, prompts: Prompts, state: Tree, shape: Hashable
    ) -> Inputs:
        """Makes the last answers of the states; before the first it is 0."""
        del shape
        last = frames.last_answer(state, kept)
        last = jnp.where(prompts.has_answer[:, None, None], last, 0)
        return Inputs(last, prompts.points, prompts.positive)

    def answer(
        self, variables: Tree, photographs: Tree, slots: Any, inputs: Inputs
    ) -> Tree:
        """Returns new logits, `f32[batch r r]`; a few rows go at a time."""
        batch = len(slots)
        group = min(batch, _GROUP)
        while batch % group:
            group -= 1

        def answered(rows: tuple[jax.Array, Inputs]) -> jax.Array:
            slots, inputs = rows
            encoded = photographs[slots]
            return self._apply(variables, encoded, *inputs, method="answer")

        split = jax.tree.map(
            lambda leaf: leaf.reshape(-1, group, *leaf.shape[1:]), (slots, inputs)
        )
        made: Any = jax.lax.map(answered, split)
        return made.reshape(batch, *made.shape[2:])

    def after(
        self, kept: frames.Kept, prompts: Prompts, outputs: Tree, state: Tree
    ) -> After:
        """Resizes logits; they are the new states too."""
        del prompts, state
        logits = resizing.enlarged(outputs, kept.onto)
        return After(outputs, jax.nn.sigmoid(logits))

    def _apply(self, variables: Tree, *arrays: Any, method: str) -> Any:
        net = network.SegNext(self.sizes, jnp.dtype(self.precision))
        return net.apply(variables, *arrays, method=method)


def from_torch(state: state_dicts.State, precision: str) -> tuple[SegNextMethod, Tree]:
    """Returns the method and its variables, of a state dict of published weights.

    Raises:
        DataError: It is of no SegNext.
    """
    sizes, variables = weights.from_torch(state)
    cast = parts.in_precision(variables, jnp.dtype(precision))
    return SegNextMethod(sizes, precision), cast
