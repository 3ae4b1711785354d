"""Which clicks are wanted: cells of task, display mode and device, and their ranks."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from rclicks_jax import hashing
from rclicks_jax.collection import words
from rclicks_jax.collection.store import catalogue, cells
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import study_files
from rclicks_jax.settings.collection import CollectionConfig

# A number below this is a rank of a cell; ranks decide between cells of equal need.
RANKS = 1 << 31


def modes_of(config: CollectionConfig) -> tuple[words.Mode, ...]:
    """Returns the display modes of a study."""
    return tuple(mode for mode in words.MODES if mode in config.display.modes)


def live_from(config: CollectionConfig) -> int:
    """Returns the rank of a task from which its object has live rounds."""
    if config.study.pace != "live":
        return RANKS
    return round(config.live.first_clicks * RANKS)


def rank_of(task_id: str, mode: str, device: str, seed: int) -> int:
    """Returns the rank of a cell."""
    return hashing.stable_hash(f"{seed}/{task_id}/{mode}/{device}") % RANKS


def cells_of(
    study: study_files.Study, tasks: Iterable[TaskFacts]
) -> Iterator[tuple[str, str, str, str, int]]:
    """Yields task, photograph, display mode, device and rank of each cell."""
    seed = study.config.assignment.seed
    for task in tasks:
        for mode in task.modes(modes_of(study.config)):
            for device in study.config.assignment.devices:
                rank = rank_of(task.task_id, mode, device, seed)
                yield task.task_id, task.image_id, mode, device, rank


def put(
    db: sqlite3.Connection, study: study_files.Study, tasks: Sequence[TaskFacts]
) -> None:
    """Stores tasks, and the cells of those that are data."""
    settings = study.config.assignment
    for task in tasks:
        rank = rank_of(task.task_id, "", "", settings.seed)
        catalogue.put_task(db, task, rank)
    main = [task for task in tasks if task.role == "main"]
    cells.put(db, cells_of(study, main), settings.clicks)
