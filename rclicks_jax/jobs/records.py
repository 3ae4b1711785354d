"""What is written down of a unit of work: JSON lines, a head and a row an object.

The head says which job and run the record is of, and seals it: a record that was cut,
changed, or belongs to another run is noticed. `formats` reads those of older releases.
"""

import collections
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from rclicks_jax import errors
from rclicks_jax.files import why_unreadable
from rclicks_jax.types import Status

FORMAT = 3
_HEAD = ("format", "kind", "run", "dataset", "name", "attempt", "facts")
# What taking apart something that is no record may raise.
BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class RecordError(errors.RunFolderError):
    """A record is damaged, or of another run: its unit is to be repeated."""

    def __init__(self, message: str, problem: str | None = None) -> None:
        """Says which record it is, what is wrong, and what to do.

        Args:
            message: The record; or the whole message, if nothing else is given.
            problem: What is wrong with it.
        """
        # pickle makes an error anew of its message alone.
        explained = (
            f"{message} is not a record that can be used: {problem}. Start its run "
            "again, with all images: only this image or task is repeated."
        )
        super().__init__(message if problem is None else explained)


@dataclasses.dataclass(frozen=True)
class Record:
    """What became of a unit of work.

    Attributes:
        dataset: Its dataset.
        name: Its name there.
        rows: JSON objects, one for each of its objects; all have `status`, and
            `reason` unless it is `ok`.
        facts: What holds for the whole unit, JSON values.
        asked: Whether that which is tested was asked about it; not written down. A unit
            that could not be read says nothing about a segmenter or click model.
        attempt: From 1; the folder counts.
        run: Hash of the run it belongs to; empty in records of the oldest releases.
        origin: What an error calls it: the file that it was read from.
    """

    dataset: str
    name: str
    rows: tuple[Mapping[str, Any], ...]
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    asked: bool = True
    attempt: int = 1
    run: str = ""
    origin: str = ""

    @property
    def statuses(self) -> list[Status]:
        """The status of each object."""
        return [row["status"] for row in self.rows]

    @property
    def has_results(self) -> bool:
        """Whether some object is in the tables."""
        return "ok" in self.statuses

    @property
    def failed(self) -> bool:
        """Whether some object failed, so that a retry may help."""
        return "failed" in self.statuses

    @property
    def reasons(self) -> list[str]:
        """Why objects failed."""
        return [row["reason"] for row in self.rows if row["status"] == "failed"]


def to_lines(record: Record, kind: str) -> str:
    """Writes a record of a kind of job as JSON lines, the head first."""
    rows = [
        {**row, "reason": errors.printable(row.get("reason", ""))}
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
    """Reads what `to_lines` wrote.

    Args:
        text: The lines.
        name: What an error calls them.
        kind: The job they must be of.

    Raises:
        RecordError: They are not such lines, were cut or changed, or name an object
            twice.
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
        rows = tuple(json.loads(each) for each in body.splitlines())
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
    """Returns a record whose rows are what rows are.

    Raises:
        RecordError: A row has no known status, or an object comes twice.
    """
    known = get_args(Status)
    for row in record.rows:
        if not isinstance(row, Mapping) or row.get("status") not in known:
            raise RecordError(name, f"a row has no status ({', '.join(known)})")
    names = [row["instance_id"] for row in record.rows if "instance_id" in row]
    for twice, times in collections.Counter(names).most_common(1):
        if times > 1:
            raise RecordError(name, f"object {twice!r} is in it {times} times")
    return record


def row(
    instance_id: str, status: Status, reason: str = "", **more: Any
) -> dict[str, Any]:
    """Returns the row of an object."""
    described = {"instance_id": instance_id, "status": status, "reason": reason}
    return {**described, **more}


def line(value: Mapping[str, Any]) -> str:
    """Returns a JSON object as a line."""
    return json.dumps(value, separators=(",", ":")) + "\n"


def hash_of_text(text: str) -> str:
    """Returns a checksum of text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def failed_share(counts: Mapping[str, int]) -> float:
    """Returns the share of objects that failed, of counts by status."""
    return counts["failed"] / max(1, sum(counts.values()))


def count(statuses: Iterable[Status]) -> dict[str, int]:
    """Counts objects or tasks by status; all three are there."""
    counts = collections.Counter(statuses)
    return {status: counts[status] for status in get_args(Status)}
