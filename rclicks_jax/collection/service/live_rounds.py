"""Live rounds: acts of a person, and a segmenter's answers; inside a transaction."""

import base64
import pathlib
import sqlite3
from typing import NamedTuple

import cv2
import msgspec
import numpy as np

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.service import judgement, submissions
from rclicks_jax.collection.service.desk import Desk, refusal
from rclicks_jax.collection.store import assignments, catalogue, events
from rclicks_jax.collection.store.events import Event
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.tasks import private_files
from rclicks_jax.data import raw
from rclicks_jax.ops import images


class LivePhotograph(NamedTuple):
    """A photograph of a live task.

    Attributes:
        assignment: The assignment; one segmenter session belongs to it.
        image_path: File of the photograph, of the frame `height` x `width`.
        gt_path: File of the target's mask, `u8[h w]`, for the score and for simulated
            segmenters alone.
        height: Pixels.
        width: Pixels.
    """

    assignment: str
    image_path: pathlib.Path
    gt_path: pathlib.Path
    height: int
    width: int


class LiveTurn(NamedTuple):
    """What a segmenter is asked after an act of a live task.

    Attributes:
        event: The act, which is stored.
        photograph: The photograph on which it is.
        clicks_yx: Clicks that stand, `i32[n 2]`.
        positive: Whether each says "object", `bool[n]`.
        ended: Whether the task is over.
        answer: The stored answer, if this event was answered before; else None.
    """

    event: messages.LiveEvent
    photograph: LivePhotograph
    clicks_yx: np.ndarray
    positive: np.ndarray
    ended: bool
    answer: messages.LiveAnswer | None

    @property
    def needs_mask(self) -> bool:
        """Whether the segmenter has anything to answer."""
        return (
            self.answer is None
            and self.event.act in ("click", "undo")
            and bool(len(self.clicks_yx))
        )


class Act(msgspec.Struct, frozen=True):
    """An act as it is stored.

    Attributes:
        message: From the browser.
        received: Time of the server, seconds.
        y: Pixel of a click; 0 for other acts.
        x: Pixel of a click.
        device: Device of the pointer.
    """

    message: messages.LiveEvent
    received: float
    y: int
    x: int
    device: words.Device


class Answered(msgspec.Struct, frozen=True):
    """A segmenter's answer as it is stored.

    Attributes:
        number: Number of the act that it answers.
        mask: Its mask, a PNG in base64; empty without a click.
        intersection: Pixels of mask and target; ignored ones do not count.
        union: Pixels of either.
        machine_ms: Time that the segmenter and its queue needed.
    """

    number: int
    mask: str
    intersection: int
    union: int
    machine_ms: float


def standing(acts: list[Act]) -> list[Act]:
    """Returns the clicks that stand after some acts: undone ones are left out."""
    kept: list[Act] = []
    for act in acts:
        if act.message.act == "click":
            kept.append(act)
        elif act.message.act == "undo" and kept:
            kept.pop()
    return kept


def acts_of(db: sqlite3.Connection, assignment_id: str) -> list[Act]:
    """Returns the acts of an assignment, in order."""
    return [
        msgspec.json.decode(event.content, type=Act)
        for event in events.of_assignment(db, assignment_id)
        if event.kind == "live"
    ]


def take(
    db: sqlite3.Connection,
    desk: Desk,
    session_id: str,
    message: messages.LiveEvent,
    now: float,
) -> LiveTurn:
    """Stores an act, once.

    Raises:
        Refusal: The act is not the next one, or the task is over.
    """
    session = submissions.active(db, desk, session_id)
    assignment = submissions.own_assignment(
        db, desk, session_id, message.assignment, message.token
    )
    if submissions.pace_of(assignment) != "live":
        raise refusal(400, "bad_request", "The task has one click.")
    task = catalogue.task(db, assignment.task_id)
    assert task is not None
    known = events.find(db, message.client_id)
    if known is not None and known.session_id != session_id:
        raise refusal(400, "bad_request", "The id of the event is taken.")
    acts = acts_of(db, assignment.assignment_id)
    if known is None:
        _expect(acts, message, assignment.state)
        y, x = judgement.pixel(message.uv or (0, 0), task.height, task.width)
        device = judgement.device_of(message.pointer, message.device)
        acts.append(Act(message, now, y, x, device))
        _add(
            db, session_id, message.client_id, message.assignment, "live", now, acts[-1]
        )
    else:
        acts = acts[: message.number + 1]
    kept = standing(acts)
    ended = message.act in ("done", "give_up") or (
        len(kept) >= desk.study.config.live.most_clicks
    )
    if ended and known is None:
        _end(db, session.counted, assignment, acts)
    answer = events.find(db, _answer_id(message))
    return LiveTurn(
        event=message,
        photograph=_photograph(desk, assignment, task),
        clicks_yx=np.array([(act.y, act.x) for act in kept], np.int32).reshape(-1, 2),
        positive=np.array([act.message.positive for act in kept], bool),
        ended=ended,
        answer=msgspec.json.decode(answer.answer, type=messages.LiveAnswer)
        if answer
        else None,
    )


def score(turn: LiveTurn, mask: np.ndarray | None) -> tuple[int, int]:
    """Returns intersection and union of a mask with the target, in pixels.

    Args:
        turn: What the segmenter was asked.
        mask: Its mask, `bool[h w]`; None for nothing.
    """
    path = turn.photograph.gt_path
    gt_mask = images.decode_mask(path.read_bytes(), path.name)
    target, counted = gt_mask == raw.OBJECT, gt_mask != raw.IGNORE
    taken = np.zeros_like(target) if mask is None else mask & counted
    both, either = target & taken, target | taken
    return int(np.count_nonzero(both)), int(np.count_nonzero(either))


def answer(
    db: sqlite3.Connection,
    session_id: str,
    turn: LiveTurn,
    mask: np.ndarray | None,
    shares: tuple[int, int],
    machine_ms: float,
    now: float,
) -> messages.LiveAnswer:
    """Stores what a segmenter answered, once."""
    known = events.find(db, _answer_id(turn.event))
    if known is not None:
        return msgspec.json.decode(known.answer, type=messages.LiveAnswer)
    encoded = "" if mask is None else _packed(mask)
    message = messages.LiveAnswer(
        client_id=turn.event.client_id,
        number=turn.event.number,
        clicks=len(turn.clicks_yx),
        mask=encoded,
        w=turn.photograph.width,
        h=turn.photograph.height,
        machine_ms=machine_ms,
        ended=turn.ended,
    )
    stored = Answered(turn.event.number, encoded, *shares, machine_ms)
    _add(
        db,
        session_id,
        _answer_id(turn.event),
        turn.photograph.assignment,
        "live_answer",
        now,
        stored,
        message,
    )
    return message


def fail(db: sqlite3.Connection, turn: LiveTurn) -> None:
    """Gives up the assignment of a question that the segmenter could not answer.

    Its acts stay stored. A last click may have ended it; it fills no place then.
    """
    assignment = assignments.find(db, turn.photograph.assignment)
    if assignment is not None and assignment.state in ("open", "accepted", "surplus"):
        assignments.close(db, assignment, "void")


def photograph(
    db: sqlite3.Connection, desk: Desk, assignment_id: str
) -> LivePhotograph:
    """Returns the photograph of an assignment that was given."""
    assignment = assignments.find(db, assignment_id)
    assert assignment is not None
    task = catalogue.task(db, assignment.task_id)
    assert task is not None
    return _photograph(desk, assignment, task)


def _photograph(
    desk: Desk, assignment: assignments.Assignment, task: TaskFacts
) -> LivePhotograph:
    return LivePhotograph(
        assignment=assignment.assignment_id,
        image_path=private_files.photograph_path(desk.study, task),
        gt_path=private_files.mask_path(desk.study, task),
        height=task.height,
        width=task.width,
    )


def _expect(acts: list[Act], message: messages.LiveEvent, state: str) -> None:
    if message.number != len(acts):
        raise refusal(409, "bad_request", f"The next act has number {len(acts)}.")
    if state not in ("open", "expired", "void"):
        raise refusal(409, "bad_token", "The task is over.")
    if message.act == "click" and message.uv is None:
        raise refusal(400, "bad_request", "A click has a place.")


def _end(
    db: sqlite3.Connection,
    counted: bool,
    assignment: assignments.Assignment,
    acts: list[Act],
) -> None:
    """Gives the assignment of a live task that is over its state."""
    if acts[-1].message.act == "give_up" or not standing(acts):
        assignments.close(db, assignment, "rejected")
    elif assignment.role != "main":
        assignments.pass_apart(db, assignment)
    else:
        assignments.close(db, assignment, "surplus")
        if counted:
            assignments.accept(db, assignment, acts[-1].device)


def _add(
    db: sqlite3.Connection,
    session_id: str,
    client_id: str,
    assignment_id: str,
    kind: str,
    now: float,
    content: msgspec.Struct,
    told: msgspec.Struct | None = None,
) -> None:
    events.add(
        db,
        Event(
            client_id=client_id,
            session_id=session_id,
            assignment_id=assignment_id,
            kind=kind,
            received=now,
            content=msgspec.json.encode(content).decode(),
            answer=msgspec.json.encode(told).decode() if told else "",
        ),
    )


def _answer_id(message: messages.LiveEvent) -> str:
    # No browser's id has a dot.
    return f"{message.client_id}.answer"


def _packed(mask: np.ndarray) -> str:
    """Returns a mask as a 1-bit PNG in base64."""
    grey = mask.astype(np.uint8) * 255
    encoded = cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_BILEVEL, 1])[1]
    return base64.b64encode(encoded.tobytes()).decode()
