"""Assignments: a task that a session was given, and what became of it."""

import sqlite3
from typing import NamedTuple

from rclicks_jax.collection import words
from rclicks_jax.collection.store import cells


class Assignment(NamedTuple):
    """A task that a session was given.

    Attributes:
        assignment_id: Random id.
        session_id: The session.
        task_id: The task.
        mode: Its display mode.
        device: Device for which it was to count.
        role: Whether it is data, practice or control.
        cell: Cell that it holds or has filled; None if it does not count.
        issued: When it was given, seconds since 1970.
        expires: When others may get it.
        given: `judgement.Given`, JSON.
        state: What became of it.
    """

    assignment_id: str
    session_id: str
    task_id: str
    mode: words.Mode
    device: words.Device
    role: words.Role
    cell: int | None
    issued: float
    expires: float
    given: str
    state: words.AssignmentState


_COLUMNS = ", ".join(Assignment._fields)
_MARKS = ", ".join("?" * len(Assignment._fields))
_ANSWERED = "('accepted', 'rejected', 'surplus', 'withdrawn')"


def find(db: sqlite3.Connection, assignment_id: str) -> Assignment | None:
    """Returns an assignment; None if there is none of this id."""
    query = f"SELECT {_COLUMNS} FROM assignments WHERE assignment_id = ?"
    row = db.execute(query, (assignment_id,)).fetchone()
    return Assignment(*row) if row else None


def add(
    db: sqlite3.Connection, assignment: Assignment, person_id: str, image_id: str
) -> None:
    """Adds an open assignment, holds its cell, and notes the photograph as seen.

    Raises:
        IntegrityError: The person has seen the photograph.
    """
    db.execute(f"INSERT INTO assignments ({_COLUMNS}) VALUES ({_MARKS})", assignment)
    db.execute("INSERT INTO seen VALUES (?, ?)", (person_id, image_id))
    if assignment.cell is not None:
        cells.hold(db, assignment.cell)


def close(
    db: sqlite3.Connection, assignment: Assignment, state: words.AssignmentState
) -> None:
    """Gives an assignment another state than `accepted`; it lets go of its cell.

    Args:
        db: The database.
        assignment: The assignment as it is.
        state: Its new state.
    """
    if assignment.state == "open" and assignment.cell is not None:
        cells.release(db, assignment.cell)
    if assignment.state == "accepted" and assignment.cell is not None:
        cells.give_back(db, assignment.cell)
    db.execute(
        "UPDATE assignments SET state = ?, cell = NULL WHERE assignment_id = ?",
        (state, assignment.assignment_id),
    )


def accept(db: sqlite3.Connection, assignment: Assignment, device: str) -> bool:
    """Accepts the click of a closed assignment if a cell still needs it.

    Args:
        db: The database.
        assignment: The assignment.
        device: Device of the click, whose cell it fills.

    Returns:
        Whether a cell needed it; if not, it stays as it is.
    """
    cell = cells.accept(db, assignment.task_id, assignment.mode, device)
    if cell is None:
        return False
    db.execute(
        "UPDATE assignments SET state = 'accepted', cell = ? WHERE assignment_id = ?",
        (cell, assignment.assignment_id),
    )
    return True


def pass_apart(db: sqlite3.Connection, assignment: Assignment) -> None:
    """Accepts the click of a practice or control task, which fills no cell."""
    db.execute(
        "UPDATE assignments SET state = 'accepted' WHERE assignment_id = ?",
        (assignment.assignment_id,),
    )


def expire(db: sqlite3.Connection, now: float) -> int:
    """Ends all leases whose time is over; returns how many."""
    query = (
        f"SELECT {_COLUMNS} FROM assignments WHERE state = 'open' AND expires <= ?"
        " ORDER BY expires"
    )
    over = [Assignment(*row) for row in db.execute(query, (now,))]
    for assignment in over:
        close(db, assignment, "expired")
    return len(over)


def shorten(db: sqlite3.Connection, latest: float) -> None:
    """Lets no open lease end later than at a time."""
    query = "UPDATE assignments SET expires = ?1 WHERE state = 'open' AND expires > ?1"
    db.execute(query, (latest,))


def count_over(db: sqlite3.Connection, now: float) -> int:
    """Returns how many leases are over and not ended yet."""
    query = "SELECT COUNT(*) FROM assignments WHERE state = 'open' AND expires <= ?"
    return db.execute(query, (now,)).fetchone()[0]


def void_open(db: sqlite3.Connection, session_id: str) -> int:
    """Gives up the open assignments of a session; returns how many."""
    still_open = of_session(db, session_id, "open")
    for assignment in still_open:
        close(db, assignment, "void")
    return len(still_open)


def of_session(
    db: sqlite3.Connection, session_id: str, state: str | None = None
) -> list[Assignment]:
    """Returns the assignments of a session in a state, or all, in their order."""
    query = (
        f"SELECT {_COLUMNS} FROM assignments WHERE session_id = ?1"
        " AND (?2 IS NULL OR state = ?2) ORDER BY issued, assignment_id"
    )
    return [Assignment(*row) for row in db.execute(query, (session_id, state))]


def extend(db: sqlite3.Connection, assignment_id: str, expires: float) -> None:
    """Extends the lease of an assignment."""
    query = "UPDATE assignments SET expires = ? WHERE assignment_id = ?"
    db.execute(query, (expires, assignment_id))


def answered(db: sqlite3.Connection, session_id: str) -> tuple[int, int]:
    """Returns how many practice tasks, and other tasks, a session has answered."""
    row = db.execute(
        "SELECT COALESCE(SUM(role = 'practice'), 0),"
        " COALESCE(SUM(role != 'practice'), 0) FROM assignments"
        f" WHERE session_id = ? AND state IN {_ANSWERED}",
        (session_id,),
    ).fetchone()
    return tuple(row)


def controls(db: sqlite3.Connection, session_id: str) -> tuple[int, int]:
    """Returns how many control tasks a session failed, and how many it answered."""
    row = db.execute(
        "SELECT COALESCE(SUM(state = 'rejected'), 0), COUNT(*) FROM assignments"
        f" WHERE session_id = ? AND role = 'control' AND state IN {_ANSWERED}",
        (session_id,),
    ).fetchone()
    return tuple(row)


def by_state(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Returns role, state and number of assignments of counted sessions."""
    rows = db.execute(
        "SELECT role, state, COUNT(*) FROM assignments JOIN sessions USING (session_id)"
        " WHERE counted = 1 GROUP BY role, state ORDER BY role, state"
    )
    return [tuple(row) for row in rows]
