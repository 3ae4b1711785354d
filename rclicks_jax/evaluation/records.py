"""What is recorded of a click task, typed.

A click model's map is measured twice: as it is (`raw`), and multiplied by the error
mask (`masked`).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from rclicks_jax.evaluation.choices import MAPS, MASKED, RAW
from rclicks_jax.jobs import records, store
from rclicks_jax.types import Status


@dataclasses.dataclass(frozen=True)
class TaskRecord:
    """What became of one click task.

    Attributes:
        dataset: Its dataset.
        click_set_id: The task.
        image_id: The photograph; empty if the task could not be read.
        click_type: `first`, `fn` or `fp`.
        input_device: What made the clicks.
        clicks: How many people clicked; 0 if the task could not be read.
        status: `ok`; `skipped` if it has no answer; `failed` if something broke.
        reason: Why it is not `ok`.
        models: By click model, by `raw` and `masked`, by metric; None where a metric is
            not defined.
    """

    dataset: str
    click_set_id: str
    image_id: str = ""
    click_type: str = "first"
    input_device: str = ""
    clicks: int = 0
    status: Status = "ok"
    reason: str = ""
    models: Mapping[str, Mapping[str, Mapping[str, float | None]]] = dataclasses.field(
        default_factory=dict
    )


FIELDS = tuple(field.name for field in dataclasses.fields(TaskRecord))
_OF_RECORD = ("dataset", "click_set_id")


def to_record(task: TaskRecord, *, asked: bool = True) -> records.Record:
    """Returns what the engine writes of a task.

    Args:
        task: The task.
        asked: Whether a click model was asked.
    """
    row = dataclasses.asdict(task)
    dataset, name = (row.pop(key) for key in _OF_RECORD)
    return records.Record(dataset, name, ({"instance_id": name, **row},), asked=asked)


def from_record(record: records.Record) -> TaskRecord:
    """Returns the task that a record is of.

    Raises:
        RecordError: Its row is not that of an evaluation.
    """
    try:
        (row,) = record.rows
        for measured in row["models"].values():
            if set(measured) != set(MAPS):
                raise KeyError(f"{RAW} and {MASKED} of a click model")
        # A release that wrote less than this one wrote something else.
        values = {key: row[key] for key in FIELDS if key not in _OF_RECORD}
        return TaskRecord(dataset=record.dataset, click_set_id=record.name, **values)
    except records.BROKEN as error:
        problem = "its row is not an evaluation's"
        raise records.RecordError(record.origin, problem) from error


def read_all(folder: store.RunFolder) -> list[TaskRecord]:
    """Reads the records of an evaluation, in order of dataset and file.

    Raises:
        RecordError: A file is no such record, or of another run.
    """
    return [from_record(record) for record in folder.read_all()]


def shown_maps(identity: Mapping[str, Any]) -> str:
    """Returns which maps the protocol of an evaluation compares with people."""
    return MASKED if identity["protocol"]["mask_evaluated_maps"] else RAW


def value(record: TaskRecord, model: str, maps: str, metric: str) -> float:
    """Returns what a click model reached; NaN where it is not defined."""
    found = record.models.get(model, {}).get(maps, {}).get(metric)
    return float("nan") if found is None else found
