"""What an evaluation of click models wrote down of each click task.

One JSON file a task. A click model's map is measured twice: as it is (`raw`), and
multiplied by the error mask (`masked`).
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from etils import epath

from rclicks_jax.evaluation.choices import MAPS, MASKED, RAW
from rclicks_jax.files import why_unreadable
from rclicks_jax.runs import records, store
from rclicks_jax.types import Status

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
    status: Status = "ok"
    reason: str = ""
    models: Mapping[str, Mapping[str, Mapping[str, float | None]]] = dataclasses.field(
        default_factory=dict
    )


FIELDS = tuple(field.name for field in dataclasses.fields(TaskRecord))


def write(folder: store.RunFolder, record: TaskRecord) -> None:
    """Writes a record; its task is finished then."""
    path = _path_of(folder, record.dataset, record.click_set_id)
    described = {
        **dataclasses.asdict(record),
        "reason": records.printable(record.reason),
    }
    text = json.dumps(records.sealed(described, folder.run)) + "\n"
    store.write_atomically(path, text.encode())


def is_finished(folder: store.RunFolder, dataset: str, name: str) -> bool:
    """Tells whether a task has a record and did not fail.

    Raises:
        RecordError: The record is damaged, or of another run.
    """
    path = _path_of(folder, dataset, name)
    if not path.exists():
        return False
    record, run = _read(folder, path)
    folder.owns(run, str(path))
    return record.status != "failed"


def has_results(folder: store.RunFolder) -> bool:
    """Tells whether a task of any record is `ok`, whichever run it is of."""
    return store.any_results(
        folder.record_files(), lambda path: _read(folder, path)[0].status == "ok"
    )


def read_all(folder: store.RunFolder) -> list[TaskRecord]:
    """Reads the records of an evaluation, in order of dataset and file.

    Raises:
        RecordError: A file is no such record, or of another run.
    """
    found = []
    for path in folder.record_files():
        record, run = _read(folder, path)
        if folder.owns(run, str(path), strict=record.status == "ok"):
            found.append(record)
    return found


def _path_of(folder: store.RunFolder, dataset: str, name: str) -> epath.Path:
    of_dataset = folder.path / "records" / store.file_name(dataset)
    return of_dataset / f"{store.file_name(name)}.json"


def _read(folder: store.RunFolder, path: epath.Path) -> tuple[TaskRecord, str]:
    """Reads a record, and says of which run it is."""
    try:
        described = json.loads(store.read_record(path))
        whole = records.unsealed(described, str(path))
        for measured in whole["models"].values():
            if set(measured) != set(MAPS):
                raise KeyError(f"{RAW} and {MASKED} of a click model")
        record = TaskRecord(**{key: whole[key] for key in FIELDS})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise records.RecordError(str(path), why_unreadable(error)) from error
    if _path_of(folder, record.dataset, record.click_set_id) != path:
        problem = f"it is of {record.dataset}/{record.click_set_id}"
        raise records.RecordError(str(path), problem)
    return record, records.run_of(whole)


def shown_maps(hashed: Mapping[str, Any]) -> str:
    """Returns which maps the protocol of an evaluation compares with people."""
    return MASKED if hashed["protocol"]["mask_evaluated_maps"] else RAW


def value(record: TaskRecord, model: str, maps: str, metric: str) -> float:
    """Returns what a click model reached; NaN where it is not defined."""
    found = record.models.get(model, {}).get(maps, {}).get(metric)
    return float("nan") if found is None else found
