"""Opens a study: for people, who must all see the same, or for other commands."""

import pathlib
import sqlite3
from typing import NamedTuple

from rclicks_jax import errors
from rclicks_jax.collection.service import rejudgement, sequence
from rclicks_jax.collection.service.desk import Desk, Source
from rclicks_jax.collection.store import (
    assignments,
    catalogue,
    cells,
    events,
    task_facts,
)
from rclicks_jax.collection.store.database import Store
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.tasks import demand, first_clicks

SOURCE_NOTE = "source"


class Opened(NamedTuple):
    """An open study.

    Attributes:
        study: Its files.
        store: Its database.
        desk: What answers to requests need.
    """

    study: study_files.Study
    store: Store
    desk: Desk


def open_for_people(
    folder: pathlib.Path, now: float, *, new_wave: bool = False
) -> Opened:
    """Opens a study whose participants will see what those before saw.

    Settings that nobody sees may have changed: the number of clicks, devices, limits.

    Args:
        folder: The study.
        now: Seconds since 1970.
        new_wave: Whether a study that changed may begin a new wave.

    Raises:
        DataError: The folder is no study, or `init` has not finished it.
        BadValueError: What participants see has changed, and there are clicks.
    """
    study = study_files.read(folder)
    store = Store(study.database)
    try:
        expect_built(study, store)
        wave = store.write(lambda db: _wave(db, study, now, new_wave)).result()
        store.write(lambda db: _update_cells(db, study)).result()
        # The machine's clock may have been set back since they were given.
        latest = now + study.config.assignment.lease_s
        store.write(lambda db: assignments.shorten(db, latest)).result()
        policy = study.config.judgement
        store.write(lambda db: rejudgement.judge_again(db, policy)).result()
        return Opened(study, store, _desk(study, store, wave))
    except BaseException:
        store.close()
        raise


def open_for_commands(folder: pathlib.Path, *, read_only: bool = False) -> Opened:
    """Opens a study to look at it or to export; nothing of it changes.

    Args:
        folder: The study.
        read_only: Whether its database is opened in such a way that nothing can be
            written.

    Raises:
        DataError: The folder is no study, or a later release's.
    """
    study = study_files.read(folder)
    if read_only and not study.database.exists():
        raise errors.DataError(
            f"{folder} is not finished: run rclicks-collect init {folder}."
        )
    store = Store(study.database, read_only=read_only)
    wave = store.read(catalogue.last_wave)
    return Opened(study, store, _desk(study, store, wave.wave if wave else 0))


def source_of(store: Store) -> Source:
    """Returns whose clicks a study has: of people, unless it was made for bots."""
    noted = store.read(lambda db: catalogue.note(db, SOURCE_NOTE))
    return "bots" if noted == "bots" else "people"


def _desk(study: study_files.Study, store: Store, wave: int) -> Desk:
    return Desk(study, wave, sequence.orders(study.config), source_of(store))


def expect_built(study: study_files.Study, store: Store) -> None:
    """Makes sure that `init` has finished, by the settings as they are.

    Raises:
        DataError: It has not.
    """
    again = f"run rclicks-collect init {study.folder}"
    if not store.read(lambda db: catalogue.note(db, first_clicks.BUILT_NOTE)):
        raise errors.DataError(f"{study.folder} is not finished: {again}.")
    made = store.read(lambda db: catalogue.note(db, first_clicks.DISPLAY_NOTE))
    if made != study_files.display_hash(study.config):
        raise errors.DataError(
            f"[display] of {study.folder / study_files.SETTINGS} has changed since the "
            f"pictures were made: {again}."
        )


def _wave(
    db: sqlite3.Connection, study: study_files.Study, now: float, new_wave: bool
) -> int:
    """Returns the wave for what participants see; begins one if need be."""
    seen = study_files.protocol(study)
    digest = task_facts.digest(catalogue.tasks(db))
    protocol_hash = study_files.protocol_hash(seen, digest)
    last = catalogue.last_wave(db)
    if last is None:
        return catalogue.add_wave(db, protocol_hash, seen, now)
    if last.protocol_hash == protocol_hash:
        return last.wave
    if not events.count(db, last.wave):
        catalogue.replace_wave(db, last.wave, protocol_hash, seen)
        return last.wave
    if new_wave:
        return catalogue.add_wave(db, protocol_hash, seen, now)
    changed = study_files.changes(last.protocol, seen) or ["the tasks"]
    raise errors.BadValueError(
        f"{study.folder}",
        f"another {errors.few(changed, 5)} than in wave {last.wave}, which has clicks",
        "what its participants saw; --new_wave begins a new wave, whose people are "
        "kept apart in the export",
    )


def _update_cells(db: sqlite3.Connection, study: study_files.Study) -> None:
    """Gives each task the cells of the settings as they are now."""
    settings = study.config.assignment
    cells.put(db, demand.cells_of(study, catalogue.tasks(db, "main")), settings.clicks)
    modes = demand.modes_of(study.config)
    cells.set_wanted(db, settings.clicks, modes, settings.devices)
