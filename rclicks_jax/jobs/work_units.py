"""The units of work of a job, their order, and whose they are."""

import collections
import dataclasses
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from rclicks_jax import distributed, errors
from rclicks_jax.data import packages
from rclicks_jax.jobs import failures, records, store


class Place(NamedTuple):
    """Where an image or click task lies in a packaged dataset."""

    package: packages.Package
    row: packages.Row

    def read(self) -> Any:
        """Reads it.

        Raises:
            DataError: It cannot be read.
        """
        return self.package.read(self.row)


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit of work: an image with all its objects, or a click task.

    Attributes:
        dataset: Its dataset.
        name: Its name there.
        objects: Names of its objects, where they are known before it is read.
        source: What the job reads it from.
    """

    dataset: str
    name: str
    objects: tuple[str, ...]
    source: Any

    @property
    def key(self) -> str:
        """What decides which process works on it."""
        return f"{self.dataset}/{self.name}"


def of_packages(
    datasets: Sequence[packages.Package], *, split: str, max_images: int = 0
) -> list[Unit]:
    """Returns every image or click task of a run, in order of datasets and images.

    Args:
        datasets: What is worked on.
        split: `all`, or a split that every dataset has.
        max_images: Of each dataset; 0 for all.

    Raises:
        DataError: A dataset has no object there that can be used.
    """
    found = []
    for package in datasets:
        rows = package.select(split)[: max_images or None]
        packages.require_usable(package.dataset, rows)
        found += [
            Unit(package.dataset, row.name, row.instance_ids, Place(package, row))
            for row in rows
        ]
    return found


def owned(units: Sequence[Unit], shard: tuple[int, int] = (0, 1)) -> list[Unit]:
    """Returns the units that this process works on."""
    return [unit for unit in units if distributed.owns(unit.key, shard)]


def unfinished(
    units: Sequence[Unit], run_folder: store.RunFolder
) -> list[tuple[Unit, int]]:
    """Returns the units that are not finished, and the number of the next attempt.

    Those that failed are tried again. So are those whose record is damaged or of
    another run, which is said.
    """
    newest = run_folder.newest()
    left, problems = [], []
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
    """Makes sure that no two units would have the same record.

    Args:
        units: All of a job.
        called: What a unit is called.

    Raises:
        DataError: Two have the same name.
    """
    counts = collections.Counter((unit.dataset, unit.name) for unit in units)
    for (dataset, name), times in counts.most_common(1):
        if times > 1:
            raise errors.DataError(
                f"{dataset} has {times} {called}s called {name!r}. Give each a name of "
                "its own."
            )


def require_usable(
    units: Sequence[Unit], problems: Callable[[Unit], Iterable[str]], what: str
) -> None:
    """Makes sure, before any work, that there is something to work on.

    Args:
        units: They are read up to the first that can be used.
        problems: Yields why objects of a unit cannot be used, and an empty text for one
            that can; may raise what is wrong with the whole unit.
        what: What was asked for, in a message.

    Raises:
        DataError: Nothing can be used; the message counts the reasons.
    """
    reasons: collections.Counter[str] = collections.Counter()
    for unit in units:
        try:
            found = list(problems(unit))
        except Exception as error:
            found = [failures.described(error)]
        if "" in found:
            return
        reasons.update(found)
    why = failures.most_common(reasons) or "there is no image in this split"
    raise errors.DataError(
        f"{what} has no object that can be used: {why}. "
        "rclicks-data doctor says more of each file."
    )
