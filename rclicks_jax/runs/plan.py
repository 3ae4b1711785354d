"""Which images a process works on, and in which order."""

import collections
import dataclasses
import sys
from collections.abc import Callable, Iterable, Sequence

from rclicks_jax import errors, hosts
from rclicks_jax.data import packages
from rclicks_jax.runs import failures, records, store


@dataclasses.dataclass(frozen=True)
class Unit:
    """An image to work on.

    Attributes:
        package: Where it is read from.
        row: Where it lies in the package.
        attempt: Number of this attempt, from 1.
        pictured: Whether its pictures are kept for the report.
    """

    package: packages.Package
    row: packages.Row
    attempt: int
    pictured: bool


def units(
    datasets: Sequence[packages.Package],
    *,
    split: str,
    max_images: int,
    pictures: int,
) -> list[Unit]:
    """Returns every image of a run, in order of datasets and images.

    Args:
        datasets: What is run on.
        split: `all`, or a split that every dataset has.
        max_images: Of each dataset; 0 for all.
        pictures: Images of each dataset whose pictures are kept.

    Raises:
        DataError: A dataset has no object there that can be used.
    """
    planned = []
    for package in datasets:
        rows = package.select(split)[: max_images or None]
        packages.require_usable(package.dataset, rows)
        planned += [
            Unit(package, row, 1, number < pictures) for number, row in enumerate(rows)
        ]
    return planned


def remaining(planned: Sequence[Unit], folder: store.RunFolder) -> list[Unit]:
    """Returns this process's units that are not finished; failures are tried again.

    So are units whose record is damaged or of another run, which is said.
    """
    attempts = folder.attempts()

    def is_finished(dataset: str, name: str) -> bool:
        done = attempts.get(_files_of(dataset, name), 0)
        return done > 0 and not folder.read(dataset, name, done).failed

    left = unfinished(
        [unit for unit in planned if hosts.owns(key_of(unit))], is_finished
    )
    done = [attempts.get(_files_of(u.package.dataset, u.row.name), 0) for u in left]
    return [
        dataclasses.replace(unit, attempt=number + 1)
        for unit, number in zip(left, done, strict=True)
    ]


def unfinished(
    units: Sequence[Unit], is_finished: Callable[[str, str], bool]
) -> list[Unit]:
    """Returns the units that are not finished.

    Those whose record is damaged or of another run are not, which is said.

    Args:
        units: Images or click tasks.
        is_finished: Of dataset and name; raises `RecordError` of such a record.
    """
    left, problems = [], []
    for unit in units:
        try:
            if is_finished(unit.package.dataset, unit.row.name):
                continue
        except records.RecordError as error:
            problems.append(str(error))
        left.append(unit)
    if problems:
        print(
            f"note: {len(problems)} records cannot be used, and their images or tasks "
            f"are repeated. The first: {errors.printable(problems[0])}",
            file=sys.stderr,
        )
    return left


def _files_of(dataset: str, name: str) -> tuple[str, str]:
    return store.file_name(dataset), store.file_name(name)


def key_of(unit: Unit) -> str:
    """Returns what says which process works on a unit."""
    return f"{unit.package.dataset}/{unit.row.name}"


def require_usable(
    planned: Sequence[Unit], read: Callable[[Unit], Iterable[str]], what: str
) -> None:
    """Makes sure, before any work, that there is something to work on.

    Args:
        planned: Images or click tasks; they are read up to the first that can be used.
        read: Yields why objects of a unit cannot be used, and an empty text for one
            that can; may raise what is wrong with the whole unit.
        what: What was asked for, in a message.

    Raises:
        DataError: Nothing can be used; the message counts the reasons.
    """
    reasons: collections.Counter[str] = collections.Counter()
    for unit in planned:
        try:
            found = list(read(unit))
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
