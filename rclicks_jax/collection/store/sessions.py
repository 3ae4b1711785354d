"""Sessions, and the names by which platforms know people, apart from them."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rclicks_jax.collection import words


class Session(NamedTuple):
    """A session of a person.

    Attributes:
        session_id: Random id.
        person_id: Pseudonym, made of the platform's name of the person and the secret.
        wave: Wave of the study.
        platform: Where the person came from.
        kind: `real`, `test` or `bot`.
        counted: Whether its clicks count for cells.
        language: Language of its pages.
        phase: Where it stands.
        consent_version: Version of the text that was agreed to; empty before.
        consented: When; None before.
        turn: Number that decides the order of its display modes; None before its first
            task.
        device: `messages.DeviceFacts` at its entry, JSON.
        entered: When it began.
        ended: When it ended; None before.
        ending: `complete` or `screened_out`; empty before.
        reasons: What speaks against it, JSON.
    """

    session_id: str
    person_id: str
    wave: int
    platform: str
    kind: words.SessionKind
    counted: bool
    language: str
    phase: words.Phase
    consent_version: str
    consented: float | None
    turn: int | None
    device: str
    entered: float
    ended: float | None
    ending: str
    reasons: str


_COLUMNS = ", ".join(Session._fields)
_MARKS = ", ".join("?" * len(Session._fields))


def find(db: sqlite3.Connection, session_id: str) -> Session | None:
    """Returns a session; None if there is none of this id."""
    query = f"SELECT {_COLUMNS} FROM sessions WHERE session_id = ?"
    row = db.execute(query, (session_id,)).fetchone()
    return Session(*row) if row else None


def of_person(db: sqlite3.Connection, person_id: str, wave: int) -> Session | None:
    """Returns the session of a person in a wave; None if there is none."""
    query = f"SELECT {_COLUMNS} FROM sessions WHERE person_id = ? AND wave = ?"
    row = db.execute(query, (person_id, wave)).fetchone()
    return Session(*row) if row else None


def all_of_person(db: sqlite3.Connection, person_id: str) -> list[Session]:
    """Returns the sessions of a person in all waves."""
    query = f"SELECT {_COLUMNS} FROM sessions WHERE person_id = ? ORDER BY wave"
    return [Session(*row) for row in db.execute(query, (person_id,))]


def every(db: sqlite3.Connection) -> list[Session]:
    """Returns all sessions, by id."""
    query = f"SELECT {_COLUMNS} FROM sessions ORDER BY session_id"
    return [Session(*row) for row in db.execute(query)]


def add(db: sqlite3.Connection, session: Session) -> None:
    """Adds a session."""
    db.execute(f"INSERT INTO sessions ({_COLUMNS}) VALUES ({_MARKS})", session)


def set_phase(db: sqlite3.Connection, session_id: str, phase: words.Phase) -> None:
    """Moves a session to another phase."""
    query = "UPDATE sessions SET phase = ? WHERE session_id = ?"
    db.execute(query, (phase, session_id))


def set_device(
    db: sqlite3.Connection, session_id: str, device: str, language: str
) -> None:
    """Notes the device, and the language, of a session that goes on."""
    query = "UPDATE sessions SET device = ?, language = ? WHERE session_id = ?"
    db.execute(query, (device, language, session_id))


def set_consent(
    db: sqlite3.Connection, session_id: str, version: str, now: float
) -> None:
    """Notes that a person has agreed."""
    db.execute(
        "UPDATE sessions SET consent_version = ?, consented = ? WHERE session_id = ?",
        (version, now, session_id),
    )


def set_turn(db: sqlite3.Connection, session_id: str, turn: int) -> None:
    """Gives a session its place among the orders of display modes."""
    query = "UPDATE sessions SET turn = ? WHERE session_id = ?"
    db.execute(query, (turn, session_id))


def turns(db: sqlite3.Connection, wave: int) -> dict[int, int]:
    """Returns how many counted sessions of a wave have each place among the orders.

    Sessions that ended before their end, or were rejected, leave theirs to others.
    """
    rows = db.execute(
        "SELECT turn, COUNT(*) FROM sessions WHERE wave = ? AND turn IS NOT NULL"
        " AND counted = 1 AND phase IN ('tasks', 'finished') GROUP BY turn",
        (wave,),
    )
    return dict(rows.fetchall())


def end(
    db: sqlite3.Connection,
    session_id: str,
    phase: words.Phase,
    ending: str,
    now: float,
) -> None:
    """Ends a session."""
    db.execute(
        "UPDATE sessions SET phase = ?, ending = ?, ended = ? WHERE session_id = ?",
        (phase, ending, now, session_id),
    )


def set_reasons(
    db: sqlite3.Connection, session_id: str, reasons: Iterable[str], counted: bool
) -> None:
    """Notes what speaks against a session, and whether it counts from now on."""
    db.execute(
        "UPDATE sessions SET reasons = ?, counted = ? WHERE session_id = ?",
        (json.dumps(list(reasons)), counted, session_id),
    )


def add_identity(
    db: sqlite3.Connection,
    person_id: str,
    platform: str,
    name: str,
    parameters: Mapping[str, str],
    now: float,
) -> None:
    """Notes by which name a platform knows a person."""
    db.execute(
        "INSERT OR IGNORE INTO identities VALUES (?, ?, ?, ?, ?)",
        (person_id, platform, name, json.dumps(dict(parameters)), now),
    )


def parameters(db: sqlite3.Connection, person_id: str) -> dict[str, str]:
    """Returns the parameters with which a person came; empty if forgotten."""
    query = "SELECT parameters FROM identities WHERE person_id = ?"
    row = db.execute(query, (person_id,)).fetchone()
    return json.loads(row["parameters"]) if row else {}


def find_identity(db: sqlite3.Connection, name: str) -> list[str]:
    """Returns the persons whom a platform knows by a name."""
    query = "SELECT person_id FROM identities WHERE name = ? ORDER BY person_id"
    return [row["person_id"] for row in db.execute(query, (name,))]


def identities(db: sqlite3.Connection) -> tuple[int, float]:
    """Returns how many identities are kept, and since when the oldest."""
    row = db.execute("SELECT COUNT(*), COALESCE(MIN(stored), 0) FROM identities")
    return tuple(row.fetchone())


def forget(db: sqlite3.Connection, person_id: str | None) -> int:
    """Deletes the identity of a person, or of all for None; returns how many."""
    query = "DELETE FROM identities WHERE ?1 IS NULL OR person_id = ?1"
    return db.execute(query, (person_id,)).rowcount
