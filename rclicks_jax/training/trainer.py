"""The compiled steps of a training and the state they change."""

import jax
import jax.numpy as jnp

from rclicks_jax.data import stream
from rclicks_jax.networks import architectures
from rclicks_jax.settings.training import TrainConfig
from rclicks_jax.training import devices, optimizers, recipes, start, state, steps
from rclicks_jax.types import PackedBatch


class Trainer:
    """Takes steps and evaluates.

    Attributes:
        config: How to train.
        recipe: The switches of its recipe.
        state: The state of the training, replicated over all devices.
    """

    def __init__(self, config: TrainConfig, total_steps: int) -> None:
        """Makes the state before the first step."""
        architecture = architectures.find(config.architecture)
        network = architecture.variant(config.variant)
        self.config = config
        self.recipe = recipes.parse(config.recipe)
        optimizer = optimizers.make_optimizer(
            self.recipe, total_steps, encoder=architecture.encoder
        )
        dtype = jnp.dtype(self.recipe.precision)
        net = architecture.network(
            network, train=True, axis_name=devices.AXIS, dtype=dtype
        )
        if config.remat and architecture.with_remat is not None:
            net = architecture.with_remat(net)
        step = steps.make_train_step(
            net,
            optimizer,
            masked=self.recipe.masked_loss,
            axis_name=devices.AXIS,
            without_cancelled=architecture.without_cancelled,
            ema=self.recipe.ema,
            accumulate=config.accumulate,
        )
        eval_step = steps.make_eval_step(
            architecture.network(network, dtype=dtype),
            masked=self.recipe.masked_loss,
            axis_name=devices.AXIS,
        )
        variables = start.initial_variables(config)
        fresh = state.create(variables, optimizer, averaged=bool(self.recipe.ema))
        self.state: state.TrainState = devices.replicate(fresh)
        self._key = devices.replicate(jax.random.key(config.seed))
        self._train_step = devices.parallel_train_step(
            lambda state, packed, key: step(state, steps.unpack(packed), key)
        )
        self._eval_step = devices.parallel_eval_step(
            lambda variables, packed: eval_step(variables, steps.unpack(packed))
        )

    def train(self, batch: PackedBatch) -> jax.Array:
        """Takes one step; returns its loss, still on the device."""
        divided = devices.divide(batch)
        self.state, loss = self._train_step(self.state, divided, self._key)
        return loss

    def evaluate(self, source: stream.TrainSource) -> dict[str, float]:
        """Returns the mean KLD, CC and SIM of the validation split."""
        sums: dict[str, float] = {}
        batches = stream.eval_batches(
            source, self.config.batch_size, jax.process_index(), jax.process_count()
        )
        for batch in batches:
            part = self._eval_step(self.state.kept_variables, devices.divide(batch))
            for name, value in devices.to_host(part).items():
                sums[name] = sums.get(name, 0.0) + float(value)
        weight = sums.pop("weight")
        return {name: value / weight for name, value in sums.items()}
