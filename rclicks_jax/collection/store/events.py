"""Events as they came: never changed."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """An event.

    Attributes:
        client_id: Random id that the browser made.
        session_id: The session.
        assignment_id: The assignment.
        kind: `click`, `duplicate`, `void`, `live` or `live_answer`.
        received: When it came, seconds since 1970.
        content: What came, and what the server knows of it, JSON.
        answer: What was answered, JSON; empty for none yet.
    """

    client_id: str
    session_id: str
    assignment_id: str
    kind: str
    received: float
    content: str
    answer: str


_COLUMNS = ", ".join(Event._fields)
_MARKS = ", ".join("?" * len(Event._fields))


def add(db: sqlite3.Connection, event: Event) -> None:
    """Adds an event.

    Raises:
        IntegrityError: The client id is known, or the assignment has a click.
    """
    db.execute(f"INSERT INTO events ({_COLUMNS}) VALUES ({_MARKS})", event)


def find(db: sqlite3.Connection, client_id: str) -> Event | None:
    """Returns an event; None if there is none of this id."""
    query = f"SELECT {_COLUMNS} FROM events WHERE client_id = ?"
    row = db.execute(query, (client_id,)).fetchone()
    return Event(*row) if row else None


def click_of(db: sqlite3.Connection, assignment_id: str) -> Event | None:
    """Returns the click of an assignment; None if there is none."""
    query = f"SELECT {_COLUMNS} FROM events WHERE assignment_id = ? AND kind = 'click'"
    row = db.execute(query, (assignment_id,)).fetchone()
    return Event(*row) if row else None


def of_assignment(db: sqlite3.Connection, assignment_id: str) -> list[Event]:
    """Returns the events of an assignment, as they came."""
    query = f"SELECT {_COLUMNS} FROM events WHERE assignment_id = ? ORDER BY number"
    return [Event(*row) for row in db.execute(query, (assignment_id,))]


def of_session(db: sqlite3.Connection, session_id: str, kind: str) -> list[Event]:
    """Returns the events of a session of a kind, as they came."""
    query = (
        f"SELECT {_COLUMNS} FROM events WHERE session_id = ? AND kind = ?"
        " ORDER BY number"
    )
    return [Event(*row) for row in db.execute(query, (session_id, kind))]


def every(db: sqlite3.Connection, kind: str) -> Iterator[Event]:
    """Yields all events of a kind, as they came."""
    query = f"SELECT {_COLUMNS} FROM events WHERE kind = ? ORDER BY number"
    for row in db.execute(query, (kind,)):
        yield Event(*row)


def count(db: sqlite3.Connection, wave: int | None = None) -> int:
    """Returns the number of clicks and acts, of a wave or of all."""
    query = (
        "SELECT COUNT(*) FROM events JOIN sessions USING (session_id)"
        " WHERE events.kind IN ('click', 'live') AND (?1 IS NULL OR wave = ?1)"
    )
    return db.execute(query, (wave,)).fetchone()[0]


def erase(db: sqlite3.Connection, session_id: str, now: float) -> int:
    """Deletes the events of a session for good; returns how many."""
    query = "SELECT COUNT(*) FROM events WHERE session_id = ?"
    (number,) = db.execute(query, (session_id,)).fetchone()
    db.execute(
        "INSERT OR IGNORE INTO erasures VALUES (?, ?, ?)", (session_id, now, number)
    )
    db.execute("DELETE FROM events WHERE session_id = ?", (session_id,))
    return number


def erasures(db: sqlite3.Connection) -> tuple[int, int]:
    """Returns how many sessions were erased, and how many events they had."""
    row = db.execute("SELECT COUNT(*), COALESCE(SUM(events), 0) FROM erasures")
    return tuple(row.fetchone())
