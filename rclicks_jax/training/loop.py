"""The training of a clickability network, from data to a model folder."""

import json
import math
import sys
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import tqdm
from etils import epath

from rclicks_jax import config as config_lib
from rclicks_jax import errors, hosts
from rclicks_jax.config import TrainConfig
from rclicks_jax.data import packages, specs, stream
from rclicks_jax.models import cards, clickability
from rclicks_jax.training import checkpoints, devices, optimizers, state, steps
from rclicks_jax.types import TrainBatch

METRICS_NAME = "metrics.jsonl"
MODEL_NAME = "model"
# Below this, letterboxed examples are kept in memory once they are made.
_MEMORY_LIMIT = 4 << 30


def train_and_evaluate(config: TrainConfig, workdir: epath.PathLike) -> epath.Path:
    """Trains, or goes on training, and writes the best model.

    The same call after an interruption goes on with the batch after the last
    checkpoint.

    Args:
        config: How to train.
        workdir: Keeps checkpoints, `metrics.jsonl` and, at the end, `model/`.

    Returns:
        The model folder.

    Raises:
        TrainingError: It cannot start or go on; the message says what to change.
        DataError: The data is not as it must be.
    """
    workdir = epath.Path(workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    devices.check_batch_size(config.batch_size)
    train_source, eval_source = _open_sources(config)
    steps_per_epoch = max(1, len(train_source) // config.batch_size)
    total_steps = steps_per_epoch * config.epochs
    trainer = _Trainer(config, total_steps)
    keeper = checkpoints.Checkpoints(workdir, config)
    try:
        trained = keeper.restore_latest(trainer.state)
        if trained is not None:
            trainer.state = devices.replicate(trained)
            _say(f"Going on after step {int(trained.step)} of {total_steps}.")
        with hosts.stop_on_signal() as stop:
            for epoch in _epochs(trainer, train_source, steps_per_epoch, stop):
                metrics = trainer.evaluate(eval_source)
                _append(workdir / METRICS_NAME, epoch, metrics)
                keeper.save(trainer.state, metrics)
        keeper.wait()
        if stop:
            raise errors.TrainingError(
                f"Stopped by {stop.reason} after step {int(trainer.state.step)}; the "
                "same command goes on from the last whole epoch."
            )
        best, metrics = keeper.restore_best(trainer.state)
    finally:
        keeper.close()
    names = ", ".join(spec.name for spec in specs.parse(config.data))
    card = _card(config, metrics, f"{names}: {train_source.summary()}")
    if jax.process_index() == 0:
        cards.save(workdir / MODEL_NAME, devices.to_host(best.variables), card)
    return workdir / MODEL_NAME


class _Trainer:
    """The compiled steps and the state they change."""

    def __init__(self, config: TrainConfig, total_steps: int) -> None:
        network = config_lib.network(config.variant)
        optimizer = optimizers.make_optimizer(config, total_steps)
        variables = clickability.init_variables(network, config.seed)
        net = clickability.ClickabilityNet(network, train=True, axis_name=devices.AXIS)
        step = steps.make_train_step(
            net, optimizer, masked=config.masked_loss, axis_name=devices.AXIS
        )
        eval_step = steps.make_eval_step(
            clickability.ClickabilityNet(network),
            masked=config.masked_loss,
            axis_name=devices.AXIS,
        )
        self.config = config
        self.state = devices.replicate(state.create(variables, optimizer))
        self._key = devices.replicate(jax.random.key(config.seed))
        self._train_step = devices.parallel_train_step(step)
        self._eval_step = devices.parallel_eval_step(eval_step)

    def train(self, batch: TrainBatch) -> jax.Array:
        """Takes one step; returns its loss, still on the device."""
        divided = devices.divide(batch)
        self.state, loss = self._train_step(self.state, divided, self._key)
        return loss

    def evaluate(self, source: stream.TrainSource) -> dict[str, float]:
        """Returns the mean KLD, CC and SIM of the validation split."""
        local = self.config.batch_size // jax.process_count()
        sums: dict[str, float] = {}
        for batch in stream.eval_batches(source, local):
            part = self._eval_step(self.state.variables, devices.divide(batch))
            for name, value in devices.to_host(part).items():
                sums[name] = sums.get(name, 0.0) + float(value)
        weight = sums.pop("weight")
        return {name: value / weight for name, value in sums.items()}


def _epochs(
    trainer: _Trainer,
    source: stream.TrainSource,
    steps_per_epoch: int,
    stop: hosts.StopRequest,
) -> Iterator[int]:
    """Trains epoch by epoch; yields the number of each that is whole."""
    config = trainer.config
    start = int(trainer.state.step)
    batches = stream.train_batches(
        source,
        batch_size=config.batch_size,
        seed=config.seed,
        flip=config.flip,
        start_step=start,
        workers=config.workers,
        shard=jax.process_index(),
        shards=jax.process_count(),
    )
    total = steps_per_epoch * config.epochs
    pending = None
    with _bar(total, start) as bar:
        for number in range(start, total):
            loss = trainer.train(next(batches))
            # Looking at the loss of the step before keeps one step in flight.
            _show_loss(bar, pending, number - 1)
            pending = loss
            bar.update()
            if (number + 1) % steps_per_epoch == 0:
                _show_loss(bar, pending, number)
                yield (number + 1) // steps_per_epoch
                if stop:
                    return


def _show_loss(bar: tqdm.tqdm, loss: Any, step: int) -> None:
    if loss is None:
        return
    value = float(loss)
    if not math.isfinite(value):
        raise errors.TrainingError(
            f"The loss of step {step} is {value}. Lower --config.learning_rate, or "
            "look for broken images with rclicks-data doctor."
        )
    bar.set_postfix(loss=f"{value:.3f}", refresh=False)


def _bar(total: int, start: int) -> tqdm.tqdm:
    hidden = jax.process_index() != 0
    return tqdm.tqdm(
        total=total, initial=start, desc="Training", unit="step", disable=hidden
    )


def _open_sources(
    config: TrainConfig,
) -> tuple[stream.TrainSource, stream.TrainSource]:
    datasets = [packages.open_clicks(spec) for spec in specs.parse(config.data)]
    tasks = sum(len(package.rows) for package in datasets)
    bytes_each = 7 * 4 * config.size**2
    sources = []
    for split in ("train", "val"):
        source = stream.TrainSource(
            datasets,
            split,
            size=config.size,
            sigma=config.sigma,
            max_click_distance=config.max_click_distance,
            keep_in_memory=tasks * bytes_each < _MEMORY_LIMIT,
        )
        _say(f"{config.data} {split}: {source.summary()}")
        if not len(source):
            raise errors.TrainingError(
                f"{config.data} has no usable click task in its {split} split."
            )
        sources.append(source)
    return sources[0], sources[1]


def _append(path: epath.Path, epoch: int, metrics: dict[str, float]) -> None:
    """Adds an epoch's metrics, in place of what an interrupted run wrote of it."""
    if jax.process_index() != 0:
        return
    lines = path.read_text().splitlines() if path.exists() else []
    earlier = [line for line in lines if json.loads(line)["epoch"] < epoch]
    rounded = {name: float(np.round(value, 6)) for name, value in metrics.items()}
    line = json.dumps({"epoch": epoch, **rounded})
    path.write_text("\n".join([*earlier, line]) + "\n")
    _say(f"Epoch {epoch}: " + "  ".join(f"{k} {v:.4f}" for k, v in rounded.items()))


def _card(config: TrainConfig, metrics: dict[str, float], data: str) -> cards.Card:
    return cards.Card(
        network=config_lib.network(config.variant),
        size=config.size,
        sigma=config.sigma,
        data=data,
        recipe=(
            f"Adam {config.learning_rate}, {config.epochs} epochs, batch "
            f"{config.batch_size}, seed {config.seed}, masked loss "
            f"{config.masked_loss}; best by {checkpoints.BEST_METRIC}"
        ),
        metrics={name: float(value) for name, value in metrics.items()},
    )


def _say(text: str) -> None:
    if jax.process_index() == 0:
        tqdm.tqdm.write(text, file=sys.stderr)
