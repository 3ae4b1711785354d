"""What training changes from step to step."""

from typing import Any

import jax
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
        opt_state: Of the optimizer.
    """

    step: jax.Array
    params: Any
    batch_stats: Any
    constants: Any
    opt_state: optax.OptState

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the network, as inference takes them."""
        return {
            "params": self.params,
            "batch_stats": self.batch_stats,
            "constants": self.constants,
        }


def create(
    variables: dict[str, Any], optimizer: optax.GradientTransformation
) -> TrainState:
    """Returns the state before the first step."""
    return TrainState(
        step=jax.numpy.zeros((), jax.numpy.int32),
        opt_state=optimizer.init(variables["params"]),
        **variables,
    )
