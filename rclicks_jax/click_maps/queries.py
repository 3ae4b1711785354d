"""Whose click maps are wanted: objects of photographs, read ahead to fill batches."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rclicks_jax.data import raw
from rclicks_jax.jobs import failures, records
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.types import ClickQuery, ImageExample, Status

MEMORY_ADVICE = "Set --batch to less, or make the photograph smaller."
# Photographs read ahead to fill a batch hold at most so many pixels together.
_PIXELS_TOGETHER = 1 << 27


@dataclasses.dataclass(frozen=True)
class Asked:
    """An object whose click map is wanted.

    Attributes:
        dataset: Its dataset.
        image_id: Its photograph.
        instance_id: The object or click task.
        query: For the click model.
    """

    dataset: str
    image_id: str
    instance_id: str
    query: ClickQuery

    def row(self, status: Status, reason: str = "", **more: Any) -> dict[str, Any]:
        """Returns what a record says of the object."""
        return records.row(
            self.instance_id, status, reason, image_id=self.image_id, **more
        )


@dataclasses.dataclass
class Image:
    """A photograph, or the photograph of a click task, with what is asked of it.

    Attributes:
        unit: Where it is from.
        asked: Its objects that can be used; each is read when it is taken.
        pixels: Of the photograph, if some object can be used.
        done: What is recorded of its other objects, and of those already written.
    """

    unit: Unit
    asked: Sequence[Asked]
    pixels: int
    done: list[dict[str, Any]]


def gather(units: Iterable[Unit], tasks: bool, batch: int) -> Iterator[list[Image]]:
    """Reads images, and yields them as soon as their objects fill a batch.

    Args:
        units: Images, or click tasks.
        tasks: Whether they are click tasks.
        batch: Objects that fill it.
    """
    together: list[Image] = []
    objects = pixels = 0
    for unit in units:
        image = read(unit, tasks)
        together.append(image)
        objects += len(image.asked)
        pixels += image.pixels
        if objects >= batch or pixels >= _PIXELS_TOGETHER:
            yield together
            together, objects, pixels = [], 0, 0
    if together:
        yield together


def read(unit: Unit, tasks: bool) -> Image:
    """Reads a unit, an image or a click task; what cannot be used is already `done`."""
    dataset, name = unit.dataset, unit.name
    try:
        example = unit.source.read()
    except Exception as error:
        reason = why(error)
        image_id = "" if tasks else name
        names = unit.objects or (name,)
        rejected = [_rejected(image_id, each, reason) for each in names]
        return Image(unit, (), 0, rejected)
    height, width = example.image.shape[:2]
    if tasks:
        first = example.prev_mask is None
        error_mask = example.gt_mask if first else example.error_mask
        query = ClickQuery(example.image, example.gt_mask, error_mask)
        if error_mask.any():
            asked = Asked(dataset, example.image_id, name, query)
            return Image(unit, (asked,), height * width, [])
        reason = raw.EMPTY if first else failures.NOTHING_WRONG
        return Image(unit, (), 0, [_rejected(example.image_id, name, reason)])
    rejected = [_rejected(name, *problem) for problem in example.problems]
    objects = _Objects(example)
    return Image(unit, objects, height * width * bool(objects), rejected)


class _Objects(Sequence[Asked]):
    """The objects of a photograph, each with its mask only while it is worked on."""

    def __init__(self, example: ImageExample) -> None:
        self._example = example

    def __len__(self) -> int:
        return len(self._example.instances)

    def __getitem__(self, index: Any) -> Any:
        example = self._example
        one = example.instances[index]
        query = ClickQuery(example.image, one.gt_mask, one.gt_mask)
        return Asked(example.dataset, example.image_id, one.instance_id, query)


def problems(unit: Unit, tasks: bool) -> Iterator[str]:
    """Yields why objects of a unit cannot be used; empty for those that can."""
    image = read(unit, tasks)
    if len(image.asked):
        yield ""
    yield from (one["reason"] for one in image.done)


def why(error: Exception) -> str:
    """Says why an image or an object failed."""
    return failures.reason(error, MEMORY_ADVICE)


def _rejected(image_id: str, instance_id: str, reason: str) -> dict[str, Any]:
    """Records an object that cannot be used: what is nothing to click on is skipped."""
    skipped = reason in (*raw.NO_TARGET, failures.NOTHING_WRONG)
    status = "skipped" if skipped else "failed"
    return records.row(instance_id, status, reason, image_id=image_id)


def first_queries(planned: Iterable[Unit], tasks: bool, count: int) -> list[ClickQuery]:
    """Returns the queries of the first objects that can be used."""
    asked = (one for unit in planned for one in read(unit, tasks).asked)
    return [one.query for one in itertools.islice(asked, count)]
