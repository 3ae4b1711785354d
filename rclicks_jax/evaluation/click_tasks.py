"""Click tasks with the maps of all models, made in batches, ready to be measured."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rclicks_jax import hashing
from rclicks_jax.clicks import click_models
from rclicks_jax.evaluation import task_scoring
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.evaluation.task_scoring import Measured
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.settings import protocols
from rclicks_jax.settings.evaluation import EvaluateConfig
from rclicks_jax.types import ClickExample, ClickQuery

# Tasks whose maps are made together where no model says.
_TOGETHER = 10
# They hold at most so many pixels together, or some 30 bytes and the maps for each.
_PIXELS_TOGETHER = 1 << 25


@dataclasses.dataclass(frozen=True)
class _Read:
    """A task that was read: its record, and its example unless it is rejected."""

    record: TaskRecord
    example: ClickExample | None


def with_maps(
    units: Iterable[Unit],
    models: Mapping[str, click_models.ClickModel],
    config: EvaluateConfig,
) -> Iterator[tuple[TaskRecord, Measured | None]]:
    """Yields tasks for `task_scoring.measured`.

    Args:
        units: The tasks.
        models: By name.
        config: Of the run.
    """
    batch = max([getattr(model, "batch", _TOGETHER) for model in models.values()])
    for together in _gather(units, batch):
        yield from _made(together, models, config)


def _gather(units: Iterable[Unit], batch: int) -> Iterator[list[_Read]]:
    """Reads tasks, and yields them as soon as those that are left fill a batch."""
    together: list[_Read] = []
    asked = pixels = 0
    for unit in units:
        one = _read(unit)
        together.append(one)
        if one.example is not None:
            asked += 1
            pixels += one.example.gt_mask.size
        if asked >= batch or pixels >= _PIXELS_TOGETHER:
            yield together
            together, asked, pixels = [], 0, 0
    if together:
        yield together


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
        record = task_scoring.described(record, example)
        task_scoring.check(example)
    except Exception as error:
        return _Read(task_scoring.rejected(record, error), None)
    return _Read(record, example)


def _made(
    together: Sequence[_Read],
    models: Mapping[str, click_models.ClickModel],
    config: EvaluateConfig,
) -> Iterator[tuple[TaskRecord, Measured | None]]:
    examples = [one.example for one in together if one.example is not None]
    queries = [ClickQuery(one.image, one.gt_mask, one.error_mask) for one in examples]
    made = {
        name: iter(click_models.maps_or_reasons(model, queries, task_scoring.why))
        for name, model in models.items()
    }
    for one in together:
        if one.example is None:
            yield one.record, None
            continue
        example = one.example
        key = f"{example.dataset}/{example.click_set_id}"
        yield (
            one.record,
            Measured(
                clicks_yx=example.clicks_yx,
                box_hw=task_scoring.box_of(example.gt_mask),
                # A quarter of the bytes where nothing was segmented before.
                error_mask=example.gt_mask
                if example.prev_mask is None
                else example.error_mask,
                maps={name: next(maps) for name, maps in made.items()},
                seeds={
                    name: (config.seed, hashing.stable_hash(f"{key}/{name}"))
                    for name in models
                },
                draws=config.draws,
                nss_epsilon=protocols.protocol(config.protocol).nss_epsilon,
            ),
        )
