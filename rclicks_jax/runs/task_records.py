"""What an evaluation of click models wrote down of each click task.

One JSON file a task. A click model's map is measured twice: as it is (`raw`), and
multiplied by the error mask (`masked`).
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rclicks_jax import errors
from rclicks_jax.runs import store
from rclicks_jax.runs.records import Status

KIND = "evaluation"
RAW, MASKED = MAPS = ("raw", "masked")


@dataclasses.dataclass(frozen=True)
class TaskRecord:
    """What became of one click task.

    Attributes:
        dataset: Its dataset.
        click_set_id: The task.
        image_id: The photograph.
        click_type: `first`, `fn` or `fp`; `unknown` if the task could not be read.
        input_device: What made the clicks; empty if the task could not be read.
        clicks: How many people clicked.
        status: `ok`; `skipped` if it has no answer; `failed` if something broke.
        reason: Why it is not `ok`.
        models: By click model, by `raw` and `masked`, by metric; None where a metric is
            not defined.
    """

    dataset: str
    click_set_id: str
    image_id: str
    click_type: str
    input_device: str
    clicks: int
    status: Status
    reason: str
    models: Mapping[str, Mapping[str, Mapping[str, float | None]]]


FIELDS = tuple(field.name for field in dataclasses.fields(TaskRecord))


def read_all(folder: store.RunFolder) -> list[TaskRecord]:
    """Reads the records of an evaluation, in order of dataset and file.

    Raises:
        RunFolderError: A file is no such record.
    """
    paths = sorted(folder.path.glob("records/*/*.json"))
    return [_from_json(path.read_text(), str(path)) for path in paths]


def _from_json(text: str, name: str) -> TaskRecord:
    try:
        record = json.loads(text)
        for measured in record["models"].values():
            if set(measured) != set(MAPS):
                raise KeyError(f"{RAW} and {MASKED} of a click model")
        return TaskRecord(**{key: record[key] for key in FIELDS})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise errors.RunFolderError(
            f"{name} is not a record of this release: {error!r}. Evaluate again into "
            "another folder."
        ) from error


def shown_maps(hashed: Mapping[str, Any]) -> str:
    """Returns which maps the protocol of an evaluation compares with people."""
    return MASKED if hashed["protocol"]["mask_evaluated_maps"] else RAW


def value(record: TaskRecord, model: str, maps: str, metric: str) -> float:
    """Returns what a click model reached; NaN where it is not defined."""
    found = record.models.get(model, {}).get(maps, {}).get(metric)
    return float("nan") if found is None else found
