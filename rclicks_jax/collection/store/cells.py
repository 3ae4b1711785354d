"""Cells: a task in a display mode on a device, and how many clicks it still needs."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Cell(NamedTuple):
    """A cell that can be assigned.

    Attributes:
        cell: Its number.
        task_id: Its task.
        mode: Its display mode.
        device: Its device.
    """

    cell: int
    task_id: str
    mode: str
    device: str


class Part(NamedTuple):
    """A part of the cells of a study with live rounds.

    Attributes:
        live: Whether cells of live rounds, or of tasks with one click.
        below: Objects whose task has a rank below it have one click, as have later
            rounds; the others have live rounds.
    """

    live: bool
    below: int


class Fill(NamedTuple):
    """How far a cell is.

    Attributes:
        task_id: Its task.
        mode: Its display mode.
        device: Its device.
        wanted: Accepted clicks that are wanted.
        accepted: Accepted clicks.
        open: Leases that are held.
    """

    task_id: str
    mode: str
    device: str
    wanted: int
    accepted: int
    open: int


def put(
    db: sqlite3.Connection,
    rows: Iterable[tuple[str, str, str, str, int]],
    wanted: int,
) -> None:
    """Adds cells that are not there yet.

    Args:
        db: The database.
        rows: Task, photograph, display mode, device and rank of each.
        wanted: Accepted clicks that are wanted.
    """
    db.executemany(
        "INSERT OR IGNORE INTO cells (task_id, image_id, mode, device, rank, wanted)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        ((*row, wanted) for row in rows),
    )


def set_wanted(
    db: sqlite3.Connection, wanted: int, modes: Sequence[str], devices: Sequence[str]
) -> None:
    """Sets how many clicks are wanted; none in other display modes and devices."""
    marks = ",".join("?" * len(modes)), ",".join("?" * len(devices))
    db.execute(
        f"UPDATE cells SET wanted = CASE WHEN mode IN ({marks[0]})"
        f" AND device IN ({marks[1]}) THEN ? ELSE 0 END",
        (*modes, *devices, wanted),
    )


def find(
    db: sqlite3.Connection,
    person_id: str,
    device: str,
    modes: Sequence[str],
    first_rank: int,
    part: Part | None = None,
) -> Cell | None:
    """Returns the cell that a person should get; None if there is none.

    It is one of those that need most clicks, whose photograph the person has not seen;
    in the first display mode that has any. Of several the first from a rank on is
    taken, then from the lowest, so that sessions spread over equal ones.

    Args:
        db: The database.
        person_id: The person.
        device: The device.
        modes: Display modes, in order of preference.
        first_rank: The rank.
        part: The part of the cells that is looked through; all if None.
    """
    unseen = (
        " NOT EXISTS (SELECT 1 FROM seen WHERE person_id = ?"
        " AND seen.image_id = cells.image_id)"
    )
    given: tuple[str | int, ...] = (person_id,)
    if part is not None:
        unseen += (
            " AND (SELECT click_type = 'first' AND rank >= ? FROM tasks"
            " WHERE tasks.task_id = cells.task_id) = ?"
        )
        given += (part.below, int(part.live))
    for mode in modes:
        row = db.execute(
            "SELECT need FROM cells WHERE device = ? AND mode = ? AND need > 0 AND"
            f"{unseen} ORDER BY need DESC LIMIT 1",
            (device, mode, *given),
        ).fetchone()
        if row is None:
            continue
        for bounds in ((first_rank, 1 << 62), (0, first_rank)):
            found = db.execute(
                "SELECT cell, task_id, mode, device FROM cells WHERE device = ?"
                " AND mode = ? AND need = ? AND rank >= ? AND rank < ? AND"
                f"{unseen} ORDER BY rank LIMIT 1",
                (device, mode, row["need"], *bounds, *given),
            ).fetchone()
            if found:
                return Cell(*found)
    return None


def hold(db: sqlite3.Connection, cell: int) -> None:
    """Notes that a lease of a cell is held."""
    db.execute("UPDATE cells SET open = open + 1 WHERE cell = ?", (cell,))


def release(db: sqlite3.Connection, cell: int) -> None:
    """Notes that a lease of a cell is no longer held."""
    db.execute("UPDATE cells SET open = open - 1 WHERE cell = ?", (cell,))


def accept(db: sqlite3.Connection, task_id: str, mode: str, device: str) -> int | None:
    """Counts an accepted click if its cell needs one.

    Returns:
        The cell; None if there is none, or it needs no more clicks.
    """
    row = db.execute(
        "UPDATE cells SET accepted = accepted + 1 WHERE task_id = ? AND mode = ?"
        " AND device = ? AND need > 0 RETURNING cell",
        (task_id, mode, device),
    ).fetchone()
    return row["cell"] if row else None


def give_back(db: sqlite3.Connection, cell: int) -> None:
    """Notes that an accepted click of a cell counts no more."""
    db.execute("UPDATE cells SET accepted = accepted - 1 WHERE cell = ?", (cell,))


def fills(db: sqlite3.Connection) -> list[Fill]:
    """Returns how far each cell is that is wanted or has clicks, in a stable order."""
    rows = db.execute(
        "SELECT task_id, mode, device, wanted, accepted, open FROM cells"
        " WHERE wanted > 0 OR accepted > 0 ORDER BY task_id, mode, device"
    )
    return [Fill(*row) for row in rows]


def totals(db: sqlite3.Connection) -> list[tuple[str, str, int, int, int, int]]:
    """Returns mode, device, cells, clicks wanted, accepted and leases held."""
    rows = db.execute(
        "SELECT mode, device, COUNT(*), SUM(wanted), SUM(accepted), SUM(open)"
        " FROM cells WHERE wanted > 0 OR accepted > 0"
        " GROUP BY mode, device ORDER BY mode, device"
    )
    return [tuple(row) for row in rows]
