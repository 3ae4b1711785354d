"""Click tasks with the maps of all models, made in batches, ready to be measured."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rclicks_jax import config as config_lib
from rclicks_jax import hosts
from rclicks_jax.click_maps import queries as click_map_queries
from rclicks_jax.clicks import click_models
from rclicks_jax.config import EvaluateConfig
from rclicks_jax.evaluation import task_scoring
from rclicks_jax.evaluation.task_records import TaskRecord
from rclicks_jax.evaluation.task_scoring import Measured
from rclicks_jax.jobs import plan
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


def jobs(
    units: Sequence[plan.Unit],
    models: Mapping[str, click_models.ClickModel],
    config: EvaluateConfig,
    stop: hosts.StopRequest,
) -> Iterator[tuple[TaskRecord, Measured | None]]:
    """Yields tasks for `task_scoring.measured`, until done or asked to stop.

    Args:
        units: The tasks.
        models: By name.
        config: Of the run.
        stop: Looked at before each batch.
    """
    batch = max([getattr(model, "batch", _TOGETHER) for model in models.values()])
    for together in _gather(units, batch):
        if stop:
            return
        yield from _with_maps(together, models, config)


def _gather(units: Iterable[plan.Unit], batch: int) -> Iterator[list[_Read]]:
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


def _read(unit: plan.Unit) -> _Read:
    record = TaskRecord(
        dataset=unit.package.dataset,
        click_set_id=unit.row.name,
        click_type=unit.row.click_type,
        input_device=unit.row.input_device,
    )
    try:
        example = unit.package.read(unit.row)
        record = task_scoring.described(record, example)
        task_scoring.check(example)
    except Exception as error:
        return _Read(task_scoring.rejected(record, error), None)
    return _Read(record, example)


def _with_maps(
    together: Sequence[_Read],
    models: Mapping[str, click_models.ClickModel],
    config: EvaluateConfig,
) -> Iterator[tuple[TaskRecord, Measured | None]]:
    examples = [one.example for one in together if one.example is not None]
    queries = [ClickQuery(one.image, one.gt_mask, one.error_mask) for one in examples]
    made = {
        name: iter(click_map_queries.made(model, queries, task_scoring.why))
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
                    name: (config.seed, hosts.stable_hash(f"{key}/{name}"))
                    for name in models
                },
                draws=config.draws,
                nss_epsilon=config_lib.protocol(config.protocol).nss_epsilon,
            ),
        )
