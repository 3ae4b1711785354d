"""How well click models predict real clicks, as a job: a click task is a unit of work.

Source: emb-ai/rclicks, scripts/evaluate_click_models.py.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from etils import epath

from rclicks_jax.clicks import click_models
from rclicks_jax.data import packages, specs
from rclicks_jax.evaluation import (
    click_metrics,
    click_tasks,
    preconditions,
    task_pictures,
    task_scoring,
)
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.evaluation.identity import EvaluationIdentity
from rclicks_jax.jobs import engine, processes, records, store, work_units
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.settings import protocols
from rclicks_jax.settings.evaluation import EvaluateConfig

KIND = "evaluation"


def run(config: EvaluateConfig, workdir: epath.PathLike) -> engine.Outcome:
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
    preconditions.check(config)
    protocol = protocols.protocol(config.protocol)
    named = click_models.titles(config.click_models)
    datasets = [
        packages.open_clicks(spec) for spec in specs.parse(config.data, config.max_side)
    ]
    units = work_units.of_packages(datasets, split=config.split)
    models = {
        name: click_models.load(
            spec,
            rescale=not protocol.mask_evaluated_maps,
            precision=config.precision,
        )
        for name, spec in named.items()
    }
    if not store.RunFolder(workdir).exists():
        work_units.require_usable(units, _problems, config.data)
    job = Evaluation(config, datasets, named, models)
    limits = engine.Limits(config.shard, config.max_failed)
    return engine.run(job, units, workdir, limits)


class Evaluation(engine.Job):
    """Click models on click tasks."""

    kind = KIND
    title = "Evaluation"
    doing = "Evaluating click models"
    unit = "click task"
    step = "task"
    mendable = ("click_models",)
    memory_advice = task_scoring.MEMORY_ADVICE

    def __init__(
        self,
        config: EvaluateConfig,
        datasets: Sequence[packages.Package],
        named: Mapping[str, str],
        models: Mapping[str, click_models.ClickModel],
    ) -> None:
        """Takes what all tasks share.

        Args:
            config: What is compared.
            datasets: What it is compared on.
            named: Specs of the click models, by the name that tables have.
            models: The click models by these names.
        """
        self._config = config
        self._datasets = datasets
        self._named = named
        self._models = models

    def identity(self) -> EvaluationIdentity:
        """Returns all that can change a number."""
        config = self._config
        return EvaluationIdentity(
            metrics=click_metrics.METRICS,
            masked_without_mass="uniform",
            protocol=protocols.protocol(config.protocol),
            seed=config.seed,
            draws=config.draws,
            click_models={
                name: click_models.describe(spec, config.precision)
                for name, spec in self._named.items()
            },
            data={package.dataset: package.checksum for package in self._datasets},
            split=config.split,
            max_side=config.max_side,
        )

    def provenance(self) -> Mapping[str, Any]:
        """Returns batches, and what was noted of the data."""
        batches = {
            name: getattr(model, "batch", None) for name, model in self._models.items()
        }
        return {"batches": batches, "data_notes": packages.notes(self._datasets)}

    def facts(self) -> Mapping[str, str]:
        """Returns click models and protocol."""
        named = ", ".join(self._models)
        return {"click models": named, "protocol": self._config.protocol}

    def work(
        self, units: Iterable[Unit], folder: store.RunFolder, advance: engine.Advance
    ) -> Iterator[records.Record]:
        """Makes maps of some tasks at a time; measures them on all cores."""
        tasks = click_tasks.with_maps(units, self._models, self._config)
        measured = task_scoring.measured
        for task in processes.results(measured, tasks, self._config.processes):
            # Whatever a click model did is said after its name.
            named = (f"{name}: " for name in self._models)
            asked = task.status != "failed" or task.reason.startswith((*named,))
            yield task_records.to_record(task, asked=asked)

    def finish(self, folder: store.RunFolder, stopped: str) -> None:
        """Draws the tasks of the report."""
        if not stopped:
            task_pictures.write(folder, self._datasets, self._models)


def _problems(unit: Unit) -> Iterator[str]:
    """Yields why a task cannot be evaluated; empty if it can."""
    task_scoring.check(unit.source.read())
    yield ""
