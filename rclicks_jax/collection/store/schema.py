"""Tables of the database, and their version."""

import sqlite3

from rclicks_jax import errors

VERSION = 1
_TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Times in which participants saw the same.
CREATE TABLE waves (
    wave INTEGER PRIMARY KEY,
    protocol_hash TEXT NOT NULL,
    protocol TEXT NOT NULL,
    started REAL NOT NULL
) STRICT;

CREATE TABLE tasks (
    task_id TEXT PRIMARY KEY,
    image_id TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('main', 'practice', 'control')),
    full_stem TEXT NOT NULL,
    click_type TEXT NOT NULL,
    rank INTEGER NOT NULL,
    facts TEXT NOT NULL,
    UNIQUE (full_stem, click_type)
) STRICT, WITHOUT ROWID;

-- What is wanted, and how far it is. `open` counts leases that are held.
CREATE TABLE cells (
    cell INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks,
    image_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    device TEXT NOT NULL,
    rank INTEGER NOT NULL,
    wanted INTEGER NOT NULL CHECK (wanted >= 0),
    accepted INTEGER NOT NULL DEFAULT 0 CHECK (accepted >= 0),
    open INTEGER NOT NULL DEFAULT 0 CHECK (open >= 0),
    need INTEGER NOT NULL GENERATED ALWAYS AS (wanted - accepted - open) VIRTUAL,
    UNIQUE (task_id, mode, device)
) STRICT;
CREATE INDEX cells_by_need ON cells (device, mode, need DESC, rank);

-- The names by which platforms know people; `forget` empties it.
CREATE TABLE identities (
    person_id TEXT PRIMARY KEY,
    platform TEXT NOT NULL,
    name TEXT NOT NULL,
    parameters TEXT NOT NULL,
    stored REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    session_id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    wave INTEGER NOT NULL REFERENCES waves,
    platform TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('real', 'test', 'bot')),
    counted INTEGER NOT NULL CHECK (counted IN (0, 1)),
    language TEXT NOT NULL,
    phase TEXT NOT NULL,
    consent_version TEXT NOT NULL DEFAULT '',
    consented REAL,
    turn INTEGER,
    device TEXT NOT NULL,
    entered REAL NOT NULL,
    ended REAL,
    ending TEXT NOT NULL DEFAULT '',
    reasons TEXT NOT NULL DEFAULT '[]',
    UNIQUE (person_id, wave)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_turn ON sessions (wave, turn);

-- Photographs that a person was shown, in whatever task.
CREATE TABLE seen (
    person_id TEXT NOT NULL,
    image_id TEXT NOT NULL,
    PRIMARY KEY (person_id, image_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE assignments (
    assignment_id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions,
    task_id TEXT NOT NULL REFERENCES tasks,
    mode TEXT NOT NULL,
    device TEXT NOT NULL,
    role TEXT NOT NULL,
    cell INTEGER REFERENCES cells,
    issued REAL NOT NULL,
    expires REAL NOT NULL,
    given TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'open', 'accepted', 'rejected', 'expired', 'void', 'surplus', 'withdrawn'))
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_by_session ON assignments (session_id, state);
CREATE INDEX assignments_by_task ON assignments (task_id);
CREATE INDEX open_assignments ON assignments (expires) WHERE state = 'open';

CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions,
    assignment_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN (
        'click', 'duplicate', 'void', 'live', 'live_answer')),
    received REAL NOT NULL,
    content TEXT NOT NULL,
    answer TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_click ON events (assignment_id) WHERE kind = 'click';
CREATE INDEX events_by_assignment ON events (assignment_id, kind);
CREATE INDEX events_by_session ON events (session_id);

CREATE TABLE erasures (
    session_id TEXT PRIMARY KEY,
    erased REAL NOT NULL,
    events INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN
    SELECT RAISE (ABORT, 'events are never changed');
END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
WHEN NOT EXISTS (SELECT 1 FROM erasures WHERE session_id = OLD.session_id) BEGIN
    SELECT RAISE (ABORT, 'events are never deleted');
END;
"""


def prepare(
    connection: sqlite3.Connection, name: str, *, read_only: bool = False
) -> None:
    """Makes the tables of a new database; checks the version of another one.

    Args:
        connection: The database.
        name: Name of the file in errors.
        read_only: Whether a database without tables is refused.

    Raises:
        DataError: A later release made the database, or it is none.
    """
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0 and not read_only:
            # The script ends in a commit, so that no half of it is ever there.
            connection.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
            )
            return
    except sqlite3.OperationalError as error:
        raise errors.DataError(f"{name} cannot be used: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise errors.DataError(f"{name} is no database of a study: {error}.") from error
    if version == 0:
        raise errors.DataError(f"{name} has no tables: it is no study's, or not yet.")
    if version != VERSION:
        raise errors.DataError(
            f"{name} has format {version}; this release reads format {VERSION}. A "
            "later release made it: install that."
        )
