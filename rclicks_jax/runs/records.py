"""What is written down of an image: JSON lines, one for it and one for each object."""

import collections
import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from rclicks_jax import errors
from rclicks_jax.types import Trajectory

Status = Literal["ok", "skipped", "failed"]


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
        image_pixels: Pixels of the photograph; 0 in older records.
    """

    instance_id: str
    status: Status
    reason: str = ""
    area: int = 0
    input_device: str = ""
    trajectories: tuple[Trajectory, ...] = ()
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
    """

    dataset: str
    image_id: str
    attempt: int
    encodes: int
    seconds: dict[str, float]
    instances: tuple[InstanceRecord, ...]

    @property
    def failed(self) -> bool:
        """Whether some object failed, so that a retry may help."""
        return any(instance.status == "failed" for instance in self.instances)


def to_lines(record: ImageRecord) -> str:
    """Writes a record as JSON lines: the image first, then its objects."""
    head = {
        field: getattr(record, field)
        for field in ("dataset", "image_id", "attempt", "encodes", "seconds")
    }
    rows: list[dict[str, Any]] = [{"kind": "image", **head}]
    rows += [
        {"kind": "instance", **dataclasses.asdict(instance)}
        for instance in record.instances
    ]
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def from_lines(text: str, name: str) -> ImageRecord:
    """Reads what `to_lines` wrote.

    Args:
        text: The lines.
        name: What an error calls them.

    Raises:
        RunFolderError: They are not such lines.
    """
    try:
        head, *rows = (json.loads(line) for line in text.splitlines())
        head.pop("kind")
        return ImageRecord(**head, instances=tuple(map(_instance, rows)))
    except (ValueError, TypeError, KeyError) as error:
        raise errors.RunFolderError(
            f"{name} is not a record of this release: {error}. Move it away and run "
            "the same command again: only this image is repeated."
        ) from error


def _instance(row: dict[str, Any]) -> InstanceRecord:
    row.pop("kind")
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
