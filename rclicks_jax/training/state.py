"""What training changes from step to step."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct


@struct.dataclass
class TrainState:
    """Parameters, statistics and the optimizer's memory.

    Attributes:
        step: Steps taken, `i32[]`.
        params: Trained.
        batch_stats: Running statistics of batch normalisation.
        constants: Fixed arrays that belong to the model.
        averaged: Moving averages of `params` and `batch_stats`; empty if the recipe
            keeps none.
        opt_state: Of the optimizer.
    """

    step: jax.Array
    params: Any
    batch_stats: Any
    constants: Any
    averaged: dict[str, Any]
    opt_state: optax.OptState

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the network, as training uses them."""
        return {
            "params": self.params,
            "batch_stats": self.batch_stats,
            "constants": self.constants,
        }

    @property
    def kept_variables(self) -> dict[str, Any]:
        """The variables to evaluate and to keep: averages, where there are any."""
        return {**self.variables, **self.averaged}


def create(
    variables: dict[str, Any],
    optimizer: optax.GradientTransformation,
    *,
    averaged: bool = False,
) -> TrainState:
    """Returns the state before the first step.

    Args:
        variables: `params`, `batch_stats` and `constants`.
        optimizer: Whose memory it starts.
        averaged: Whether moving averages are kept.
    """
    kept = {name: variables[name] for name in ("params", "batch_stats")}
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        opt_state=optimizer.init(variables["params"]),
        averaged=kept if averaged else {},
        **variables,
    )


def moved_average(state: TrainState, decay: float) -> dict[str, Any]:
    """Returns the averages after a step: of the newest values while there are few.

    Args:
        state: After the step, with the averages of before.
        decay: Of the averages in the long run.
    """
    steps = state.step.astype(jnp.float32)
    rate = jnp.minimum(decay, (1 + steps) / (10 + steps))
    newest = {name: state.variables[name] for name in state.averaged}
    return jax.tree.map(
        lambda old, new: rate * old + (1 - rate) * new, state.averaged, newest
    )
