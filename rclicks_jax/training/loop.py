"""The training of a clickability network, from data to a model folder."""

import contextlib
import math
import pathlib
import time
from collections.abc import Iterator
from typing import NamedTuple

import jax
import tqdm
from etils import epath

from rclicks_jax import cache, distributed, errors, files, signals
from rclicks_jax.data import letterbox_cache, packages, specs, stream
from rclicks_jax.networks import architectures, cards
from rclicks_jax.settings import dicts
from rclicks_jax.settings.training import TrainConfig
from rclicks_jax.training import checkpoints, devices, logs, recipes, stopping
from rclicks_jax.training.trainer import Trainer

MODEL_NAME = "model"
# Folder of the lock that a training holds.
_LOCK_FOLDER = ".training"


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
        UnknownNameError: The architecture has no such variant.
        BadValueError: The architecture takes no squares of that size, or cannot compute
            features again.
        DataError: The data is not as it must be.
    """
    recipe = recipes.parse(config.recipe)
    devices.check_batch_size(config.batch_size, config.accumulate)
    _check_network(config)
    train_source, eval_source = _open_sources(config)
    workdir = _make_folder(workdir)
    with _alone(workdir):
        return _train_to_the_end(config, recipe, workdir, train_source, eval_source)


def _check_network(config: TrainConfig) -> None:
    """Makes sure that there is such a network, before any data is read.

    Raises:
        UnknownNameError: The architecture has no such variant.
        BadValueError: It takes no squares of that size, or has no `with_remat`.
    """
    architecture = architectures.find(config.architecture)
    architecture.variant(config.variant)
    if not architecture.sides.holds(config.size):
        allowed = architecture.sides.allowed
        raise errors.BadValueError("--config.size", config.size, allowed)
    if config.remat and architecture.with_remat is None:
        allowed = f"false with the architecture {config.architecture}"
        raise errors.BadValueError("--config.remat", "true", allowed)


@contextlib.contextmanager
def _alone(workdir: epath.Path) -> Iterator[None]:
    """Makes sure that no other training writes into a folder; a bucket has no locks.

    Raises:
        TrainingError: Another one does, or the folder cannot be written.
    """
    if "://" in str(workdir) or not distributed.is_first():
        yield
        return
    with contextlib.ExitStack() as held:
        try:
            folder = pathlib.Path(workdir) / _LOCK_FOLDER
            held.enter_context(cache.exclusive(folder, wait=False))
        except OSError as error:
            raise errors.TrainingError(files.explain(error)) from error
        except errors.RClicksError as error:
            raise errors.TrainingError(
                f"Another training works in {workdir}: {error}"
            ) from error
        yield


def _train_to_the_end(
    config: TrainConfig,
    recipe: recipes.Recipe,
    workdir: epath.Path,
    train_source: stream.TrainSource,
    eval_source: stream.TrainSource,
) -> epath.Path:
    steps_per_epoch = max(1, len(train_source) // config.batch_size)
    trainer = Trainer(config, steps_per_epoch * config.epochs)
    keeper = checkpoints.Checkpoints(workdir, config)
    log = logs.Logs(workdir)
    with _closing(keeper, log):
        with signals.stop_on_signal() as signal:
            stop = stopping.Stop(signal)
            _train(trainer, keeper, log, (train_source, eval_source), stop)
        keeper.wait()
        if stop.reason:
            raise errors.TrainingError(
                f"Stopped by {stop.reason} after step {int(trainer.state.step)}; the "
                "same command goes on from there."
            )
        if distributed.is_first():
            best, metrics = keeper.restore_best(trainer.state)
            names = ", ".join(spec.name for spec in specs.parse(config.data))
            card = _card(config, recipe, metrics, f"{names}: {train_source.summary()}")
            variables = devices.to_host(best.kept_variables)
            try:
                cards.save(workdir / MODEL_NAME, variables, card)
            except OSError as error:
                raise errors.TrainingError(files.explain(error)) from error
    distributed.barrier("model")
    return workdir / MODEL_NAME


@contextlib.contextmanager
def _closing(*opened: checkpoints.Checkpoints | logs.Logs) -> Iterator[None]:
    """Closes all at the end; an error from before that is the one that is raised."""
    try:
        yield
    except BaseException:
        for writer in opened:
            try:
                writer.close()
            except Exception as error:
                logs.say(f"A further error, beside the last one: {error}")
        raise
    with contextlib.ExitStack() as closing:
        for writer in reversed(opened):
            closing.callback(writer.close)


def _train(
    trainer: Trainer,
    keeper: checkpoints.Checkpoints,
    log: logs.Logs,
    sources: tuple[stream.TrainSource, stream.TrainSource],
    stop: stopping.Stop,
) -> None:
    """Trains from the last checkpoint to the end, or until asked to stop."""
    config = trainer.config
    train_source, eval_source = sources
    steps_per_epoch = max(1, len(train_source) // config.batch_size)
    total = steps_per_epoch * config.epochs
    restored = keeper.restore_latest(trainer.state)
    if restored is not None:
        trainer.state = devices.replicate(restored)
        logs.say(f"Going on after step {int(restored.step)} of {total}.")
    for done in _steps(trainer, train_source, total):
        whole_epoch = done.step % steps_per_epoch == 0
        metrics = trainer.evaluate(eval_source) if whole_epoch else None
        is_last = stop.is_due()
        if whole_epoch or is_last or done.step % config.save_every == 0:
            keeper.save(trainer.state, metrics)
        if metrics:
            speed = {"examples_per_second": done.rate, "waited_share": done.waited}
            log.write(done.step // steps_per_epoch, done.step, {**metrics, **speed})
        if is_last:
            return


class _StepDone(NamedTuple):
    """A step that was taken.

    Attributes:
        step: Steps taken so far.
        rate: Examples a second, without the first step, which compiles.
        waited: Share of that time spent waiting for examples.
    """

    step: int
    rate: float
    waited: float


def _steps(
    trainer: Trainer, source: stream.TrainSource, total: int
) -> Iterator[_StepDone]:
    """Takes the steps that are left; yields after each."""
    config, recipe = trainer.config, trainer.recipe
    start = int(trainer.state.step)
    batches = stream.train_batches(
        source,
        batch_size=config.batch_size,
        seed=config.seed,
        augmentation=dicts.made_of(stream.Augmentation, recipe),
        start_step=start,
        workers=config.workers,
        shard=jax.process_index(),
        shards=jax.process_count(),
    )
    pending: jax.Array | None = None
    waited = outside = 0.0
    began = time.monotonic()
    hidden = jax.process_index() != 0
    with tqdm.tqdm(
        total=total, initial=start, desc="Training", unit="step", disable=hidden
    ) as bar:
        for number in range(start, total):
            before = time.monotonic()
            batch = next(batches)
            waited += time.monotonic() - before
            loss = trainer.train(batch)
            # Looking at the loss of the step before keeps one step in flight.
            _show_loss(bar, pending, number - 1)
            pending = loss
            bar.update()
            if number + 1 == total:
                _show_loss(bar, pending, number)
            left = time.monotonic()
            spent = max(left - began - outside, 1e-9)
            rate = (number - start) * config.batch_size / spent
            yield _StepDone(number + 1, rate, waited / spent)
            outside += time.monotonic() - left
            if number == start:
                began, waited, outside = time.monotonic(), 0.0, 0.0


def _show_loss(bar: tqdm.tqdm, loss: jax.Array | None, step: int) -> None:
    if loss is None:
        return
    value = float(loss)
    if not math.isfinite(value):
        raise errors.TrainingError(
            f"The loss of step {step} is {value}. Lower the learning rate "
            "(--config.recipe=improved:learning_rate=0.001), or look for broken images "
            "with rclicks-data doctor. The checkpoints of earlier steps are kept."
        )
    bar.set_postfix(loss=f"{value:.3f}", refresh=False)


def _make_folder(workdir: epath.PathLike) -> epath.Path:
    path = epath.Path(workdir)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.TrainingError(files.explain(error)) from error
    return path


def _open_sources(
    config: TrainConfig,
) -> tuple[stream.TrainSource, stream.TrainSource]:
    parsed = specs.parse(config.data, config.max_side)
    datasets = [packages.open_clicks(spec) for spec in parsed]
    settings = letterbox_cache.LetterboxSettings(
        config.size,
        config.sigma,
        config.max_click_distance,
        config.later_share,
        config.later_kinds if config.later_share else (),
    )
    sources = []
    for split in ("train", "val"):
        source = stream.TrainSource(datasets, split, settings, workers=config.workers)
        logs.say(f"{config.data} {split}: {source.summary()}")
        if not len(source):
            raise errors.TrainingError(
                f"{config.data} has no usable click task in its {split} split."
            )
        sources.append(source)
    return sources[0], sources[1]


def _card(
    config: TrainConfig, recipe: recipes.Recipe, metrics: dict[str, float], data: str
) -> cards.Card:
    start = f", from {epath.Path(config.init).name}" if config.init else ""
    return cards.Card(
        architecture=config.architecture,
        network=architectures.find(config.architecture).variant(config.variant),
        size=config.size,
        sigma=config.sigma,
        data=data,
        recipe=(
            f"{recipes.describe(recipe)}; {config.epochs} epochs, batch "
            f"{config.batch_size}, seed {config.seed}{start}; best by "
            f"{checkpoints.BEST_METRIC}"
        ),
        metrics={name: float(value) for name, value in metrics.items()},
        protocol=recipe.name,
    )
