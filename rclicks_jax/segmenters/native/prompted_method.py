"""What SAM and its successors have in common as methods: prompts, and last masks."""

import abc
import dataclasses
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks import parts
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.networks.prompted import prompts, resizing
from rclicks_jax.networks.prompted.sizes import Sizes
from rclicks_jax.segmenters.native.method import After, Method, Tree
from rclicks_jax.types import Clicks
from rclicks_jax.weights import state_dicts


class Frame(Protocol):
    """Where a photograph lies in the square."""

    def to_square(self, yx: np.ndarray) -> np.ndarray:
        """Converts pixels of the photograph to pixels of the square, `f32[... 2]`."""
        ...


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
class PromptedMethod(Method):
    """A method whose state is a trajectory's last logits of low resolution, by place.

    Attributes:
        sizes: Widths and depths.
        precision: Type of features and products.
        drops_mask_prompt: See `bridge.switches.Switches`.
    """

    sizes: Sizes
    precision: str
    drops_mask_prompt: bool

    @abc.abstractmethod
    def network(self) -> nn.Module:
        """Returns the network.

        It has `encode`, `begin`, which makes what all trajectories on a photograph
        share, and `answer`, whose result has `low_res`.
        """

    @abc.abstractmethod
    def square(self, image: jax.Array, matrices: resizing.Matrices) -> jax.Array:
        """Returns what the encoder sees, `f32[s s 3]`.

        Args:
            image: A photograph that was filled up, `u8[h w 3]`.
            matrices: What brings it into the square.
        """

    @property
    def variant(self) -> str:
        """Name of its size."""
        return self.sizes.variant

    def encode(self, variables: Tree, arrays: Tree) -> Tree:
        """Returns what all trajectories on a photograph share."""
        square = self.square(*arrays)
        encoded = self.apply(variables, square[None], method="encode")
        begun = self.apply(variables, encoded, method="begin")
        return jax.tree.map(lambda leaf: leaf[0], begun)

    def apply(self, variables: Tree, *arrays: Any, method: str) -> Any:
        """Calls a method of the network."""
        return self.network().apply(variables, *arrays, method=method)

    def state(self, frame: Frame) -> Tree:
        """Returns the shape of logits of low resolution."""
        del frame
        return jax.ShapeDtypeStruct((prompts.FINER**2, self.sizes.grid**2), jnp.float32)

    def prompts(
        self,
        frame: Frame,
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
        decoded = self.apply(
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
        return After(outputs, resizing.to_photograph(outputs, kept))

    def _keeps_mask(self, clicks: Clicks) -> np.ndarray:
        """Tells which trajectories may be prompted with their last mask, `bool[t]`.

        The original drops it where its padded list of clicks has two entries.
        """
        used = np.arange(clicks.positive.shape[1]) < clicks.count[:, None]
        foreground = (clicks.positive & used).sum(1)
        background = (~clicks.positive & used).sum(1)
        dropped = np.maximum(foreground, background) == 1
        return ~(dropped & self.drops_mask_prompt)


def maker(
    kind: type[PromptedMethod],
    read: Callable[[state_dicts.State], tuple[Any, Variables]],
) -> Callable[..., tuple[PromptedMethod, Tree]]:
    """Returns what makes a method and its variables of published weights.

    Args:
        kind: The method.
        read: Returns its sizes and variables; raises DataError if weights are of
            another method.
    """

    def from_torch(
        state: state_dicts.State, precision: str, *, drops_mask_prompt: bool
    ) -> tuple[PromptedMethod, Tree]:
        sizes, variables = read(state)
        cast = parts.in_precision(variables, jnp.dtype(precision))
        return kind(sizes, precision, drops_mask_prompt), cast

    return from_torch
