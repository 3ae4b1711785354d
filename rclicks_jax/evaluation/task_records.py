"""What an evaluation of click models wrote down of each click task.

One JSON file a task. A click model's map is measured twice: as it is (`raw`), and
multiplied by the error mask (`masked`).
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from etils import epath

from rclicks_jax import errors
from rclicks_jax.evaluation.choices import MAPS, MASKED, RAW
from rclicks_jax.runs import records, store

KIND = "evaluation"


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
    status: records.Status = "ok"
    reason: str = ""
    models: Mapping[str, Mapping[str, Mapping[str, float | None]]] = dataclasses.field(
        default_factory=dict
    )


FIELDS = tuple(field.name for field in dataclasses.fields(TaskRecord))


def write(folder: store.RunFolder, record: TaskRecord) -> None:
    """Writes a record; its task is finished then."""
    path = _path_of(folder, record.dataset, record.click_set_id)
    text = json.dumps(dataclasses.asdict(record)) + "\n"
    store.write_atomically(path, text.encode())


def is_finished(folder: store.RunFolder, dataset: str, name: str) -> bool:
    """Tells whether a task has a record and did not fail."""
    path = _path_of(folder, dataset, name)
    return path.exists() and _read(path).status != "failed"


def read_all(folder: store.RunFolder) -> list[TaskRecord]:
    """Reads the records of an evaluation, in order of dataset and file.

    Raises:
        RunFolderError: A file is no such record.
    """
    return [_read(path) for path in sorted(folder.path.glob("records/*/*.json"))]


def _path_of(folder: store.RunFolder, dataset: str, name: str) -> epath.Path:
    of_dataset = folder.path / "records" / store.file_name(dataset)
    return of_dataset / f"{store.file_name(name)}.json"


def _read(path: epath.Path) -> TaskRecord:
    try:
        record = json.loads(path.read_text())
        for measured in record["models"].values():
            if set(measured) != set(MAPS):
                raise KeyError(f"{RAW} and {MASKED} of a click model")
        return TaskRecord(**{key: record[key] for key in FIELDS})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise errors.RunFolderError(
            f"{path} is not a record of this release: {error!r}. Move it away and run "
            "the same command again: only this task is repeated."
        ) from error


def shown_maps(hashed: Mapping[str, Any]) -> str:
    """Returns which maps the protocol of an evaluation compares with people."""
    return MASKED if hashed["protocol"]["mask_evaluated_maps"] else RAW


def value(record: TaskRecord, model: str, maps: str, metric: str) -> float:
    """Returns what a click model reached; NaN where it is not defined."""
    found = record.models.get(model, {}).get(maps, {}).get(metric)
    return float("nan") if found is None else found
