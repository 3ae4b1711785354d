"""Gives tasks, pauses and the end of a session; runs inside a transaction."""

import sqlite3
from typing import NamedTuple

import msgspec

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.service import judgement, sequence
from rclicks_jax.collection.service.desk import Desk, refusal
from rclicks_jax.collection.store import (
    assignments,
    catalogue,
    cells,
    events,
    sessions,
)
from rclicks_jax.collection.store.assignments import Assignment
from rclicks_jax.collection.store.sessions import Session
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import tokens
from rclicks_jax.collection.study.platforms import Ending
from rclicks_jax.collection.tasks import demand
from rclicks_jax.ops import images

# A text of so many words is read in the time of a picture.
_FREE_WORDS = 5


class _Choice(NamedTuple):
    """A task for a session.

    Attributes:
        task: The task.
        mode: Display mode.
        cell: Cell to hold; None if it does not count.
        pace: How it goes.
    """

    task: TaskFacts
    mode: words.Mode
    cell: int | None
    pace: words.Pace


def next_task(
    db: sqlite3.Connection,
    desk: Desk,
    session_id: str,
    message: messages.NextQuery,
    now: float,
    *,
    seated: bool = True,
) -> messages.Next:
    """Gives the next task, a pause, or the end.

    Args:
        db: The database.
        desk: The study.
        session_id: The session.
        message: From the browser.
        now: Seconds since 1970.
        seated: Whether it may have a live task. Without, it gets another one.

    Raises:
        Refusal: The session has not begun, or has no seat and there is no other task.
    """
    session = desk.session(db, session_id)
    if session.phase in ("finished", "withdrawn"):
        return finished(db, desk, session)
    if session.phase != "tasks":
        raise refusal(403, "no_consent", "The session has not begun.")
    assignments.expire(db, now)
    assignments.void_open(db, session_id)
    session = _with_turn(db, desk, session)
    device = judgement.likely_device(message.device)
    place, choice = _choose(db, desk, session, device, message.rested, seated=seated)
    if place.kind == "pause":
        done = assignments.answered(db, session_id)[1]
        total = desk.study.config.study.per_person
        return messages.Pause(
            done=done, of=total, block=place.block, blocks=place.blocks
        )
    if choice is None:
        if not seated and place.kind != "end":
            raise refusal(503, "no_seat", "All seats at the segmenter are taken.")
        return _end(db, desk, session, now)
    return _give(db, desk, session, choice, place, device, now)


def finish(
    db: sqlite3.Connection, desk: Desk, session_id: str, now: float
) -> messages.Finish:
    """Ends a session that has nothing left to do, or that did not begin.

    Raises:
        Refusal: There still are tasks for it.
    """
    session = desk.session(db, session_id)
    if session.phase in ("finished", "withdrawn"):
        return finished(db, desk, session)
    if session.phase == "tasks":
        assignments.expire(db, now)
        device = msgspec.json.decode(session.device, type=messages.DeviceFacts)
        likely = judgement.likely_device(device)
        session = _with_turn(db, desk, session)
        choice = _choose(db, desk, session, likely, rested=True, seated=True)[1]
        if choice is not None:
            raise refusal(409, "bad_request", "There are tasks left.")
    return _end(db, desk, session, now)


def finished(db: sqlite3.Connection, desk: Desk, session: Session) -> messages.Finish:
    """Returns the end of a session that has ended."""
    ending: Ending = "complete" if session.ending == "complete" else "screened_out"
    proof = desk.proof(session.session_id)
    platform = desk.study.platforms.get(session.platform)
    parameters = sessions.parameters(db, session.person_id)
    code, url = platform.ending(ending, parameters, proof) if platform else ("", "")
    return messages.Finish(
        ending=ending,
        code=code,
        url=url,
        proof=proof,
        done=assignments.answered(db, session.session_id)[1],
    )


def _steps(desk: Desk, text: str) -> tuple[messages.Step, ...]:
    """Returns the steps of a timed task.

    Args:
        desk: The study.
        text: The description, whose words need time; empty for a picture.
    """
    display = desk.study.config.display
    further = max(0, len(text.split()) - _FREE_WORDS)
    target_ms = display.target_ms + display.word_ms * further
    made = [
        messages.Step(show="image", ms=display.before_ms, click="none"),
        messages.Step(show="target", ms=target_ms, click="none"),
        messages.Step(show="image", ms=display.after_ms, click="ignored"),
        messages.Step(show="image", ms=0, click="wanted", limit_ms=display.limit_ms),
    ]
    if display.early == "wanted":
        # A click is taken as soon as the photograph is back.
        del made[2]
    return tuple(step for step in made if step.ms or step.click == "wanted")


def _with_turn(db: sqlite3.Connection, desk: Desk, session: Session) -> Session:
    """Gives a session its place among the orders: the one that has fewest."""
    if session.turn is not None:
        return session
    taken = sessions.turns(db, desk.wave)
    turn = min(range(len(desk.orders)), key=lambda item: (taken.get(item, 0), item))
    sessions.set_turn(db, session.session_id, turn)
    return session._replace(turn=turn)


def _choose(
    db: sqlite3.Connection,
    desk: Desk,
    session: Session,
    device: words.Device,
    rested: bool,
    *,
    seated: bool,
) -> tuple[sequence.Place, _Choice | None]:
    """Returns what a session gets next, and the task if it is one."""
    config = desk.study.config
    # Practice and control tasks are of any pace.
    pace = config.study.pace if seated else "timed"
    practised, done = assignments.answered(db, session.session_id)
    order = desk.order(session)
    place = sequence.place(config, session.session_id, order, practised, done, rested)
    rank = sequence.first_rank(session.session_id, practised + done)
    if place.kind == "practice":
        turned = practised % len(order)
        modes = (*order[turned:], *order[:turned])
        choice = _apart(db, session, "practice", modes, rank, pace)
        if choice is not None:
            return place, choice
        # There are fewer photographs for practice than tasks.
        place = sequence.place(
            config,
            session.session_id,
            order,
            config.practice.count,
            done,
            rested,
        )
    if place.kind == "control":
        choice = _apart(db, session, "control", place.modes, rank, pace)
        if choice is not None:
            return place, choice
    if place.kind in ("end", "pause"):
        return place, None
    return place, _main(db, desk, session, device, place.modes, rank, seated=seated)


def _apart(
    db: sqlite3.Connection,
    session: Session,
    role: words.Role,
    modes: tuple[words.Mode, ...],
    rank: int,
    pace: words.Pace,
) -> _Choice | None:
    """Returns a task that is no data; None if none is left for the person."""
    task_id = catalogue.task_apart(db, role, session.person_id, rank)
    task = catalogue.task(db, task_id) if task_id else None
    if task is None:
        return None
    possible = task.modes(modes)
    if pace == "live" and task.click_type != "first":
        pace = "timed"
    return _Choice(task, possible[0], None, pace) if possible else None


def _main(
    db: sqlite3.Connection,
    desk: Desk,
    session: Session,
    device: words.Device,
    modes: tuple[words.Mode, ...],
    rank: int,
    *,
    seated: bool,
) -> _Choice | None:
    """Returns a task that needs clicks; None if there is none for the person."""
    config = desk.study.config
    parts: dict[words.Pace, cells.Part | None] = {config.study.pace: None}
    if config.study.pace == "live":
        below = demand.live_from(config)
        parts = {"live": cells.Part(True, below)} if seated else {}
        parts["timed"] = cells.Part(False, below)
    for pace, part in parts.items():
        cell = cells.find(db, session.person_id, device, modes, rank, part)
        if cell is not None:
            task = catalogue.task(db, cell.task_id)
            assert task is not None
            held = cell.cell if session.counted else None
            return _Choice(task, next(m for m in modes if m == cell.mode), held, pace)
    if session.kind != "test" or not seated:
        return None
    # A look at a study that is complete still shows tasks.
    return _apart(db, session, "main", modes, rank, config.study.pace)


def _give(
    db: sqlite3.Connection,
    desk: Desk,
    session: Session,
    choice: _Choice,
    place: sequence.Place,
    device: words.Device,
    now: float,
) -> messages.Task:
    """Assigns a task; returns what the browser is told of it."""
    task, settings = choice.task, desk.study.config
    assignment_id = tokens.new_id()
    language = desk.study.languages.get(session.language)
    code = language.code if language else next(iter(desk.study.languages))
    text = task.texts[code] if choice.mode == words.TEXT_MODE else ""
    planned = _steps(desk, text) if choice.pace == "timed" else ()
    done = assignments.answered(db, session.session_id)[1]
    given = judgement.Given(choice.pace, planned, device, desk.wave, done, desk.opening)
    lease = settings.assignment.lease_s
    assignments.add(
        db,
        Assignment(
            assignment_id=assignment_id,
            session_id=session.session_id,
            task_id=task.task_id,
            mode=choice.mode,
            device=device,
            role=task.role,
            cell=choice.cell,
            issued=now,
            expires=now + lease,
            given=msgspec.json.encode(given).decode(),
            state="open",
        ),
        session.person_id,
        task.image_id,
    )
    picture = None if text else _picture(desk, task, task.targets[choice.mode])
    image = _picture(desk, task, task.image)
    target = messages.Target(picture=picture, text=text, language=code)
    return messages.Task(
        assignment=assignment_id,
        token=tokens.assignment_token(
            desk.study.secret, session.session_id, assignment_id
        ),
        lease_s=lease,
        pace=choice.pace,
        mode=choice.mode,
        ask=task.ask,
        steps=planned,
        image=image,
        target=target,
        practice=place.kind == "practice",
        done=done,
        of=settings.study.per_person,
        preload=(image.url, *([picture.url] if picture else [])),
        most_clicks=settings.live.most_clicks * (choice.pace == "live"),
    )


def _picture(desk: Desk, task: TaskFacts, asset_id: str) -> messages.Picture:
    height, width = images.limited_shape(
        (task.height, task.width), desk.study.config.display.longest_side
    )
    return messages.Picture(url=f"/a/{asset_id}.webp", w=width, h=height)


def _end(
    db: sqlite3.Connection, desk: Desk, session: Session, now: float
) -> messages.Finish:
    """Ends a session."""
    assignments.void_open(db, session.session_id)
    done = assignments.answered(db, session.session_id)[1]
    ending: Ending = "complete" if done else "screened_out"
    sessions.end(db, session.session_id, "finished", ending, now)
    _judge_places(db, desk, session)
    return finished(db, desk, desk.session(db, session.session_id))


def _judge_places(db: sqlite3.Connection, desk: Desk, session: Session) -> None:
    """Notes what all clicks of a session together say."""
    places = [
        msgspec.json.decode(event.content, type=judgement.JudgedClick).click.message.uv
        for event in events.of_session(db, session.session_id, "click")
    ]
    reasons = judgement.judge_session(
        *assignments.controls(db, session.session_id),
        places,
        desk.study.config.judgement,
    )
    hard = not words.SOFT_SESSION_REASONS.issuperset(reasons)
    sessions.set_reasons(db, session.session_id, reasons, session.counted and not hard)
