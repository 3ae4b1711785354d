"""How well click models predict real clicks: records, a file a task.

Source: emb-ai/rclicks, scripts/evaluate_click_models.py.
"""

import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import tqdm
from etils import epath

from rclicks_jax import config as config_lib
from rclicks_jax import errors, hosts
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
from rclicks_jax.runs import (
    click_map_queries,
    environment,
    plan,
    processes,
    records,
    store,
)


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
        RClicksError: It cannot start; a single bad task never raises.
    """
    _check(config)
    shard = _shard(config.shard)
    protocol = config_lib.protocol(config.protocol)
    datasets = [packages.open_clicks(spec) for spec in specs.parse(config.data)]
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
    notes = packages.notes(datasets)
    noted = {"command": sys.argv, "data_notes": notes, **environment.describe()}
    folder.begin(_hashed(config, named, datasets), noted)
    mine = [
        unit for unit in planned if hosts.owns(click_map_queries.key_of(unit), shard)
    ]
    stopped = _evaluate(mine, models, config, folder)
    if not stopped:
        hosts.barrier("evaluated")
        if hosts.is_first():
            task_pictures.write(folder, datasets, models)
    every = task_records.read_all(folder)
    counts = records.count(record.status for record in every)
    return Outcome(counts, len(planned) - sum(counts.values()), stopped)


def _evaluate(
    units: Sequence[plan.Unit],
    models: Mapping[str, click_models.ClickModel],
    config: EvaluateConfig,
    folder: store.RunFolder,
) -> str:
    """Works on what is left of some tasks; returns the signal that ended it, if any."""
    left = [
        unit
        for unit in units
        if not task_records.is_finished(folder, unit.package.dataset, unit.row.name)
    ]
    bar = tqdm.tqdm(
        total=len(units),
        initial=len(units) - len(left),
        desc="Evaluating click models",
        unit="task",
        disable=not hosts.is_first(),
    )
    with hosts.stop_on_signal() as stop, bar:
        jobs = click_tasks.jobs(left, models, config, stop)
        measured = task_scoring.measured
        for record in processes.results(measured, jobs, config.processes):
            task_records.write(folder, record)
            bar.update()
    return stop.reason


def _check(config: EvaluateConfig) -> None:
    if not config.click_models:
        allowed = "one or more of UD, DT, SI, SM and model folders"
        raise errors.BadValueError("--click_models", "none", allowed)
    if config.draws < 1:
        raise errors.BadValueError("--config.draws", config.draws, "1 or more")
    if config.seed < 0:
        raise errors.BadValueError("--config.seed", config.seed, "0 or more")
    if config.processes < 0:
        raise errors.BadValueError("--config.processes", config.processes, "0 or more")


def _shard(text: str) -> tuple[int, int]:
    """Returns which of how many parts `NUMBER/COUNT` is."""
    if not text:
        return 0, 1
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or int(found[1]) >= int(found[2]):
        raise errors.BadValueError(
            "--config.shard", repr(text), "NUMBER/COUNT with 0 <= NUMBER < COUNT"
        )
    return int(found[1]), int(found[2])


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
    }
