"""What the pages of a study's owner show: counts, and clicks of a task."""

import sqlite3
from typing import NamedTuple


class Click(NamedTuple):
    """A click as it is stored.

    Attributes:
        number: Number of its event.
        mode: Display mode.
        state: State of its assignment.
        counted: Whether its session counts.
        content: `judgement.JudgedClick`, JSON.
    """

    number: int
    mode: str
    state: str
    counted: bool
    content: str


_CLICKS = (
    "SELECT number, mode, state, counted, content FROM events"
    " JOIN assignments USING (assignment_id)"
    " JOIN sessions ON sessions.session_id = assignments.session_id"
)


def clicks_after(db: sqlite3.Connection, number: int, most: int) -> list[Click]:
    """Returns the clicks whose events come after a number, in their order."""
    rows = db.execute(
        f"{_CLICKS} WHERE number > ? AND events.kind = 'click' ORDER BY number LIMIT ?",
        (number, most),
    )
    return [Click(row[0], row[1], row[2], bool(row[3]), row[4]) for row in rows]


def clicks_of_task(db: sqlite3.Connection, task_id: str, most: int) -> list[Click]:
    """Returns the newest clicks of a task."""
    rows = db.execute(
        f"{_CLICKS} WHERE task_id = ? AND events.kind = 'click'"
        " ORDER BY number DESC LIMIT ?",
        (task_id, most),
    )
    return [Click(row[0], row[1], row[2], bool(row[3]), row[4]) for row in rows]


def phases(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Returns kind of session, phase, and number of sessions."""
    rows = db.execute(
        "SELECT kind, phase, COUNT(*) FROM sessions GROUP BY kind, phase"
        " ORDER BY kind, phase"
    )
    return [tuple(row) for row in rows]


def last_signs(db: sqlite3.Connection) -> dict[str, float]:
    """Returns when each session last did anything, seconds since 1970."""
    rows = db.execute(
        "SELECT session_id, MAX(at) FROM ("
        " SELECT session_id, MAX(entered, COALESCE(consented, 0)) AS at FROM sessions"
        " UNION ALL SELECT session_id, issued FROM assignments"
        " UNION ALL SELECT session_id, received FROM events"
        ") GROUP BY session_id"
    )
    return dict(rows.fetchall())


def tasks(
    db: sqlite3.Connection, first: int, most: int
) -> list[tuple[str, str, str, str, int]]:
    """Returns id, name, click type, role and accepted clicks of some tasks."""
    rows = db.execute(
        "SELECT tasks.task_id, full_stem, click_type, role, COALESCE(SUM(accepted), 0)"
        " FROM tasks LEFT JOIN cells ON cells.task_id = tasks.task_id"
        " GROUP BY tasks.task_id ORDER BY full_stem, click_type LIMIT ? OFFSET ?",
        (most, first),
    )
    return [tuple(row) for row in rows]
