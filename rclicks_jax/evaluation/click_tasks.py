"""Click tasks with the maps of all click models, computed in batches."""

from collections.abc import Iterable, Iterator, Mapping

from rclicks_jax import errors, hashing
from rclicks_jax.clicks import click_models, on_device
from rclicks_jax.evaluation import task_scoring
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.evaluation.task_scoring import TaskWithMaps
from rclicks_jax.jobs import engine, meter, processes, scheduler
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.settings import protocols
from rclicks_jax.settings.evaluation import EvaluateConfig
from rclicks_jax.types import ClickExample, ClickQuery

# Tasks under way: as many as fill so many passes, but never fewer than these.
_PASSES, _FEWEST = 3, 10
# Memory of a task under way, bytes for each pixel of its image, besides those of a map,
# which an accelerator gives in its static shape.
_BYTES, _BYTES_OF_MAP = 24, 16
# A task with its maps; None if it is already rejected.
Job = tuple[TaskRecord, TaskWithMaps | None]


def with_maps(
    units: engine.Units,
    models: Mapping[str, click_models.ClickModel],
    config: EvaluateConfig,
) -> Iterator[Job]:
    """Yields tasks with their maps, for `task_scoring.measure`, in any order.

    If the run is asked to stop, tasks under way are left.

    Args:
        units: The tasks.
        models: The click models, by name.
        config: The settings of the run.

    Raises:
        DeviceError: A device is lost.
    """
    at_hand = on_device.is_at_hand()
    stages = {
        name: on_device.map_stages(model, on_device=at_hand)
        for name, model in models.items()
    }
    most = max(each.batch for each in stages.values())
    yield from scheduler.run(
        (_task(unit, models, config, units.meter) for unit in units),
        [scheduler.of_device(name, each) for name, each in stages.items()],
        scheduler.Limits(
            places=max(_FEWEST, _PASSES * most),
            bytes=processes.memory() // 4,
            threads=processes.cores(),
        ),
        units.meter,
        is_stopped=lambda: units.stopped,
    )


def _task(
    unit: Unit, models: Iterable[str], config: EvaluateConfig, noted: meter.Meter
) -> scheduler.Coroutine[Job]:
    """Returns a task with its maps."""
    row = unit.source.row
    record = TaskRecord(
        dataset=unit.dataset,
        click_set_id=unit.name,
        click_type=row.click_type,
        input_device=row.input_device,
    )
    try:
        with noted.part("decode"):
            example = unit.source.read()
        record = task_scoring.with_example(record, example)
        task_scoring.check(example)
    except Exception as error:
        return task_scoring.rejected(record, error), None
    names = list(models)
    size = example.gt_mask.size * (_BYTES + _BYTES_OF_MAP * len(names))
    child = scheduler.Child(_with_maps(example, names, config), bytes=size)
    (task,) = yield scheduler.Children([child])
    if isinstance(task, Exception):
        raise task
    return record, task


def _with_maps(
    example: ClickExample, names: list[str], config: EvaluateConfig
) -> scheduler.Coroutine[TaskWithMaps]:
    # For first clicks the bool mask needs a quarter of the bytes.
    region = example.gt_mask if example.prev_mask is None else example.error_mask
    query = ClickQuery(example.image, example.gt_mask, region)
    maps = {}
    for name in names:
        try:
            (maps[name],) = yield scheduler.Question(name, [query], name)
        except errors.DeviceError:
            raise
        except Exception as error:
            maps[name] = task_scoring.why(error)
    key = f"{example.dataset}/{example.click_set_id}"
    return TaskWithMaps(
        clicks_yx=example.clicks_yx,
        box_hw=task_scoring.box_of(example.gt_mask),
        error_mask=region,
        maps=maps,
        seeds={
            name: (config.seed, hashing.stable_hash(f"{key}/{name}")) for name in names
        },
        draws=config.draws,
        nss_epsilon=protocols.protocol(config.protocol).nss_epsilon,
        people=example.people,
    )
