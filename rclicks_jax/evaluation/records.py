"""The record of a click task, with types.

The map of a click model is measured twice: as it is (`raw`), and multiplied by the
error mask (`masked`).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rclicks_jax.evaluation.choices import MAPS, MASKED, RAW
from rclicks_jax.jobs import records, store
from rclicks_jax.types import JsonObject, Status, json_part


@dataclasses.dataclass(frozen=True)
class TaskRecord:
    """The results of one click task.

    Attributes:
        dataset: Name of the dataset.
        click_set_id: The click task.
        image_id: The image; empty if the task could not be read.
        click_type: `first`, `fn` or `fp`.
        input_device: The device on which people clicked.
        clicks: Number of clicks of people; 0 if the task could not be read.
        status: `ok`; `skipped` if the task cannot be measured; `failed` if an error
            occurred.
        reason: The reason if the status is not `ok`.
        models: Values by click model, then `raw` or `masked`, then metric; None where
            the metric is not defined.
        halves: PL1, WD, KS and energy distance between the two halves of people; empty
            if they are too few, and in older records.
        people: Who made each click. This and the fields below are what intervals
            resample; they are empty if the dataset does not say, and in older records.
        clicks_yx: The clicks.
        box_hw: Height and width of the target's box, pixels.
        to_clicks: Distances of each click by click model, then `raw` or `masked`, then
            metric: `click_metrics.to_clicks`.
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
    halves: Mapping[str, float] = dataclasses.field(default_factory=dict)
    people: Sequence[str] = ()
    clicks_yx: Sequence[Sequence[int]] = ()
    box_hw: Sequence[int] = ()
    to_clicks: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]] = (
        dataclasses.field(default_factory=dict)
    )


FIELDS = tuple(field.name for field in dataclasses.fields(TaskRecord))
# Fields that a cell of a table can hold.
PLAIN = tuple(
    field.name
    for field in dataclasses.fields(TaskRecord)
    if field.type in (int, str, Status)
)
_OF_RECORD = ("dataset", "click_set_id")
# Fields that older records do not have.
_ADDED = ("halves", "people", "clicks_yx", "box_hw", "to_clicks")


def to_record(task: TaskRecord, *, asked: bool = True) -> records.Record:
    """Returns the record of a task for the engine.

    Args:
        task: The task.
        asked: Whether a click model was called.
    """
    row = dataclasses.asdict(task)
    dataset, name = (row.pop(key) for key in _OF_RECORD)
    return records.Record(dataset, name, ({"instance_id": name, **row},), asked=asked)


def from_record(record: records.Record) -> TaskRecord:
    """Returns the task of a record.

    Raises:
        RecordError: The row of the record is not that of an evaluation.
    """
    try:
        (row,) = record.rows
        models: Any = row["models"]
        for measured in models.values():
            if set(measured) != set(MAPS):
                raise KeyError(f"{RAW} and {MASKED} of a click model")
        # Every other has to be there: a default would stand for an unknown value.
        values: dict[str, Any] = {
            key: row[key]
            for key in FIELDS
            if key not in _OF_RECORD and (key in row or key not in _ADDED)
        }
        return TaskRecord(dataset=record.dataset, click_set_id=record.name, **values)
    except records.BROKEN as error:
        problem = "its row is not an evaluation's"
        raise records.RecordError(record.origin, problem) from error


def read_all(folder: store.RunFolder) -> list[TaskRecord]:
    """Reads the records of an evaluation, in order of dataset and file.

    Raises:
        RecordError: A file is not such a record, or belongs to another run.
    """
    return [from_record(record) for record in folder.read_all()]


def shown_maps(identity: JsonObject) -> str:
    """Returns the kind of maps that an evaluation's protocol compares with people."""
    protocol = json_part(identity, "protocol")
    return MASKED if protocol["mask_evaluated_maps"] else RAW


def models_of(identity: JsonObject) -> dict[str, JsonObject]:
    """Returns the descriptions of the click models of an evaluation, by name."""
    models = json_part(identity, "click_models")
    return {name: json_part(models, name) for name in models}


def value(record: TaskRecord, model: str, maps: str, metric: str) -> float:
    """Returns a metric of a click model on a task; NaN where it is not defined."""
    number = record.models.get(model, {}).get(maps, {}).get(metric)
    return float("nan") if number is None else number
