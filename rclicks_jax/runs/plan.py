"""Which images a process works on, and in which order."""

import dataclasses
from collections.abc import Mapping, Sequence

from rclicks_jax import hosts
from rclicks_jax.data import packages
from rclicks_jax.runs import store


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
    """Returns this process's units that are not finished; failures are tried again."""
    attempts = folder.attempts()
    return [
        dataclasses.replace(unit, attempt=attempt)
        for unit in planned
        if hosts.owns(f"{unit.package.dataset}/{unit.row.name}")
        and (attempt := _next_attempt(unit, attempts, folder))
    ]


def _next_attempt(
    unit: Unit, attempts: Mapping[tuple[str, str], int], folder: store.RunFolder
) -> int:
    """Returns the number of the attempt to make; 0 if none is needed."""
    dataset, name = unit.package.dataset, unit.row.name
    done = attempts.get((store.file_name(dataset), store.file_name(name)), 0)
    if done and not folder.read(dataset, name, done).failed:
        return 0
    return done + 1
