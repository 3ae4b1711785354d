"""Facts of a study: its waves, its tasks, and notes by key."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from rclicks_jax.collection import words
from rclicks_jax.collection.store.task_facts import TaskFacts


class Wave(NamedTuple):
    """A time in which all participants saw the same.

    Attributes:
        wave: Number, from 1.
        protocol_hash: Hash of what they saw.
        protocol: What they saw, but for the tasks.
        started: Seconds since 1970.
    """

    wave: int
    protocol_hash: str
    protocol: Mapping[str, Any]
    started: float


def damage(db: sqlite3.Connection) -> str:
    """Returns what is damaged in the database; empty if nothing is."""
    rows = [row[0] for row in db.execute("PRAGMA quick_check(3)")]
    rows += ["a row without its parent" for _ in db.execute("PRAGMA foreign_key_check")]
    return "" if rows == ["ok"] else "; ".join(rows)


def note(db: sqlite3.Connection, key: str) -> str:
    """Returns a note; empty if there is none."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row["value"] if row else ""


def set_note(db: sqlite3.Connection, key: str, value: str) -> None:
    """Writes a note."""
    db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def last_wave(db: sqlite3.Connection) -> Wave | None:
    """Returns the newest wave; None before the study was opened for people."""
    row = db.execute("SELECT * FROM waves ORDER BY wave DESC LIMIT 1").fetchone()
    return _wave(row) if row else None


def waves(db: sqlite3.Connection) -> list[Wave]:
    """Returns all waves."""
    return [_wave(row) for row in db.execute("SELECT * FROM waves ORDER BY wave")]


def add_wave(
    db: sqlite3.Connection, protocol_hash: str, protocol: Mapping[str, Any], now: float
) -> int:
    """Begins a wave; returns its number."""
    cursor = db.execute(
        "INSERT INTO waves (protocol_hash, protocol, started) VALUES (?, ?, ?)",
        (protocol_hash, json.dumps(protocol), now),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def replace_wave(
    db: sqlite3.Connection,
    wave: int,
    protocol_hash: str,
    protocol: Mapping[str, Any],
) -> None:
    """Changes the protocol of a wave in which nobody has clicked."""
    db.execute(
        "UPDATE waves SET protocol_hash = ?, protocol = ? WHERE wave = ?",
        (protocol_hash, json.dumps(protocol), wave),
    )


def _wave(row: sqlite3.Row) -> Wave:
    protocol = json.loads(row["protocol"])
    return Wave(row["wave"], row["protocol_hash"], protocol, row["started"])


def put_task(db: sqlite3.Connection, task: TaskFacts, rank: int) -> None:
    """Writes a task, or what has changed of it."""
    db.execute(
        "INSERT INTO tasks"
        " (task_id, image_id, role, full_stem, click_type, rank, facts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task_id)"
        " DO UPDATE SET facts = excluded.facts",
        (
            task.task_id,
            task.image_id,
            task.role,
            task.full_stem,
            task.click_type,
            rank,
            msgspec.json.encode(task).decode(),
        ),
    )


def live_tasks(db: sqlite3.Connection, below: int) -> frozenset[str]:
    """Returns the ids of the tasks of live rounds of a study that has them.

    Args:
        db: The database.
        below: Objects whose task has a rank below it have one click.
    """
    query = "SELECT task_id FROM tasks WHERE click_type = 'first' AND rank >= ?"
    return frozenset(row["task_id"] for row in db.execute(query, (below,)))


def task(db: sqlite3.Connection, task_id: str) -> TaskFacts | None:
    """Returns a task; None if there is none of this id."""
    query = "SELECT facts FROM tasks WHERE task_id = ?"
    row = db.execute(query, (task_id,)).fetchone()
    return msgspec.json.decode(row["facts"], type=TaskFacts) if row else None


def tasks(db: sqlite3.Connection, role: words.Role | None = None) -> list[TaskFacts]:
    """Returns the tasks of a role, or all, by name."""
    return list(_tasks(db, role))


def _tasks(db: sqlite3.Connection, role: words.Role | None) -> Iterator[TaskFacts]:
    query = (
        "SELECT facts FROM tasks WHERE ?1 IS NULL OR role = ?1"
        " ORDER BY full_stem, click_type"
    )
    for row in db.execute(query, (role,)):
        yield msgspec.json.decode(row["facts"], type=TaskFacts)


def task_apart(
    db: sqlite3.Connection, role: words.Role, person_id: str, first_rank: int
) -> str | None:
    """Returns a practice or control task whose photograph a person has not seen.

    Args:
        db: The database.
        role: Which tasks.
        person_id: The person.
        first_rank: Of several the first from this rank on is taken, then the lowest.

    Returns:
        Its id; None if there is none.
    """
    query = (
        "SELECT task_id FROM tasks WHERE role = ? AND NOT EXISTS (SELECT 1 FROM seen"
        " WHERE person_id = ? AND seen.image_id = tasks.image_id)"
        " ORDER BY rank < ?, rank LIMIT 1"
    )
    row = db.execute(query, (role, person_id, first_rank)).fetchone()
    return row["task_id"] if row else None
