"""From a click task and its maps to its record.

Processes that only measure import this, so nothing here imports JAX.
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
MEMORY_ADVICE = "Compare fewer click models at once, or set --config.processes to less."


@dataclasses.dataclass(frozen=True)
class Measured:
    """A task that is to be measured, as it goes to another process.

    Attributes:
        clicks_yx: See `click_metrics.Truth`; so are the next two.
        box_hw: Height and width.
        error_mask: `bool[h w]` or `f32[h w]`.
        maps: By model: the click map, or why there is none.
        seeds: Of the draws, by model.
        draws: Sets drawn from each map.
        nss_epsilon: See `settings.protocols.Protocol`.
    """

    clicks_yx: np.ndarray
    box_hw: tuple[int, int]
    error_mask: np.ndarray
    maps: dict[str, np.ndarray | str]
    seeds: dict[str, tuple[int, int]]
    draws: int
    nss_epsilon: float


def described(record: TaskRecord, example: ClickExample) -> TaskRecord:
    """Returns a record that says what its task is."""
    return dataclasses.replace(
        record,
        image_id=example.image_id,
        click_type=example.click_type,
        input_device=example.input_device,
        clicks=len(example.clicks_yx),
    )


def rejected(record: TaskRecord, error: Exception, about: str = "") -> TaskRecord:
    """Returns a record that is in no mean: what has no answer is skipped, not failed.

    Args:
        record: Of the task.
        error: What was raised.
        about: What it is about, in front of the reason.
    """
    reason = about + why(error)
    status = "skipped" if reason in _SKIPPED else "failed"
    return dataclasses.replace(record, status=status, reason=reason)


def why(error: Exception) -> str:
    """Says why a task failed."""
    return failures.reason(error, MEMORY_ADVICE)


def measured(job: tuple[TaskRecord, Measured | None]) -> TaskRecord:
    """Returns a record with the metrics of all models; a pure function of the job.

    Args:
        job: The record, and its task unless it is rejected already.
    """
    record, task = job
    if task is None:
        return record
    try:
        truth = click_metrics.truth(
            task.clicks_yx, task.box_hw, task.error_mask, task.nss_epsilon
        )
    except Exception as error:
        return rejected(record, error)
    models, wrong = {}, []
    for name, click_map in task.maps.items():
        try:
            if isinstance(click_map, str):
                raise errors.DataError(click_map)
            models[name] = click_metrics.raw_and_masked(
                click_map, truth, task.draws, task.seeds[name]
            )
        except Exception as error:
            wrong.append(rejected(record, error, f"{name}: "))
    if wrong:
        reasons = "; ".join(dict.fromkeys(each.reason for each in wrong))
        worst = min(wrong, key=lambda each: each.status)  # "failed" before "skipped".
        record = dataclasses.replace(worst, reason=reasons)
    return dataclasses.replace(record, models=models)


def check(example: ClickExample) -> None:
    """Makes sure that a task can be evaluated.

    Raises:
        DataError: It cannot; the message says why.
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
    """Returns height and width of the box of a target that is not empty."""
    box = masks.bounding_box(gt_mask)
    assert box is not None
    return box[1] - box[0], box[3] - box[2]
