"""Judges all clicks again when the settings of the judgement have changed.

So that cells count what the settings accept now: places of clicks that are no longer
accepted are free again, and clicks that are accepted now fill places that are.
"""

import json
import sqlite3

import msgspec

from rclicks_jax.collection import words
from rclicks_jax.collection.service import judgement
from rclicks_jax.collection.store import assignments, catalogue, events, sessions
from rclicks_jax.collection.store.assignments import Assignment
from rclicks_jax.settings.collection import JudgementSettings

_NOTE = "policy"
_GOOD: tuple[words.AssignmentState, ...] = ("accepted", "surplus")


def judge_again(db: sqlite3.Connection, policy: JudgementSettings) -> int:
    """Judges all clicks by the present settings, if they were judged by others.

    What a session was rejected for stays until the export, which judges it again.

    Args:
        db: The database.
        policy: The present settings.

    Returns:
        Number of clicks whose judgement has changed.
    """
    policy_hash = judgement.policy_hash(policy)
    if catalogue.note(db, _NOTE) == policy_hash:
        return 0
    known = {session.session_id: session for session in sessions.every(db)}
    changed = 0
    for event in list(events.every(db, "click")):
        assignment = assignments.find(db, event.assignment_id)
        if assignment is None or assignment.state == "withdrawn":
            continue
        click = msgspec.json.decode(event.content, type=judgement.JudgedClick).click
        task = catalogue.task(db, assignment.task_id)
        assert task is not None
        good = judgement.accepted(judgement.judge(click, task, policy))
        session = known[event.session_id]
        is_out = "session_control" in json.loads(session.reasons)
        if good == (assignment.state in _GOOD) or (good and is_out):
            continue
        message = click.message
        device = judgement.device_of(message.pointer, message.device)
        _turn(db, assignment, good=good, counted=session.counted, device=device)
        changed += 1
    catalogue.set_note(db, _NOTE, policy_hash)
    return changed


def _turn(
    db: sqlite3.Connection,
    assignment: Assignment,
    *,
    good: bool,
    counted: bool,
    device: words.Device,
) -> None:
    """Gives the assignment of a click the state of its new judgement."""
    if not good:
        assignments.close(db, assignment, "rejected")
    elif assignment.role != "main":
        assignments.pass_apart(db, assignment)
    else:
        assignments.close(db, assignment, "surplus")
        if counted:
            assignments.accept(db, assignment, device)
