"""A benchmark: a segmenter under realistic clicks, recorded in a run folder."""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from etils import epath

from rclicks_jax import config as config_lib
from rclicks_jax import errors
from rclicks_jax.clicks import click_models, strategies
from rclicks_jax.config import BenchmarkConfig
from rclicks_jax.data import packages, specs
from rclicks_jax.runs import (
    attempts,
    environment,
    plan,
    progress,
    store,
    tracks,
    work,
)
from rclicks_jax.segmenters import base, load
from rclicks_jax.segmenters import specs as specs_of_segmenters


def run(config: BenchmarkConfig, workdir: epath.PathLike) -> work.Outcome:
    """Runs a benchmark, or what is left of it.

    To resume is to call this again: finished images are kept, failed ones are tried
    again, and a folder that holds another run is refused.

    Args:
        config: What to run.
        workdir: The run folder.

    Raises:
        RClicksError: It cannot start, or nothing works: the first images all failed in
            the same way. A single bad object or image never raises.
    """
    _check(config)
    named = config_lib.protocol(config.protocol)
    protocol = dataclasses.replace(named, stop_at=config.stop_at)
    asked = specs.parse(config.data, config.max_side)
    datasets = [packages.open_instances(spec) for spec in asked]
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
    if not folder.exists():
        plan.require_usable(planned, _problems, config.data)
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
            mendable=("segmenter", "click_model"),
            has_results=folder.has_results,
        )
        attempts.note(folder)
        facts = {"segmenter": config.segmenter, "protocol": protocol.name}
        if config.groups:
            facts["click model"] = click_models.title(config.click_model)
        progress.say_start("Benchmark", planned, facts, "image")
        worker = work.Worker(config, setup, segmenter, click_model, folder)
        return worker.work(planned)
    finally:
        segmenter.close()


def _problems(unit: plan.Unit) -> Iterator[str]:
    """Yields why objects of an image cannot be used; empty for those that can."""
    example = unit.package.read(unit.row)
    if len(example.instances):
        yield ""
    yield from (reason for _, reason in example.problems)


def check(config: BenchmarkConfig, segmenters: Sequence[str] = ()) -> None:
    """Makes sure of all that can be known before anything is loaded or packaged.

    Args:
        config: Settings of a run.
        segmenters: Those that are run one after another; that of `config` if empty.

    Raises:
        RClicksError: A spec names nothing, or an option is wrong; the message has each.
    """
    named = segmenters or [config.segmenter]
    checks: list[Callable[[], object]] = [
        lambda: _check(config),
        lambda: config_lib.protocol(config.protocol),
        lambda: specs.parse(config.data, config.max_side),
        lambda: specs_of_segmenters.check_all(named, config.protocol),
    ]
    if config.groups:
        checks.append(lambda: click_models.check(config.click_model))
    errors.check_all(checks)


def _check(config: BenchmarkConfig) -> None:
    if not config.groups and not config.baseline:
        raise errors.BadValueError(
            "Strategies", "none", "--config.baseline, --config.groups, or both"
        )
    for robot in config.robots:
        if robot not in strategies.ROBOTS:
            raise errors.UnknownNameError("robot", robot, strategies.ROBOTS)


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
        **({"max_side": config.max_side} if config.max_side else {}),
    }


def _noted(config: BenchmarkConfig) -> dict[str, Any]:
    return {
        "config": dataclasses.asdict(config),
        "command": sys.argv,
        **environment.describe(),
    }
