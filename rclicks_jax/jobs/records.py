"""The record of a unit of work: JSON lines, a head and a row for each object.

The head names job and run, and has checksums, so that a record that was cut or changed,
or belongs to another run, is noticed. `formats` reads records of older releases.
"""

import collections
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from rclicks_jax import errors
from rclicks_jax.files import why_unreadable
from rclicks_jax.types import JsonObject, Status, is_json_object

FORMAT = 3
_HEAD = ("format", "kind", "run", "dataset", "name", "attempt", "facts")
# Errors that parsing may raise if a text is not a record.
BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class RecordError(errors.RunFolderError):
    """A record is damaged or belongs to another run; its unit has to be repeated."""

    def __init__(self, message: str, problem: str | None = None) -> None:
        """Makes the message: which record, what is wrong, and what to do.

        Args:
            message: Path of the record; without `problem`, the whole message.
            problem: What is wrong with the record.
        """
        # pickle calls the constructor with the message alone.
        explained = (
            f"{message} is not a record that can be used: {problem}. Start its run "
            "again, with all images: only this image or task is repeated."
        )
        super().__init__(message if problem is None else explained)


@dataclasses.dataclass(frozen=True)
class Record:
    """The results of a unit of work.

    Attributes:
        dataset: Name of the dataset.
        name: Name of the unit in the dataset.
        rows: A JSON object for each object of the unit. Each has `status`, and `reason`
            unless the status is `ok`.
        facts: JSON values that hold for the whole unit.
        asked: Whether the segmenter or click model was called for the unit; not
            written. A unit that could not be read says nothing about them.
        attempt: Number of the attempt, from 1; the folder counts.
        run: Hash of the run; empty in records of the oldest releases.
        origin: Path of the file that it was read from, for messages.
    """

    dataset: str
    name: str
    rows: tuple[JsonObject, ...]
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    asked: bool = True
    attempt: int = 1
    run: str = ""
    origin: str = ""

    @property
    def statuses(self) -> list[Status]:
        """The status of each object."""
        return [cast(Status, row["status"]) for row in self.rows]

    @property
    def has_results(self) -> bool:
        """Whether some object is `ok`."""
        return "ok" in self.statuses

    @property
    def failed(self) -> bool:
        """Whether some object failed, so that a retry may help."""
        return "failed" in self.statuses

    @property
    def reasons(self) -> list[str]:
        """The reasons of the objects that failed."""
        return [str(row["reason"]) for row in self.rows if row["status"] == "failed"]


def to_lines(record: Record, kind: str) -> str:
    """Returns a record of a kind of job as JSON lines, the head first."""
    rows = [
        {**row, "reason": errors.printable(str(row.get("reason", "")))}
        for row in record.rows
    ]
    body = "".join(map(line, rows))
    head = {
        "format": FORMAT,
        "kind": kind,
        "run": record.run,
        "dataset": record.dataset,
        "name": record.name,
        "attempt": record.attempt,
        "facts": dict(record.facts),
        "rows": len(rows),
        "body": hash_of_text(body),
    }
    return line({**head, "checksum": hash_of_text(line(head))}) + body


def from_lines(text: str, name: str, kind: str) -> Record:
    """Reads a record that `to_lines` has written.

    Args:
        text: The lines.
        name: Path of the record, for messages.
        kind: The kind of job that must have written it.

    Raises:
        RecordError: The text is not a record, was cut or changed, or another kind of
            job wrote it.
    """
    first, _, body = text.partition("\n")
    try:
        head = json.loads(first)
        missing = {*_HEAD, "rows", "body", "checksum"} - {*head}
        if missing:
            raise RecordError(name, f"its head lacks {', '.join(sorted(missing))}")
        if head.pop("checksum") != hash_of_text(line(head)):
            raise RecordError(name, "its head is not what was written")
        if head["body"] != hash_of_text(body):
            problem = f"its lines are not the {head['rows']} that were written"
            raise RecordError(name, problem)
        if head["kind"] != kind:
            raise RecordError(name, f"it is of a job of kind {head['kind']!r}")
        rows = tuple(json.loads(text_row) for text_row in body.splitlines())
    except BROKEN as error:
        raise RecordError(name, why_unreadable(error)) from error
    return Record(
        dataset=head["dataset"],
        name=head["name"],
        rows=rows,
        facts=head["facts"],
        attempt=head["attempt"],
        run=head["run"],
    )


def checked(record: Record, name: str) -> Record:
    """Returns the record unless a row is not valid.

    Raises:
        RecordError: A row has no known status, or two rows have the same object.
    """
    known = get_args(Status)
    for row in record.rows:
        if not is_json_object(row) or row.get("status") not in known:
            raise RecordError(name, f"a row has no status ({', '.join(known)})")
    names = [row["instance_id"] for row in record.rows if "instance_id" in row]
    for twice, times in collections.Counter(names).most_common(1):
        if times > 1:
            raise RecordError(name, f"object {twice!r} is in it {times} times")
    return record


def row(
    instance_id: str, status: Status, reason: str = "", **more: object
) -> dict[str, object]:
    """Returns the row of an object; `more` are further JSON values."""
    common = {"instance_id": instance_id, "status": status, "reason": reason}
    return {**common, **more}


def line(value: JsonObject) -> str:
    """Returns a JSON object as one line of text."""
    return json.dumps(value, separators=(",", ":")) + "\n"


def hash_of_text(text: str) -> str:
    """Returns a checksum of text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def failed_share(counts: Mapping[str, int]) -> float:
    """Returns the share of objects that failed, given the counts by status."""
    return counts["failed"] / max(1, sum(counts.values()))


def count(statuses: Iterable[Status]) -> dict[str, int]:
    """Counts objects or tasks by status; all three statuses are keys."""
    counts = collections.Counter(statuses)
    return {status: counts[status] for status in get_args(Status)}
