"""A benchmark: a segmenter under realistic clicks, recorded in a run folder."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

import jax
from etils import epath

from rclicks_jax import config as config_lib
from rclicks_jax import errors
from rclicks_jax.clicks import click_models, strategies
from rclicks_jax.config import BenchmarkConfig
from rclicks_jax.data import packages, specs
from rclicks_jax.runs import environment, plan, store, tracks, work
from rclicks_jax.segmenters import base, load


def run(config: BenchmarkConfig, workdir: epath.PathLike) -> work.Outcome:
    """Runs a benchmark, or what is left of it.

    To resume is to call this again: finished images are kept, failed ones are tried
    again, and a folder that holds another run is refused.

    Args:
        config: What to run.
        workdir: The run folder.

    Raises:
        RClicksError: It cannot start; a single bad object or image never raises.
    """
    _check(config)
    named = config_lib.protocol(config.protocol)
    protocol = dataclasses.replace(named, stop_at=config.stop_at)
    datasets = [packages.open_instances(spec) for spec in specs.parse(config.data)]
    folder = store.RunFolder(workdir)
    setup = tracks.Setup(
        protocol=protocol,
        seed=config.seed,
        groups=config.groups,
        baseline=config.baseline,
        repeats=config.repeats,
        on_device=jax.default_backend() != "cpu",
        robots=config.robots,
    )
    planned = plan.units(
        datasets,
        split=config.split,
        max_images=config.max_images,
        pictures=config.pictures,
    )
    together = config.instances_per_batch or work.default_instances_per_batch()
    trajectories = together * len(setup.strategies())
    segmenter = load.load(config.segmenter, trajectories, protocol.name)
    try:
        hashed = _hashed(config, setup, datasets, segmenter)
        click_model = None
        if config.groups:
            click_model = click_models.load(
                config.click_model,
                batch=config.click_model_batch,
                precision=config.click_model_precision,
            )
        batches = {
            "instances": together,
            "trajectories": trajectories,
            "click_maps": getattr(click_model, "batch", None),
        }
        notes = packages.notes(datasets)
        folder.begin(
            hashed,
            {
                **_noted(config),
                "batches": batches,
                "data_notes": notes,
                "segmenter_versions": segmenter.versions,
            },
        )
        worker = work.Worker(config, setup, segmenter, click_model, folder)
        return worker.work(planned)
    finally:
        segmenter.close()


def _check(config: BenchmarkConfig) -> None:
    wrong = [group for group in config.groups if not 1 <= group <= 10]
    if wrong or len(set(config.groups)) != len(config.groups):
        raise errors.BadValueError(
            "--config.groups", config.groups, "numbers 1 to 10, each once"
        )
    if not config.groups and not config.baseline:
        raise errors.BadValueError(
            "Strategies", "none", "--config.baseline, --config.groups, or both"
        )
    for robot in config.robots:
        if robot not in strategies.ROBOTS:
            raise errors.UnknownNameError("robot", robot, strategies.ROBOTS)
    if not 0 <= config.stop_at <= 100:
        raise errors.BadValueError("--config.stop_at", config.stop_at, "0 to 100")
    if config.repeats < 1:
        raise errors.BadValueError("--config.repeats", config.repeats, "1 or more")


def _hashed(
    config: BenchmarkConfig,
    setup: tracks.Setup,
    datasets: Sequence[packages.Package],
    segmenter: base.Segmenter,
) -> dict[str, Any]:
    """Returns all that can change a number."""
    click_model = {}
    if config.groups:
        precision = config.click_model_precision
        click_model = click_models.describe(config.click_model, precision)
    return {
        "protocol": dataclasses.asdict(setup.protocol),
        "seed": config.seed,
        "strategies": {
            "groups": list(config.groups),
            "baseline": config.baseline,
            "users": config.users,
            "repeats": config.repeats,
            **({"robots": list(config.robots)} if config.robots else {}),
        },
        "segmenter": segmenter.description,
        "click_model": click_model,
        "data": {package.dataset: package.checksum for package in datasets},
        "split": config.split,
    }


def _noted(config: BenchmarkConfig) -> dict[str, Any]:
    return {
        "config": dataclasses.asdict(config),
        "command": sys.argv,
        **environment.describe(),
    }
