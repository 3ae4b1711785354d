"""What is recorded of an image: its objects and their trajectories, typed.

The rows of `jobs.records` are these dataclasses as JSON.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from rclicks_jax.jobs import records, store
from rclicks_jax.types import Status, Trajectory


@dataclasses.dataclass(frozen=True)
class Person:
    """Who made a trajectory that was replayed, and how it went in the study.

    Attributes:
        name: Name of the person in the file of trajectories; empty if not known.
        input_device: Device of the clicks.
        mode: Display mode.
        ended: How the person ended: `done`, `give_up`, `most_clicks`, or `left`.
        clicks: Number of clicks that stood in the end.
        undone: Number of clicks that were taken back.
        intersection: Pixels of mask and target after each click that stood, of the
            study's segmenter; None where it gave no answer.
        union: Pixels of either.
    """

    name: str
    input_device: str
    mode: str
    ended: str
    clicks: int
    undone: int
    intersection: list[int | None]
    union: list[int | None]


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
        people: Who made each trajectory of the strategy `user_trajectory`, in their
            order; empty in older records.
    """

    instance_id: str
    status: Status
    reason: str = ""
    area: int = 0
    input_device: str = ""
    trajectories: tuple[Trajectory, ...] = ()
    category: str = ""
    image_pixels: int = 0
    people: tuple[Person, ...] = ()


@dataclasses.dataclass(frozen=True)
class ImageRecord:
    """What became of one image.

    Attributes:
        dataset: Its dataset.
        image_id: The image.
        attempt: Number of the attempt, from 1; a retry of failures is a new one.
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


def to_record(image: ImageRecord) -> records.Record:
    """Returns what the engine writes of an image."""
    return records.Record(
        dataset=image.dataset,
        name=image.image_id,
        rows=tuple(dataclasses.asdict(each) for each in image.instances),
        facts={"encodes": image.encodes, "seconds": image.seconds},
        asked=bool(image.encodes),
        attempt=image.attempt,
    )


def from_record(record: records.Record) -> ImageRecord:
    """Returns the image that a record is of.

    Raises:
        RecordError: Its rows are not those of a benchmark.
    """
    try:
        return ImageRecord(
            dataset=record.dataset,
            image_id=record.name,
            attempt=record.attempt,
            encodes=record.facts["encodes"],
            seconds=record.facts["seconds"],
            instances=tuple(map(_instance, record.rows)),
        )
    except records.BROKEN as error:
        problem = "its rows are not a benchmark's"
        raise records.RecordError(record.origin, problem) from error


def read_all(run_folder: store.RunFolder) -> Iterator[ImageRecord]:
    """Yields the newest record of every image, ordered by dataset and name.

    Raises:
        RecordError: A record is damaged, or of another run.
    """
    yield from map(from_record, run_folder.read_all())


def _instance(row: Mapping[str, Any]) -> InstanceRecord:
    trajectories = tuple(map(_trajectory, row["trajectories"]))
    people = tuple(Person(**person) for person in row.get("people", ()))
    values: dict[str, Any] = {**row, "trajectories": trajectories, "people": people}
    return InstanceRecord(**values)


def _trajectory(played: Mapping[str, Any]) -> Trajectory:
    clicks = [tuple(click) for click in played["clicks"]]
    values: dict[str, Any] = {**played, "clicks": clicks}
    return Trajectory(**values)
