"""What is written down of an image: JSON lines, one for it and one for each object.

Every record, also of other jobs, is sealed: it says which run it belongs to, and has a
checksum. Those of releases before that have neither, and are still read.
"""

import collections
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from rclicks_jax import errors
from rclicks_jax.errors import printable as printable
from rclicks_jax.files import why_unreadable
from rclicks_jax.types import Status, Trajectory

_HEAD = ("dataset", "image_id", "attempt", "encodes", "seconds")
_RUN, _CHECKSUM = "run", "checksum"


class RecordError(errors.RunFolderError):
    """A record is damaged, or of another run: its image or task is to be repeated."""

    def __init__(self, message: str, problem: str | None = None) -> None:
        """Says which record it is, what is wrong, and what to do.

        Args:
            message: The record; or the whole message, if nothing else is given.
            problem: What is wrong with it.
        """
        # pickle makes an error anew of its message alone.
        told = (
            f"{message} is not a record that can be used: {problem}. Start its run "
            "again, with all images: only this image or task is repeated."
        )
        super().__init__(message if problem is None else told)


@dataclasses.dataclass(frozen=True)
class InstanceRecord:
    """What became of one object.

    Attributes:
        instance_id: The object.
        status: `ok`; `skipped` if it cannot be a target; `failed` if something broke.
        reason: Why it is not `ok`.
        area: Pixels of the target that count.
        input_device: What made the real clicks that were replayed; empty for none.
        trajectories: What was played.
        category: What kind of thing it is; empty if unknown, and in older records.
        image_pixels: Pixels of the photograph; 0 in older records.
    """

    instance_id: str
    status: Status
    reason: str = ""
    area: int = 0
    input_device: str = ""
    trajectories: tuple[Trajectory, ...] = ()
    category: str = ""
    image_pixels: int = 0


@dataclasses.dataclass(frozen=True)
class ImageRecord:
    """What became of one image.

    Attributes:
        dataset: Its dataset.
        image_id: The image.
        attempt: From 1; a retry of failures is a new attempt.
        encodes: How often it was encoded.
        seconds: Wall time by part: encode, predict, simulate, score.
        instances: Its objects.
        run: Hash of the run it belongs to; empty in records of releases before that.
    """

    dataset: str
    image_id: str
    attempt: int
    encodes: int
    seconds: dict[str, float]
    instances: tuple[InstanceRecord, ...]
    run: str = ""

    @property
    def has_results(self) -> bool:
        """Whether some object is in the tables."""
        return any(instance.status == "ok" for instance in self.instances)

    @property
    def failed(self) -> bool:
        """Whether some object failed, so that a retry may help."""
        return any(instance.status == "failed" for instance in self.instances)


def to_lines(record: ImageRecord) -> str:
    """Writes a record as JSON lines: the image first, then its objects."""
    rows = [
        {"kind": "instance", **dataclasses.asdict(instance)}
        for instance in record.instances
    ]
    for row in rows:
        row["reason"] = printable(row["reason"])
    body = "".join(map(_line, rows))
    head = {
        "kind": "image",
        **{name: getattr(record, name) for name in _HEAD},
        "objects": len(rows),
        "body": _hash(body),
    }
    return _line(sealed(head, record.run)) + body


def from_lines(text: str, name: str) -> ImageRecord:
    """Reads what `to_lines` wrote.

    Args:
        text: The lines.
        name: What an error calls them.

    Raises:
        RecordError: They are not such lines, were cut or changed, or name an object
            twice.
    """
    first, _, body = text.partition("\n")
    try:
        head = unsealed(json.loads(first), name)
        rows = [json.loads(line) for line in body.splitlines()]
        if head["kind"] != "image":
            raise KeyError("kind")
        instances = tuple(map(_instance, rows))
        record = ImageRecord(**{key: head[key] for key in _HEAD}, instances=instances)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RecordError(name, why_unreadable(error)) from error
    if not rows and "body" not in head:
        # An image without objects, or a record of before that was cut: repeat it.
        raise RecordError(name, "it has no object and may have been cut")
    if "body" in head and head["body"] != _hash(body):
        problem = f"its lines are not the {head['objects']} that were written"
        raise RecordError(name, problem)
    counts = collections.Counter(one.instance_id for one in instances)
    for twice, times in counts.most_common(1):
        if times > 1:
            raise RecordError(name, f"object {twice!r} is in it {times} times")
    return dataclasses.replace(record, run=head.get(_RUN, ""))


def sealed(described: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Returns a record with the hash of its run and its own checksum."""
    of_run = {**described, _RUN: run}
    return {**of_run, _CHECKSUM: _hash(_line(of_run))}


def unsealed(described: Any, name: str) -> dict[str, Any]:
    """Returns a record without its checksum; one without is of an older release.

    Args:
        described: The record, from JSON.
        name: What an error calls it.

    Raises:
        RecordError: It is no record, or was changed since.
    """
    if not isinstance(described, dict):
        raise RecordError(name, "it is no JSON object")
    checksum = described.pop(_CHECKSUM, None)
    if (checksum is None) == (_RUN in described) or (
        checksum is not None and checksum != _hash(_line(described))
    ):
        raise RecordError(name, "its checksum is not that of its content")
    return described


def run_of(described: Mapping[str, Any]) -> str:
    """Returns the hash of the run of a record; empty if its release had none."""
    return described.get(_RUN, "")


def _line(described: Mapping[str, Any]) -> str:
    return json.dumps(described, separators=(",", ":")) + "\n"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _instance(row: dict[str, Any]) -> InstanceRecord:
    row.pop("kind")
    row["reason"] = printable(row["reason"])
    return InstanceRecord(**{**row, "trajectories": _trajectories(row)})


def _trajectories(row: dict[str, Any]) -> tuple[Trajectory, ...]:
    return tuple(
        Trajectory(**{**each, "clicks": [tuple(click) for click in each["clicks"]]})
        for each in row["trajectories"]
    )


def failed_share(counts: Mapping[str, int]) -> float:
    """Returns the share of objects that failed, of counts by status."""
    return counts["failed"] / max(1, sum(counts.values()))


def count(statuses: Iterable[Status]) -> dict[str, int]:
    """Counts objects or tasks by status; all three are there."""
    counts = collections.Counter(statuses)
    return {status: counts[status] for status in get_args(Status)}
