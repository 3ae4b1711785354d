"""Records of `rclicks-evaluate`: a JSON file for each click task.

Processes that only measure import this, so nothing here imports JAX.
"""

import collections
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from etils import epath

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.ops import masks
from rclicks_jax.runs import click_metrics, failures, store
from rclicks_jax.types import ClickExample

NO_CLICKS = "nobody clicked"
_SKIPPED = (raw.EMPTY, NO_CLICKS, failures.NOTHING_WRONG)
_MEMORY_ADVICE = "Compare fewer click models at once, or set --config.processes to less"

Record = dict[str, Any]


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
    """

    clicks_yx: np.ndarray
    box_hw: tuple[int, int]
    error_mask: np.ndarray
    maps: dict[str, np.ndarray | str]
    seeds: dict[str, tuple[int, int]]
    draws: int


def new(dataset: str, name: str) -> Record:
    """Returns the record of a task of which nothing is known yet."""
    return {
        "dataset": dataset,
        "click_set_id": name,
        "image_id": "",
        "click_type": "unknown",
        "input_device": "",
        "clicks": 0,
        "status": "ok",
        "reason": "",
        "models": {},
    }


def describe(record: Record, example: ClickExample) -> None:
    """Writes into a record what its task is.

    Raises:
        DataError: The task cannot be evaluated; the message says why.
    """
    record["image_id"] = example.image_id
    record["click_type"] = example.click_type
    record["input_device"] = example.input_device
    record["clicks"] = len(example.clicks_yx)
    _check(example)


def reject(record: Record, error: Exception, about: str = "") -> None:
    """Takes a task out of all means: what has no answer is skipped, not failed.

    Args:
        record: Of the task.
        error: What was raised.
        about: What it is about, in front of the reason.

    Raises:
        RClicksError: The memory is too small, which is no fault of a task.
    """
    reason = about + why(error)
    record["status"] = "skipped" if reason in _SKIPPED else "failed"
    record["reason"] = reason


def why(error: Exception) -> str:
    """Says why a task failed; raises only for want of memory."""
    return failures.reason(error, _MEMORY_ADVICE)


def measured(job: tuple[Record, Measured | None]) -> Record:
    """Returns a record with the metrics of all models; a pure function of the job.

    Args:
        job: The record, and its task unless it is rejected already.
    """
    record, task = job
    if task is None:
        return record
    try:
        truth = click_metrics.truth(task.clicks_yx, task.box_hw, task.error_mask)
    except Exception as error:
        reject(record, error)
        return record
    for name, click_map in task.maps.items():
        try:
            if isinstance(click_map, str):
                raise errors.DataError(click_map)
            record["models"][name] = click_metrics.raw_and_masked(
                click_map, truth, task.draws, task.seeds[name]
            )
        except Exception as error:
            reject(record, error, f"{name}: ")
    return record


def path_of(folder: store.RunFolder, dataset: str, name: str) -> epath.Path:
    """Returns where the record of a task is."""
    of_dataset = folder.path / "records" / store.file_name(dataset)
    return of_dataset / f"{store.file_name(name)}.json"


def write(folder: store.RunFolder, record: Record) -> None:
    """Writes a record; its task is finished then."""
    path = path_of(folder, record["dataset"], record["click_set_id"])
    store.write_atomically(path, (json.dumps(record) + "\n").encode())


def is_finished(folder: store.RunFolder, dataset: str, name: str) -> bool:
    """Tells whether a task has a record and did not fail."""
    path = path_of(folder, dataset, name)
    return path.exists() and _read(path)["status"] != "failed"


def read_all(folder: store.RunFolder) -> Iterator[Record]:
    """Yields every record, in a fixed order."""
    for path in sorted(folder.path.glob("records/*/*.json")):
        yield _read(path)


def count(folder: store.RunFolder) -> dict[str, int]:
    """Counts tasks by status; all three are there."""
    counts = collections.Counter(record["status"] for record in read_all(folder))
    return {status: counts[status] for status in ("ok", "skipped", "failed")}


def _read(path: epath.Path) -> Record:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise errors.RunFolderError(
            f"{path} is no record: {error}. Move it away and run the same command "
            "again: only this task is repeated."
        ) from error


def _check(example: ClickExample) -> None:
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
