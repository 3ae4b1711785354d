"""The units of work of a job, their order, and which process owns them."""

import collections
import dataclasses
import hashlib
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax

from rclicks_jax import distributed, errors
from rclicks_jax.data import packages
from rclicks_jax.jobs import balance, failures, records, store


class Place(NamedTuple):
    """The position of an image or click task in a packaged dataset."""

    package: packages.Package
    row: packages.Row

    def read(self) -> Any:
        """Reads the image or click task.

        Raises:
            DataError: It cannot be read.
        """
        return self.package.read(self.row)


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit of work: an image with all its objects, or a click task.

    Attributes:
        dataset: Name of the dataset.
        name: Name of the unit in the dataset.
        objects: Names of its objects; empty if they are unknown until it is read.
        source: Where the job reads it from, such as a `Place`.
        pixels: Number of pixels of its photograph; 0 if unknown.
    """

    dataset: str
    name: str
    objects: tuple[str, ...]
    source: Any
    pixels: int = 0

    @property
    def key(self) -> str:
        """Text that names the unit among all units of a run."""
        return f"{self.dataset}/{self.name}"


def of_packages(
    datasets: Sequence[packages.Package], *, split: str, max_images: int = 0
) -> list[Unit]:
    """Returns every image or click task of a run, in order of datasets and images.

    Args:
        datasets: The packages of the datasets.
        split: `all`, or a split that every dataset has.
        max_images: Largest number of images or tasks of each dataset; 0 for all.

    Raises:
        DataError: A dataset has no usable object in the split.
    """
    units: list[Unit] = []
    for package in datasets:
        rows = package.select(split)[: max_images or None]
        packages.require_usable(package.dataset, rows)
        units += [
            Unit(
                package.dataset,
                row.name,
                row.instance_ids,
                Place(package, row),
                pixels=math.prod(row.shape),
            )
            for row in rows
        ]
    return units


def owned(units: Sequence[Unit], shard: tuple[int, int] = (0, 1)) -> list[Unit]:
    """Returns the units that this process works on, in the order of the plan.

    They depend on the plan alone: not on its order, nor on what is finished. All
    processes get nearly the same numbers of objects and of pixels. Shards share the
    plan, and the processes of a shard share its part, so that shards may have different
    numbers of processes.

    Args:
        units: The plan: all units of the run.
        shard: Number of this shard, from 0, and number of shards.
    """
    number, count = shard
    ordered = sorted(units, key=lambda unit: (unit.dataset, unit.name))
    ours = _part(
        _part(ordered, number, count), jax.process_index(), jax.process_count()
    )
    mine = {(unit.dataset, unit.name) for unit in ours}
    return [unit for unit in units if (unit.dataset, unit.name) in mine]


def _part(units: Sequence[Unit], number: int, count: int) -> Sequence[Unit]:
    """Returns one of several parts of equal load."""
    if count == 1:
        return units
    loads = [balance.Load(max(1, len(unit.objects)), unit.pixels) for unit in units]
    parts = balance.parts(loads, count).tolist()
    return [unit for unit, part in zip(units, parts, strict=True) if part == number]


def unfinished(
    units: Sequence[Unit], run_folder: store.RunFolder
) -> list[tuple[Unit, int]]:
    """Returns the units that are not finished, with the number of the next attempt.

    Failed units are tried again, and so are units whose record is damaged or belongs to
    another run; a note is printed of these.
    """
    newest = run_folder.newest()
    left: list[tuple[Unit, int]] = []
    problems: list[str] = []
    for unit in units:
        done, path = newest.get(store.key_of(unit.dataset, unit.name), (0, None))
        try:
            if path is not None and not run_folder.read(path).failed:
                continue
        except records.RecordError as error:
            problems.append(str(error))
        left.append((unit, done + 1))
    if problems:
        print(
            f"note: {len(problems)} records cannot be used, and their images or tasks "
            f"are repeated. The first: {errors.printable(problems[0])}",
            file=sys.stderr,
        )
    return left


def require_distinct(units: Iterable[Unit], called: str) -> None:
    """Checks that no two units have the same record.

    Args:
        units: All units of a job.
        called: Word for a unit.

    Raises:
        DataError: Two units of a dataset have the same name.
    """
    counts = collections.Counter((unit.dataset, unit.name) for unit in units)
    for (dataset, name), times in counts.most_common(1):
        if times > 1:
            raise errors.DataError(
                f"{dataset} has {times} {called}s called {name!r}. Give each its own "
                "name."
            )


def require_same_plan(units: Iterable[Unit], called: str) -> None:
    """Checks that all processes of this start have the same units.

    Otherwise two processes might work on a unit, or none.

    Args:
        units: All units of a job.
        called: Word for a unit.

    Raises:
        RClicksError: Processes have different units.
    """
    names = sorted((unit.dataset, unit.name, unit.pixels) for unit in units)
    digest = hashlib.sha256(repr(names).encode()).hexdigest()[:12]
    plans = distributed.texts_of_all("plan", f"{len(names)} {called}s ({digest})")
    for number, plan in enumerate(plans):
        if plan != plans[0]:
            raise errors.RClicksError(
                f"The processes of this run have different work: process 0 has "
                f"{plans[0]}, process {number} has {plan}. Give all of them the same "
                "flags and the same data."
            )


def require_usable(
    units: Sequence[Unit], problems: Callable[[Unit], Iterable[str]], what: str
) -> None:
    """Checks, before any work, that some object can be used.

    Args:
        units: All units; they are read up to the first with a usable object.
        problems: Function that yields, for the objects of a unit, the reason why an
            object cannot be used, or an empty text if it can. It may raise an error
            about the whole unit.
        what: The data as the user named them, for messages.

    Raises:
        DataError: No object can be used; the message counts the reasons.
    """
    reasons: collections.Counter[str] = collections.Counter()
    for unit in units:
        try:
            reasons_of_unit = list(problems(unit))
        except Exception as error:
            reasons_of_unit = [failures.described(error)]
        if "" in reasons_of_unit:
            return
        reasons.update(reasons_of_unit)
    why = failures.most_common(reasons) or "there is no image in this split"
    raise errors.DataError(
        f"{what} has no object that can be used: {why}. "
        "rclicks-data doctor says more of each file."
    )
