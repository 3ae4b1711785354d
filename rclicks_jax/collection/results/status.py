"""How far a study is: tables for `status`; cheap, from counters where there are any."""

import collections
import shutil
import time
from collections.abc import Iterable
from typing import NamedTuple

from rclicks_jax.collection import words
from rclicks_jax.collection.results import judged_clicks, people
from rclicks_jax.collection.results.judged_clicks import Judged
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store import cells, sessions
from rclicks_jax.reporting.table_formats import Row, Table

_DAY = 24 * 3600
# A thousand clicks need some 5 MB; other programs take room, too.
_LITTLE_ROOM = 200e6
BOTS = "These are clicks of bots, not of people."


def number_of(noun: str, count: int) -> str:
    """Returns a number with its noun: `1 click`, `3 people`.

    Args:
        noun: In the plural: `people`, or one that ends in an s.
        count: The number.
    """
    one = "person" if noun == "people" else noun.removesuffix("s")
    return f"{count} {one if count == 1 else noun}"


class Status(NamedTuple):
    """How far a study is.

    Attributes:
        tables: Progress, reasons and sessions.
        complete: Whether no cell needs clicks.
        reminders: What the owner should do.
    """

    tables: list[Table]
    complete: bool
    reminders: list[str]


def look(opened: open_studies.Opened, now: float | None = None) -> Status:
    """Looks at a study.

    Args:
        opened: The study.
        now: Seconds since 1970; the present if None.
    """
    now = time.time() if now is None else now
    study, store = opened.study, opened.store
    policy, source = study.config.judgement, opened.desk.source
    found = store.read(lambda db: judged_clicks.read(db, study.secret, policy, source))
    totals = store.read(cells.totals)
    notes = (BOTS,) if source == "bots" else ()
    tables = [_progress(totals, notes), _reasons(found, notes), _people(found, notes)]
    count, oldest = store.read(sessions.identities)
    days = (now - oldest) / _DAY
    reminders: list[str] = []
    if count and days > study.config.limits.identity_days:
        reminders.append(
            f"{count} names of people are kept, the oldest for {days:.0f} days: once "
            f"they are paid, run rclicks-collect forget {study.folder} --all."
        )
    free = shutil.disk_usage(study.folder).free
    if free < _LITTLE_ROOM:
        reminders.append(
            f"The disk of {study.folder} has {free / 1e6:.0f} MB left: make room. When "
            "it is full, nothing is stored, and people wait."
        )
    complete = bool(totals) and all(w <= a for _, _, _, w, a, _ in totals)
    return Status(tables, complete, reminders)


def _progress(
    totals: Iterable[tuple[str, str, int, int, int, int]], notes: tuple[str, ...]
) -> Table:
    rows: list[Row] = [
        {
            "mode": mode,
            "device": device,
            "cells": count,
            "wanted": wanted,
            "accepted": accepted,
            "open": held,
            "share": accepted / wanted if wanted else 1.0,
        }
        for mode, device, count, wanted, accepted, held in totals
    ]
    columns = {
        "mode": ("display mode", "s"),
        "device": ("device", "s"),
        "cells": ("tasks", "d"),
        "wanted": ("wanted", "d"),
        "accepted": ("accepted", "d"),
        "open": ("on screens", "d"),
        "share": ("share", ".1%"),
    }
    return Table("progress", "Accepted clicks", columns, rows, notes)


def _reasons(found: Judged, notes: tuple[str, ...]) -> Table:
    counts: dict[str, collections.Counter[str]] = {
        role: collections.Counter() for role in ("main", "control", "practice")
    }
    for row in found.rows:
        own = counts[row.task.role]
        own["clicks"] += 1
        own["accepted"] += row.accepted
        own["duplicate"] += row.duplicate
        own.update(row.reasons)
    seen = [
        name
        for name in ("clicks", "accepted", *words.REASONS, "duplicate")
        if any(own[name] for own in counts.values())
    ]
    rows: list[Row] = [
        {"reason": name, **{role: counts[role][name] for role in counts}}
        for name in seen
    ]
    columns = {"reason": ("reason", "s"), **{role: (role, "d") for role in counts}}
    return Table("reasons", "Clicks and what speaks against them", columns, rows, notes)


def _people(found: Judged, notes: tuple[str, ...]) -> Table:
    phases: collections.Counter[tuple[str, str]] = collections.Counter(
        (session.kind, session.phase) for session in found.sessions.values()
    )
    flags = collections.Counter(
        reason for reasons in found.reasons.values() for reason in reasons
    )
    rows: list[Row] = [
        {"what": f"{kind}, {phase}", "sessions": number}
        for (kind, phase), number in sorted(phases.items())
    ]
    rows += [{"what": r, "sessions": n} for r, n in sorted(flags.items())]
    median = people.median_of(found)
    if median is not None:
        notes = (*notes, f"The median person clicks {median:.2f} s after it may.")
    columns = {"what": ("sessions with consent", "s"), "sessions": ("number", "d")}
    return Table("sessions", "Sessions", columns, rows, notes)
