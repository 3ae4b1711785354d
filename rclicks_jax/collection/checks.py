"""The doctor of a study: whether its files and its database agree."""

import collections
import sqlite3
import stat
import time
from typing import NamedTuple

from rclicks_jax import errors
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store import (
    assignments,
    catalogue,
    cells,
    sessions,
    task_facts,
)
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.tasks import private_files, regions


class Finding(NamedTuple):
    """What was found.

    Attributes:
        good: Whether it is as it should be.
        text: A sentence.
    """

    good: bool
    text: str


def check(opened: open_studies.Opened, now: float | None = None) -> list[Finding]:
    """Checks files, counters and settings of a study.

    Args:
        opened: The study.
        now: Seconds since 1970; the present if None.
    """
    now = time.time() if now is None else now
    store, study = opened.store, opened.study
    every = store.read(catalogue.tasks)
    return [
        _secret(study),
        store.read(_database),
        _built(opened),
        store.read(lambda db: _protocol(db, study)),
        _files(study, every),
        store.read(_counters),
        store.read(lambda db: _leases(db, now)),
        _texts(study, every),
    ]


def _secret(study: study_files.Study) -> Finding:
    path = study.folder / study_files.SECRET
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(
            False, f"{path} can be read by others: chmod 600. Whoever has it can forge."
        )
    return Finding(True, "The secret is its owner's alone.")


def _database(db: sqlite3.Connection) -> Finding:
    problems = catalogue.damage(db)
    if problems:
        return Finding(False, f"The database is damaged: {problems}.")
    return Finding(True, "The database is whole.")


def _built(opened: open_studies.Opened) -> Finding:
    try:
        open_studies.expect_built(opened.study, opened.store)
    except errors.DataError as error:
        return Finding(False, str(error))
    return Finding(True, "The pictures are those of the settings.")


def _protocol(db: sqlite3.Connection, study: study_files.Study) -> Finding:
    last = catalogue.last_wave(db)
    if last is None:
        return Finding(True, "Nobody has taken part yet.")
    seen = study_files.protocol(study)
    now = study_files.protocol_hash(seen, task_facts.digest(catalogue.tasks(db)))
    if now != last.protocol_hash:
        changed = study_files.changes(last.protocol, seen) or ["the tasks"]
        return Finding(
            False,
            f"What participants see has changed since wave {last.wave}: "
            f"{errors.few(changed, 5)}. Undo that, or begin a new wave.",
        )
    return Finding(True, f"Participants see what wave {last.wave} saw.")


def _files(study: study_files.Study, every: list[TaskFacts]) -> Finding:
    wrong: list[str] = []
    for task in every:
        paths = [
            study.asset(task.image),
            *map(study.asset, task.targets.values()),
            private_files.photograph_path(study, task),
            private_files.mask_path(study, task),
        ]
        if task.click_type != "first":
            paths.append(private_files.prev_mask_path(study, task))
        wrong += [f"{path} is missing" for path in paths if not path.is_file()]
        path = private_files.region_path(study, task.task_id)
        try:
            region = regions.decode(path.read_bytes(), str(path))
            if region.shape != (task.height, task.width):
                wrong.append(f"{path} has another shape than its task")
        except (OSError, errors.DataError) as error:
            wrong.append(errors.reason(error))
    if wrong:
        return Finding(False, f"Files: {errors.few(wrong, 3)}.")
    return Finding(True, f"All files of {len(every)} tasks are there.")


def _counters(db: sqlite3.Connection) -> Finding:
    """Compares the counters of cells with the assignments that made them."""
    counted = collections.Counter(
        (a.task_id, a.mode, a.state, a.cell)
        for session in sessions.every(db)
        for a in assignments.of_session(db, session.session_id)
        if a.cell is not None and a.state in ("open", "accepted")
    )
    by_cell: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for (task_id, mode, state, _), number in counted.items():
        by_cell[task_id, mode, state] += number
    kept: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for fill in cells.fills(db):
        kept[fill.task_id, fill.mode, "accepted"] += fill.accepted
        kept[fill.task_id, fill.mode, "open"] += fill.open
    if +by_cell != +kept:
        return Finding(False, "The counters of cells are not those of the clicks.")
    total = sum(n for key, n in kept.items() if key[2] == "accepted")
    return Finding(True, f"The counters agree with {total} accepted clicks.")


def _leases(db: sqlite3.Connection, now: float) -> Finding:
    """Leases that ended are ended by the next request: any number is fine."""
    over = assignments.count_over(db, now)
    return Finding(True, f"{over} leases are over and wait for the next request.")


def _texts(study: study_files.Study, every: list[TaskFacts]) -> Finding:
    firsts = [task for task in every if task.click_type == "first"]
    lacking = [task.full_stem for task in firsts if not task.texts]
    if "Text_Description" in study.config.display.modes and lacking:
        return Finding(
            False,
            f"{len(lacking)} objects have no description in each language, so "
            f"Text_Description leaves them out: {errors.few(lacking, 3)}. Fill in "
            "descriptions.csv and run init again.",
        )
    codes = ", ".join(study.languages)
    return Finding(True, f"Texts are complete in {codes}.")
