"""All clicks of a study, judged by the settings as they are now: what tables are of."""

import dataclasses
import json
import sqlite3
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from rclicks_jax.collection import words
from rclicks_jax.collection.service import judgement
from rclicks_jax.collection.store import assignments, catalogue, events, sessions
from rclicks_jax.collection.store.sessions import Session
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import tokens
from rclicks_jax.settings.collection import JudgementSettings


class Row(NamedTuple):
    """A click with all that tables say of it.

    Attributes:
        client_id: Id of its event.
        session: Its session.
        task: Its task.
        mode: Display mode.
        device: Device of the click, by its pointer.
        click: The click.
        reasons: What speaks against it now.
        state: What became of its assignment.
        duplicate: Whether another click of the same assignment came before.
    """

    client_id: str
    session: Session
    task: TaskFacts
    mode: words.Mode
    device: words.Device
    click: judgement.Click
    reasons: tuple[words.Reason, ...]
    state: words.AssignmentState
    duplicate: bool

    @property
    def accepted(self) -> bool:
        """Whether the click itself is accepted, whatever its session is."""
        return judgement.accepted(self.reasons) and not self.duplicate


@dataclasses.dataclass(frozen=True)
class Judged:
    """A study's clicks and sessions.

    Attributes:
        rows: All clicks, in an order that tells nothing of who and when.
        sessions: All sessions with consent, by id.
        reasons: What speaks against each session now, by id.
        labels: Name of each person in tables, by person id: `p001`.
        source: `people` or `bots`.
    """

    rows: Sequence[Row]
    sessions: Mapping[str, Session]
    reasons: Mapping[str, tuple[words.SessionReason, ...]]
    labels: Mapping[str, str]
    source: str

    def is_own(self, session: Session) -> bool:
        """Tells whether a session is of whom the study is of: people, or bots."""
        return session.kind == ("real" if self.source == "people" else "bot")

    def counts(self, session: Session) -> bool:
        """Tells whether clicks of a session are data."""
        hard = not words.SOFT_SESSION_REASONS.issuperset(
            self.reasons[session.session_id]
        )
        return self.is_own(session) and session.phase != "withdrawn" and not hard

    def data(self, *, surplus: bool = False) -> list[Row]:
        """Returns the clicks that are data.

        A click that was rejected when it came and would be accepted now is among them.

        Args:
            surplus: Whether accepted clicks beyond what was wanted are among them.
        """
        states = ("accepted", "rejected", *(("surplus",) if surplus else ()))
        return [
            row
            for row in self.rows
            if row.accepted
            and row.state in states
            and row.task.role == "main"
            and self.counts(row.session)
        ]


def read(
    db: sqlite3.Connection, secret: bytes, policy: JudgementSettings, source: str
) -> Judged:
    """Reads and judges all clicks of a study.

    Args:
        db: The database.
        secret: Secret of the study; it makes the order and the names of people.
        policy: Settings to judge by.
        source: `people` or `bots`.
    """
    tasks = {task.task_id: task for task in catalogue.tasks(db)}
    known = {s.session_id: s for s in sessions.every(db) if s.consented is not None}
    rows: list[Row] = []
    for kind in ("click", "duplicate"):
        for event in events.every(db, kind):
            assignment = assignments.find(db, event.assignment_id)
            session = known.get(event.session_id)
            if assignment is None or session is None:
                continue
            click = msgspec.json.decode(event.content, type=judgement.JudgedClick).click
            task = tasks[assignment.task_id]
            rows.append(
                Row(
                    client_id=event.client_id,
                    session=session,
                    task=task,
                    mode=assignment.mode,
                    device=judgement.device_of(
                        click.message.pointer, click.message.device
                    ),
                    click=click,
                    reasons=judgement.judge(click, task, policy),
                    state=assignment.state,
                    duplicate=kind == "duplicate",
                )
            )
    rows.sort(key=lambda row: tokens.keyed(secret, "order", row.client_id))
    people = sorted(
        {session.person_id for session in known.values()},
        key=lambda person: tokens.keyed(secret, "export", person),
    )
    labels = {person: f"p{number:03}" for number, person in enumerate(people, 1)}
    return Judged(rows, known, _session_reasons(rows, known, policy), labels, source)


def median_ms(rows: Iterable[Row]) -> float | None:
    """Returns the median time of accepted clicks, ms; None without any."""
    times = [1000 * row.click.seconds for row in rows if row.accepted]
    return statistics.median(times) if times else None


def _session_reasons(
    rows: Sequence[Row], known: Mapping[str, Session], policy: JudgementSettings
) -> dict[str, tuple[words.SessionReason, ...]]:
    """Judges each session, also by its speed among the others."""
    of_session: dict[str, list[Row]] = {session_id: [] for session_id in known}
    for row in rows:
        if not row.duplicate:
            of_session[row.session.session_id].append(row)
    found: dict[str, tuple[words.SessionReason, ...]] = {}
    for session_id, own in of_session.items():
        controls = [row for row in own if row.task.role == "control"]
        failed = sum(not row.accepted for row in controls)
        places = [row.click.message.uv for row in own]
        found[session_id] = judgement.judge_session(
            failed, len(controls), places, policy
        )
        # Its control clicks may have been judged by other settings when they came.
        if "session_control" in json.loads(known[session_id].reasons):
            found[session_id] = tuple(
                dict.fromkeys(("session_control", *found[session_id]))
            )
    medians = {
        s: m for s, own in of_session.items() if (m := median_ms(own)) is not None
    }
    flags = judgement.hurried(list(medians.values()), policy)
    for session_id, hurried in zip(medians, flags, strict=True):
        if hurried:
            found[session_id] = (*found[session_id], "session_speed")
    return found
