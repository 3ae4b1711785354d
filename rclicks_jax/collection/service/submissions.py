"""Takes what browsers send about an assignment; runs inside a transaction."""

import sqlite3
from typing import NamedTuple

import msgspec

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.service import judgement
from rclicks_jax.collection.service.desk import Desk, refusal
from rclicks_jax.collection.store import assignments, events, sessions
from rclicks_jax.collection.store.assignments import Assignment
from rclicks_jax.collection.store.events import Event
from rclicks_jax.collection.store.sessions import Session
from rclicks_jax.collection.study import tokens

# Heartbeats extend a lease to at most so many times its length.
_MOST_LEASES = 10


class Judged(NamedTuple):
    """A click with its judgement.

    Attributes:
        click: The click.
        reasons: What speaks against it.
    """

    click: judgement.Click
    reasons: tuple[words.Reason, ...]


def own_assignment(
    db: sqlite3.Connection, desk: Desk, session_id: str, assignment_id: str, token: str
) -> Assignment:
    """Returns an assignment of a session.

    Raises:
        Refusal: The token is not that of the assignment, or of another session.
    """
    secret = desk.study.secret
    valid = tokens.assignment_token(secret, session_id, assignment_id)
    assignment = assignments.find(db, assignment_id)
    if (
        not tokens.equal(token, valid)
        or assignment is None
        or assignment.session_id != session_id
    ):
        raise refusal(400, "bad_token", "The task is not this session's.")
    return assignment


def pace_of(assignment: Assignment) -> words.Pace:
    """Returns how the task of an assignment goes."""
    return msgspec.json.decode(assignment.given, type=judgement.Given).pace


def take_click(
    db: sqlite3.Connection, desk: Desk, session_id: str, judged: Judged
) -> messages.ClickAnswer:
    """Stores a click, once; gives its assignment its state."""
    click = judged.click
    message = click.message
    session = active(db, desk, session_id)
    assignment = own_assignment(db, desk, session_id, message.assignment, message.token)
    if pace_of(assignment) == "live":
        raise refusal(400, "bad_request", "The task is one of live rounds.")
    known = events.find(db, message.client_id)
    if known is not None:
        return _answered_before(known, session_id)
    duplicate = events.click_of(db, assignment.assignment_id) is not None
    if not duplicate:
        _settle(db, desk, session, assignment, judged)
    feedback = None
    if assignment.role == "practice" and not duplicate:
        good = judgement.accepted(judged.reasons)
        feedback = messages.Feedback(good=good, reasons=judged.reasons)
    answer = messages.ClickAnswer(
        client_id=message.client_id,
        stored="duplicate" if duplicate else "new",
        feedback=feedback,
        done=assignments.answered(db, session_id)[1],
        of=desk.study.config.study.per_person,
    )
    content = judgement.JudgedClick(click, judged.reasons, desk.policy)
    events.add(
        db,
        Event(
            client_id=message.client_id,
            session_id=session_id,
            assignment_id=assignment.assignment_id,
            kind="duplicate" if duplicate else "click",
            received=click.received,
            content=msgspec.json.encode(content).decode(),
            answer=msgspec.json.encode(answer).decode(),
        ),
    )
    return answer


def heartbeat(
    db: sqlite3.Connection,
    desk: Desk,
    session_id: str,
    message: messages.Heartbeat,
    now: float,
) -> messages.HeartbeatAnswer:
    """Extends the lease of an open assignment."""
    desk.session(db, session_id)
    assignments.expire(db, now)
    assignment = assignments.find(db, message.assignment)
    lease = desk.study.config.assignment.lease_s
    if (
        assignment is None
        or assignment.session_id != session_id
        or assignment.state != "open"
    ):
        return messages.HeartbeatAnswer(open=False, lease_s=0)
    expires = min(now + lease, assignment.issued + _MOST_LEASES * lease)
    assignments.extend(db, assignment.assignment_id, expires)
    return messages.HeartbeatAnswer(open=True, lease_s=round(expires - now))


def void(
    db: sqlite3.Connection,
    desk: Desk,
    session_id: str,
    message: messages.Void,
    now: float,
) -> messages.VoidAnswer:
    """Gives an assignment up."""
    active(db, desk, session_id)
    assignment = own_assignment(db, desk, session_id, message.assignment, message.token)
    known = events.find(db, message.client_id)
    answer = messages.VoidAnswer(client_id=message.client_id)
    if known is not None:
        if known.session_id != session_id:
            raise refusal(400, "bad_request", "The id of the event is taken.")
        return answer
    if assignment.state == "open":
        assignments.close(db, assignment, "void")
    events.add(
        db,
        Event(
            client_id=message.client_id,
            session_id=session_id,
            assignment_id=assignment.assignment_id,
            kind="void",
            received=now,
            content=msgspec.json.encode(message).decode(),
            answer=msgspec.json.encode(answer).decode(),
        ),
    )
    return answer


def withdraw(
    db: sqlite3.Connection,
    desk: Desk,
    session_id: str,
    message: messages.Withdraw,
    now: float,
) -> messages.Withdrawn:
    """Ends a session whose person leaves; its clicks count no more."""
    session = desk.session(db, session_id)
    for assignment in assignments.of_session(db, session_id):
        if assignment.state in ("open", "accepted", "surplus"):
            assignments.close(db, assignment, "withdrawn")
    erased = events.erase(db, session_id, now) if message.erase else 0
    if session.phase != "withdrawn":
        sessions.end(db, session_id, "withdrawn", "screened_out", now)
    return messages.Withdrawn(erased=erased, url="", code="")


def active(db: sqlite3.Connection, desk: Desk, session_id: str) -> Session:
    """Returns a session whose person has agreed and not left.

    Raises:
        Refusal: The person has not agreed, or has left.
    """
    session = desk.session(db, session_id)
    if session.phase == "withdrawn":
        raise refusal(403, "closed", "The person has left the study.")
    if session.consented is None:
        raise refusal(403, "no_consent", "Nobody has agreed yet.")
    return session


def _answered_before(known: Event, session_id: str) -> messages.ClickAnswer:
    """Returns the first answer to an event that comes again."""
    if known.session_id != session_id or known.kind not in ("click", "duplicate"):
        raise refusal(400, "bad_request", "The id of the event is taken.")
    first = msgspec.json.decode(known.answer, type=messages.ClickAnswer)
    again = "duplicate" if known.kind == "duplicate" else "again"
    return msgspec.structs.replace(first, stored=again)


def _settle(
    db: sqlite3.Connection,
    desk: Desk,
    session: Session,
    assignment: Assignment,
    judged: Judged,
) -> None:
    """Gives the assignment of a click its state, and counts what is accepted.

    A lease that has ended does no harm if the click is still needed.
    """
    message = judged.click.message
    if not judgement.accepted(judged.reasons):
        assignments.close(db, assignment, "rejected")
    elif assignment.role != "main":
        assignments.pass_apart(db, assignment)
    else:
        assignments.close(db, assignment, "surplus")
        if session.counted:
            device = judgement.device_of(message.pointer, message.device)
            assignments.accept(db, assignment, device)
    if assignment.role == "control":
        _look_at_controls(db, desk, session)


def _look_at_controls(db: sqlite3.Connection, desk: Desk, session: Session) -> None:
    """Rejects a session that has failed too many control tasks: others fill in."""
    failed, controls = assignments.controls(db, session.session_id)
    reasons = judgement.judge_session(failed, controls, [], desk.study.config.judgement)
    if "session_control" not in reasons:
        return
    sessions.set_reasons(db, session.session_id, reasons, counted=False)
    for accepted in assignments.of_session(db, session.session_id, "accepted"):
        if accepted.role == "main":
            assignments.close(db, accepted, "rejected")
