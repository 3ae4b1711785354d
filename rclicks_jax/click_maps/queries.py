"""Queries for the click model: the objects of an image."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from rclicks_jax.data import raw
from rclicks_jax.jobs import failures, records
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.types import ClickQuery, ImageExample, Status

MEMORY_ADVICE = "Set --batch to less, or make the photograph smaller."


@dataclasses.dataclass(frozen=True)
class Target:
    """An object that needs a click map.

    Attributes:
        dataset: Name of the dataset.
        image_id: The image of the object.
        instance_id: The object or click task.
        query: The query for the click model.
    """

    dataset: str
    image_id: str
    instance_id: str
    query: ClickQuery

    def row(
        self, status: Status, reason: str = "", **more: object
    ) -> dict[str, object]:
        """Returns the row of the object; `more` are further JSON values."""
        return records.row(
            self.instance_id, status, reason, image_id=self.image_id, **more
        )


@dataclasses.dataclass
class Image:
    """An image, or the image of a click task, with its objects.

    Attributes:
        unit: The unit of work.
        targets: The objects that can be used; each is decoded when it is taken.
        pixels: Number of pixels of the image; 0 if no object can be used.
        rejected: Rows of the objects that cannot be used.
    """

    unit: Unit
    targets: Sequence[Target]
    pixels: int
    rejected: list[dict[str, object]]


def read(unit: Unit, tasks: bool) -> Image:
    """Reads an image or a click task; objects that cannot be used are in `rejected`."""
    dataset, name = unit.dataset, unit.name
    try:
        example = unit.source.read()
    except Exception as error:
        reason = why(error)
        image_id = "" if tasks else name
        names = unit.objects or (name,)
        rejected = [
            _rejected(image_id, name_of_object, reason) for name_of_object in names
        ]
        return Image(unit, (), 0, rejected)
    height, width = example.image.shape[:2]
    if tasks:
        first = example.prev_mask is None
        error_mask = example.gt_mask if first else example.error_mask
        query = ClickQuery(example.image, example.gt_mask, error_mask)
        if error_mask.any():
            target = Target(dataset, example.image_id, name, query)
            return Image(unit, (target,), height * width, [])
        reason = raw.EMPTY if first else failures.NOTHING_WRONG
        return Image(unit, (), 0, [_rejected(example.image_id, name, reason)])
    rejected = [_rejected(name, *problem) for problem in example.problems]
    objects = _Objects(example)
    return Image(unit, objects, height * width * bool(objects), rejected)


class _Objects(Sequence[Target]):
    """The objects of an image; each mask is decoded only when the object is taken."""

    def __init__(self, example: ImageExample) -> None:
        self._example = example

    def __len__(self) -> int:
        return len(self._example.instances)

    @overload
    def __getitem__(self, index: int) -> Target: ...

    @overload
    def __getitem__(self, index: slice) -> list[Target]: ...

    def __getitem__(self, index: int | slice) -> Target | list[Target]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        example = self._example
        instance = example.instances[index]
        query = ClickQuery(example.image, instance.gt_mask, instance.gt_mask)
        return Target(example.dataset, example.image_id, instance.instance_id, query)


def problems(unit: Unit, tasks: bool) -> Iterator[str]:
    """Yields why objects of a unit cannot be used; first "" if any object can."""
    image = read(unit, tasks)
    if len(image.targets):
        yield ""
    yield from (str(row["reason"]) for row in image.rejected)


def why(error: Exception) -> str:
    """Returns the reason why an image or an object failed."""
    return failures.reason(error, MEMORY_ADVICE)


def _rejected(image_id: str, instance_id: str, reason: str) -> dict[str, object]:
    """Returns the row of an object that cannot be used.

    An object without anything to click on is `skipped`; any other has `failed`.
    """
    skipped = reason in (*raw.NO_TARGET, failures.NOTHING_WRONG)
    status = "skipped" if skipped else "failed"
    return records.row(instance_id, status, reason, image_id=image_id)


def first_queries(units: Iterable[Unit], tasks: bool, count: int) -> list[ClickQuery]:
    """Returns the queries of the first `count` objects that can be used."""
    targets = (target for unit in units for target in read(unit, tasks).targets)
    return [target.query for target in itertools.islice(targets, count)]
