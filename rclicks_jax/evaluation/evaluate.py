"""How well click models predict real clicks: records, a file a task.

Source: emb-ai/rclicks, scripts/evaluate_click_models.py.
"""

import dataclasses
import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from etils import epath

from rclicks_jax import config as config_lib
from rclicks_jax import errors, hosts
from rclicks_jax.benchmark import records
from rclicks_jax.clicks import click_models
from rclicks_jax.config import EvaluateConfig
from rclicks_jax.data import packages, specs
from rclicks_jax.evaluation import (
    click_metrics,
    click_tasks,
    task_pictures,
    task_records,
    task_scoring,
)
from rclicks_jax.jobs import plan, processes, progress, provenance, starts, store


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an evaluation ended.

    Attributes:
        counts: Tasks of the run folder by status, earlier runs and other shards
            included.
        left: Tasks of other shards or processes that are not finished.
        stopped: Name of the signal that ended it early; empty if it is complete.
    """

    counts: dict[str, int]
    left: int
    stopped: str

    def failed_share(self) -> float:
        """Returns the share of tasks that failed."""
        return records.failed_share(self.counts)


def run(config: EvaluateConfig, workdir: epath.PathLike) -> Outcome:
    """Evaluates click models on click tasks, or what is left of them.

    To resume is to call this again: finished tasks are kept, failed ones are tried
    again, and a folder that holds another run is refused.

    Args:
        config: What to compare.
        workdir: The run folder.

    Raises:
        RClicksError: It cannot start, or nothing works: the first tasks all failed in
            the same way. A single bad task never raises.
    """
    shard = _shard(config.shard)
    protocol = config_lib.protocol(config.protocol)
    checks = [
        functools.partial(click_models.check, spec) for spec in config.click_models
    ]
    errors.check_all([lambda: specs.parse(config.data, config.max_side), *checks])
    asked = specs.parse(config.data, config.max_side)
    datasets = [packages.open_clicks(spec) for spec in asked]
    named = click_models.titles(config.click_models)
    planned = plan.units(datasets, split=config.split, max_images=0, pictures=0)
    models = {
        name: click_models.load(
            spec,
            rescale=not protocol.mask_evaluated_maps,
            precision=config.precision,
        )
        for name, spec in named.items()
    }
    folder = store.RunFolder(workdir)
    if not folder.exists():
        plan.require_usable(planned, _problems, config.data)
    notes = packages.notes(datasets)
    noted = {
        "command": sys.argv,
        "data_notes": notes,
        "batches": {
            name: getattr(model, "batch", None) for name, model in models.items()
        },
        **provenance.describe(),
    }
    folder.begin(
        _hashed(config, named, datasets),
        noted,
        mendable=("click_models",),
        has_results=functools.partial(task_records.has_results, folder),
    )
    starts.note(folder)
    facts = {"click models": ", ".join(models), "protocol": protocol.name}
    progress.say_start("Evaluation", planned, facts, "click task")
    mine = [unit for unit in planned if hosts.owns(plan.key_of(unit), shard)]
    stopped = _evaluate(mine, models, config, folder)
    if not stopped:
        hosts.barrier("evaluated")
        if hosts.is_first():
            task_pictures.write(folder, datasets, models)
    every = task_records.read_all(folder)
    progress.say_failures(one.reason for one in every if one.status == "failed")
    counts = records.count(record.status for record in every)
    return Outcome(counts, len(planned) - sum(counts.values()), stopped)


def _evaluate(
    units: Sequence[plan.Unit],
    models: Mapping[str, click_models.ClickModel],
    config: EvaluateConfig,
    folder: store.RunFolder,
) -> str:
    """Works on what is left of some tasks; returns the signal that ended it, if any."""
    is_finished = functools.partial(task_records.is_finished, folder)
    left = plan.unfinished(units, is_finished)
    done = len(units) - len(left)
    bar = progress.Bar("Evaluating click models", "task", len(units), done)
    first = progress.FirstFailures(config.max_failed)
    with hosts.stop_on_signal() as stop, bar:
        jobs = click_tasks.jobs(left, models, config, stop)
        measured = task_scoring.measured
        for record in processes.results(measured, jobs, config.processes):
            task_records.write(folder, record)
            bar.advance(1)
            # Whatever a click model did is said after its name.
            asked = any(record.reason.startswith(f"{name}: ") for name in models)
            failed = [record.reason] * (record.status == "failed" and asked)
            too_many = first.add(failed, record.status == "ok")
            if too_many and not task_records.has_results(folder):
                raise progress.stop_of(
                    record.reason, "click task", "--config.max_failed"
                )
    return stop.reason


def _shard(text: str) -> tuple[int, int]:
    """Returns which of how many parts `NUMBER/COUNT` is; the settings are checked."""
    number, _, count = (text or "0/1").partition("/")
    return int(number), int(count)


def _problems(unit: plan.Unit) -> Iterator[str]:
    """Yields why a task cannot be evaluated; empty if it can."""
    task_scoring.check(unit.package.read(unit.row))
    yield ""


def _hashed(
    config: EvaluateConfig,
    named: Mapping[str, str],
    datasets: Sequence[packages.Package],
) -> dict[str, Any]:
    """Returns all that can change a number."""
    return {
        "kind": "evaluation",
        "metrics": list(click_metrics.METRICS),
        "masked_without_mass": "uniform",
        "protocol": dataclasses.asdict(config_lib.protocol(config.protocol)),
        "seed": config.seed,
        "draws": config.draws,
        "click_models": {
            name: click_models.describe(spec, config.precision)
            for name, spec in named.items()
        },
        "data": {package.dataset: package.checksum for package in datasets},
        "split": config.split,
        **({"max_side": config.max_side} if config.max_side else {}),
    }
