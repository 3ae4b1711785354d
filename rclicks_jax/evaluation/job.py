"""The job that measures how well click models predict real clicks.

Source: emb-ai/rclicks, scripts/evaluate_click_models.py.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence

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
from rclicks_jax.evaluation.identity import KIND, EvaluationIdentity
from rclicks_jax.jobs import engine, processes, records, store, work_units
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.settings import protocols
from rclicks_jax.settings.evaluation import EvaluateConfig
from rclicks_jax.types import JsonObject


def run(config: EvaluateConfig, workdir: epath.PathLike) -> engine.Outcome:
    """Evaluates click models on click tasks; a run that was stopped goes on.

    To resume a run, call this again: finished tasks are kept, failed tasks are tried
    again. A folder that holds another run is refused.

    Args:
        config: The settings.
        workdir: The run folder.

    Raises:
        RClicksError: The run cannot start, or nothing works: the first tasks all failed
            in the same way. A single bad task never raises.
    """
    preconditions.check(config)
    protocol = protocols.protocol(config.protocol)
    click_model_specs = click_models.titles(config.click_models)
    datasets = [
        packages.open_clicks(spec) for spec in specs.parse(config.data, config.max_side)
    ]
    units = work_units.of_packages(datasets, split=config.split)
    networks = sum(map(click_models.is_network, click_model_specs.values()))
    models = {
        name: click_models.load(
            spec,
            batch=config.batch,
            rescale=not protocol.mask_evaluated_maps,
            devices=config.devices,
            sharing=networks,
            precision=config.precision,
        )
        for name, spec in click_model_specs.items()
    }
    if not store.RunFolder(workdir).exists():
        work_units.require_usable(units, _problems, config.data)
    job = Evaluation(config, datasets, click_model_specs, models)
    limits = engine.Limits(config.shard, config.max_failed)
    return engine.run(job, units, workdir, limits)


class Evaluation(engine.Job):
    """The job: click models on click tasks."""

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
        click_model_specs: Mapping[str, str],
        models: Mapping[str, click_models.ClickModel],
    ) -> None:
        """Takes what all tasks share.

        Args:
            config: The settings.
            datasets: The packages of the datasets.
            click_model_specs: Specs of the click models, by their names in tables.
            models: The click models, by these names.
        """
        self._config = config
        self._datasets = datasets
        self._click_model_specs = click_model_specs
        self._models = models

    def identity(self) -> EvaluationIdentity:
        """Returns all values that can change a number."""
        config = self._config
        return EvaluationIdentity(
            metrics=click_metrics.METRICS,
            masked_without_mass="uniform",
            protocol=protocols.protocol(config.protocol),
            seed=config.seed,
            draws=config.draws,
            click_models={
                name: click_models.describe(spec, config.precision)
                for name, spec in self._click_model_specs.items()
            },
            data={package.dataset: package.checksum for package in self._datasets},
            split=config.split,
            max_side=config.max_side,
        )

    def provenance(self) -> JsonObject:
        """Returns batch sizes, and notes on the data."""
        batches = {
            name: getattr(model, "batch", None) for name, model in self._models.items()
        }
        return {"batches": batches, "data_notes": packages.notes(self._datasets)}

    def facts(self) -> Mapping[str, str]:
        """Returns the names of click models and protocol."""
        names = ", ".join(self._models)
        return {"click models": names, "protocol": self._config.protocol}

    def work(
        self, units: engine.Units, folder: store.RunFolder, advance: engine.Advance
    ) -> Generator[records.Record]:
        """Computes the maps of tasks in batches; measures them on all cores."""
        tasks = click_tasks.with_maps(units, self._models, self._config)
        measure = task_scoring.measure
        for task in processes.results(measure, tasks, self._config.processes):
            # A reason that begins with the name of a click model comes from its call.
            prefixes = tuple(f"{name}: " for name in self._models)
            asked = task.status != "failed" or task.reason.startswith(prefixes)
            yield task_records.to_record(task, asked=asked)

    def finish(self, folder: store.RunFolder, stopped: str) -> None:
        """Draws the tasks of the report."""
        if not stopped:
            task_pictures.write(folder, self._datasets, self._models)


def _problems(unit: Unit) -> Iterator[str]:
    """Yields "" if a task can be evaluated; else raises the error that says why."""
    task_scoring.check(unit.source.read())
    yield ""
