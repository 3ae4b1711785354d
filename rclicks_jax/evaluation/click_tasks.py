"""Click tasks with the maps of all click models, computed in batches."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rclicks_jax import hashing
from rclicks_jax.clicks import click_models
from rclicks_jax.evaluation import task_scoring
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.evaluation.task_scoring import TaskWithMaps
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.settings import protocols
from rclicks_jax.settings.evaluation import EvaluateConfig
from rclicks_jax.types import ClickExample, ClickQuery

# Number of tasks in a batch if no click model sets one.
_TOGETHER = 10
# Tasks in memory have at most so many pixels together; each pixel takes some 30 bytes
# and the maps.
_PIXELS_TOGETHER = 1 << 25


@dataclasses.dataclass(frozen=True)
class _Read:
    """A task that was read: its record, and its example unless the task is rejected."""

    record: TaskRecord
    example: ClickExample | None


def with_maps(
    units: Iterable[Unit],
    models: Mapping[str, click_models.ClickModel],
    config: EvaluateConfig,
) -> Iterator[tuple[TaskRecord, TaskWithMaps | None]]:
    """Yields tasks with their maps, for `task_scoring.measure`.

    Args:
        units: The tasks.
        models: The click models, by name.
        config: The settings of the run.
    """
    batch = max([getattr(model, "rows", _TOGETHER) for model in models.values()])
    for group in _gather(units, batch):
        yield from _with_maps(group, models, config)


def _gather(units: Iterable[Unit], batch: int) -> Iterator[list[_Read]]:
    """Reads tasks, and yields groups of them; the usable tasks of each fill a batch."""
    group: list[_Read] = []
    usable = pixels = 0
    for unit in units:
        task = _read(unit)
        group.append(task)
        if task.example is not None:
            usable += 1
            pixels += task.example.gt_mask.size
        if usable >= batch or pixels >= _PIXELS_TOGETHER:
            yield group
            group, usable, pixels = [], 0, 0
    if group:
        yield group


def _read(unit: Unit) -> _Read:
    row = unit.source.row
    record = TaskRecord(
        dataset=unit.dataset,
        click_set_id=unit.name,
        click_type=row.click_type,
        input_device=row.input_device,
    )
    try:
        example = unit.source.read()
        record = task_scoring.with_example(record, example)
        task_scoring.check(example)
    except Exception as error:
        return _Read(task_scoring.rejected(record, error), None)
    return _Read(record, example)


def _with_maps(
    group: Sequence[_Read],
    models: Mapping[str, click_models.ClickModel],
    config: EvaluateConfig,
) -> Iterator[tuple[TaskRecord, TaskWithMaps | None]]:
    examples = [task.example for task in group if task.example is not None]
    queries = [
        ClickQuery(example.image, example.gt_mask, example.error_mask)
        for example in examples
    ]
    answers = {
        name: iter(click_models.maps_or_reasons(model, queries, task_scoring.why))
        for name, model in models.items()
    }
    for task in group:
        if task.example is None:
            yield task.record, None
            continue
        example = task.example
        key = f"{example.dataset}/{example.click_set_id}"
        yield (
            task.record,
            TaskWithMaps(
                clicks_yx=example.clicks_yx,
                box_hw=task_scoring.box_of(example.gt_mask),
                # For first clicks the bool mask needs a quarter of the bytes.
                error_mask=example.gt_mask
                if example.prev_mask is None
                else example.error_mask,
                maps={name: next(maps) for name, maps in answers.items()},
                seeds={
                    name: (config.seed, hashing.stable_hash(f"{key}/{name}"))
                    for name in models
                },
                draws=config.draws,
                nss_epsilon=protocols.protocol(config.protocol).nss_epsilon,
            ),
        )
