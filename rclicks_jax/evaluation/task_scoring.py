"""Measures the maps of a click task and makes its record.

Measuring processes import this module, so it does not import JAX.
"""

import dataclasses

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.evaluation import click_metrics
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.jobs import failures
from rclicks_jax.ops import masks
from rclicks_jax.types import ClickExample

NO_CLICKS = "nobody clicked"
_SKIPPED = (raw.EMPTY, NO_CLICKS, failures.NOTHING_WRONG)
MEMORY_ADVICE = (
    "Set --config.batch to less, compare fewer click models at once, or set "
    "--config.processes to less."
)


@dataclasses.dataclass(frozen=True)
class TaskWithMaps:
    """A click task with its maps, as it is sent to a measuring process.

    Attributes:
        clicks_yx: Positions of the clicks, `i32[n 2]`.
        box_hw: Height and width of the box of the target, pixels.
        error_mask: The region to mend, `bool[h w]`, or soft in [0, 1], `f32[h w]`.
        maps: The click map `f32[h w]`, or the reason why there is none, by click model.
        seeds: Seeds of the draws, by click model.
        draws: Number of sets of clicks drawn from each map.
        nss_epsilon: The switch of that name in `settings.protocols.Protocol`.
        people: Who made each click; empty if the dataset does not say.
    """

    clicks_yx: np.ndarray
    box_hw: tuple[int, int]
    error_mask: np.ndarray
    maps: dict[str, np.ndarray | str]
    seeds: dict[str, tuple[int, int]]
    draws: int
    nss_epsilon: float
    people: tuple[str, ...] = ()


def with_example(record: TaskRecord, example: ClickExample) -> TaskRecord:
    """Returns a record with image, kind of task, device and number of clicks."""
    return dataclasses.replace(
        record,
        image_id=example.image_id,
        click_type=example.click_type,
        input_device=example.input_device,
        clicks=len(example.clicks_yx),
    )


def rejected(record: TaskRecord, error: Exception, about: str = "") -> TaskRecord:
    """Returns the record of a task that cannot be measured: `skipped` or `failed`.

    Args:
        record: The record of the task.
        error: The error that was raised.
        about: Prefix of the reason, such as the name of a click model.
    """
    return _with_reason(record, about + why(error))


def _with_reason(record: TaskRecord, reason: str) -> TaskRecord:
    status = "skipped" if reason in _SKIPPED else "failed"
    return dataclasses.replace(record, status=status, reason=reason)


def why(error: Exception) -> str:
    """Returns the reason why a task failed."""
    return failures.reason(error, MEMORY_ADVICE)


def measure(job: tuple[TaskRecord, TaskWithMaps | None]) -> TaskRecord:
    """Returns the record of a task with the metrics of all its maps.

    Args:
        job: The record, and the task with its maps; None if the task is already
            rejected.
    """
    record, task = job
    if task is None:
        return record
    try:
        truth = click_metrics.truth(
            task.clicks_yx, task.box_hw, task.error_mask, task.nss_epsilon
        )
        halves = click_metrics.of_halves(
            task.clicks_yx, task.people, record.click_set_id, task.box_hw
        )
    except Exception as error:
        return rejected(record, error)
    models, to_clicks, failures_of_models = {}, {}, []
    for name, click_map in task.maps.items():
        if isinstance(click_map, str):
            failures_of_models.append(_with_reason(record, f"{name}: {click_map}"))
            continue
        try:
            models[name] = click_metrics.raw_and_masked(
                click_map, truth, task.draws, task.seeds[name]
            )
            if task.people:
                to_clicks[name] = click_metrics.to_clicks(
                    click_map, truth, task.draws, task.seeds[name]
                )
        except Exception as error:
            failures_of_models.append(rejected(record, error, f"{name}: "))
    if failures_of_models:
        reasons = "; ".join(
            dict.fromkeys(record.reason for record in failures_of_models)
        )
        # "failed" comes before "skipped".
        worst = min(failures_of_models, key=lambda record: record.status)
        record = dataclasses.replace(worst, reason=reasons)
    record = dataclasses.replace(record, models=models, halves=halves)
    if not task.people:
        return record
    return dataclasses.replace(
        record,
        people=task.people,
        clicks_yx=task.clicks_yx.tolist(),
        box_hw=task.box_hw,
        to_clicks=to_clicks,
    )


def check(example: ClickExample) -> None:
    """Checks that a task can be evaluated.

    Raises:
        DataError: The task cannot be evaluated; the message says why.
    """
    shape = example.image.shape[:2]
    for mask in (example.gt_mask, example.prev_mask):
        if mask is not None and mask.shape != shape:
            mask_size, image_size = ("x".join(map(str, s)) for s in (mask.shape, shape))
            raise errors.DataError(
                f"a mask is {mask_size} pixels, the image {image_size}"
            )
    if not example.gt_mask.any():
        raise errors.DataError(raw.EMPTY)
    if not np.isfinite(example.error_mask).all():
        raise errors.DataError("the previous mask has values that are no numbers")
    if not example.error_mask.any():
        raise errors.DataError(failures.NOTHING_WRONG)
    if not len(example.clicks_yx):
        raise errors.DataError(NO_CLICKS)
    inside = ((example.clicks_yx >= 0) & (example.clicks_yx < shape)).all(axis=1)
    off = example.clicks_yx[~inside]
    if len(off):
        raise errors.DataError(
            f"{len(off)} of {len(example.clicks_yx)} clicks are off the image, which "
            f"is {shape[0]}x{shape[1]} pixels; the first is at (y, x) = "
            f"{off[0].tolist()}"
        )


def box_of(gt_mask: np.ndarray) -> tuple[int, int]:
    """Returns height and width of the box around a target, which must not be empty."""
    box = masks.bounding_box(gt_mask)
    assert box is not None
    return box[1] - box[0], box[3] - box[2]
