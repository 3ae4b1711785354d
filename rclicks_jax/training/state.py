"""The state of a training, which each step changes."""

import jax
import jax.numpy as jnp
import optax
from flax import struct

from rclicks_jax.networks.architectures import Variables


@struct.dataclass
class TrainState:
    """Parameters, statistics and the optimizer's memory.

    Attributes:
        step: Steps taken, `i32[]`.
        params: Parameters, which the optimizer changes.
        batch_stats: Running statistics of batch normalisation; empty without one.
        constants: Fixed arrays that belong to the model, if it has any.
        averaged: Moving averages of `params` and `batch_stats`; empty if the recipe
            keeps none.
        opt_state: Memory of the optimizer.
    """

    step: jax.Array
    params: Variables
    batch_stats: Variables
    constants: Variables
    averaged: Variables
    opt_state: optax.OptState

    @property
    def variables(self) -> Variables:
        """The variables of the network, as training uses them."""
        return {
            "params": self.params,
            "batch_stats": self.batch_stats,
            "constants": self.constants,
        }

    @property
    def kept_variables(self) -> Variables:
        """The variables to evaluate and to keep: averages, where there are any."""
        return {**self.variables, **self.averaged}


def create(
    variables: Variables,
    optimizer: optax.GradientTransformation,
    *,
    averaged: bool = False,
) -> TrainState:
    """Returns the state before the first step.

    Args:
        variables: `params`, and `batch_stats` and `constants` where there are any.
        optimizer: The optimizer, whose memory it starts.
        averaged: Whether moving averages are kept.
    """
    params, batch_stats = variables["params"], variables.get("batch_stats", {})
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        batch_stats=batch_stats,
        constants=variables.get("constants", {}),
        averaged={"params": params, "batch_stats": batch_stats} if averaged else {},
        opt_state=optimizer.init(params),
    )


def moved_average(state: TrainState, decay: float) -> Variables:
    """Returns the averages after a step: of the newest values while there are few.

    Args:
        state: The state after the step, with the averages of before.
        decay: Decay of the averages in the long run.
    """
    steps = state.step.astype(jnp.float32)
    rate = jnp.minimum(decay, (1 + steps) / (10 + steps))
    newest = {name: state.variables[name] for name in state.averaged}
    return jax.tree.map(
        lambda old, new: rate * old + (1 - rate) * new, state.averaged, newest
    )
