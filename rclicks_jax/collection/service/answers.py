"""What a web server calls: a method for each message of `messages`.

Every method may be called from any thread. A method that writes returns a future whose
result is durable, and whose error is a `Refusal` or a `StoreError`. `token` is the
session token of the request's header.
"""

import collections
import pathlib
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TypeVar

import msgspec
import numpy as np

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.service import (
    clocks,
    entry,
    judgement,
    live_rounds,
    next_tasks,
    open_studies,
    submissions,
)
from rclicks_jax.collection.service.desk import Refusal, refusal
from rclicks_jax.collection.service.live_rounds import LivePhotograph, LiveTurn
from rclicks_jax.collection.store import assignments, catalogue
from rclicks_jax.collection.store.database import Action, StoreError
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import languages, tokens
from rclicks_jax.collection.tasks import private_files, regions

__all__ = ["LivePhotograph", "LiveTurn", "Refusal", "Service", "StoreError"]

T = TypeVar("T")
_ASSET = re.compile(r"[A-Za-z0-9_-]{22}")
# Memory for regions of tasks that are being clicked.
_REGION_BYTES = 64 << 20


class Service:
    """An open study.

    Attributes:
        study: Its files.
        desk: What the answers need.
        store: Its database.
        clock: Seconds since 1970 that never jump.
    """

    def __init__(self, opened: open_studies.Opened, clock: Callable[[], float]) -> None:
        """Takes an open study; `open` opens one."""
        self.study = opened.study
        self.desk = opened.desk
        self.store = opened.store
        self.clock = clock
        self._regions: collections.OrderedDict[str, tuple[TaskFacts, regions.Region]]
        self._regions = collections.OrderedDict()
        self._region_bytes = 0
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        folder: pathlib.Path,
        clock: Callable[[], float] | None = None,
        *,
        new_wave: bool = False,
    ) -> "Service":
        """Opens a study for people.

        Args:
            folder: The study.
            clock: Seconds since 1970 that never jump; a `StudyClock` if None.
            new_wave: Whether a study may begin a new wave, whose participants see
                something else than those before.

        Raises:
            DataError: The folder is no study, or was not finished by `init`.
            BadValueError: Settings changed what participants see, and there are clicks.
        """
        clock = clock or clocks.StudyClock()
        return cls(
            open_studies.open_for_people(folder, clock(), new_wave=new_wave), clock
        )

    def close(self) -> None:
        """Writes what waits, and closes the database."""
        self.store.close()

    def asset(self, asset_id: str) -> pathlib.Path | None:
        """Returns the file of a picture, an `image/webp`; None if there is none.

        An id has letters that cannot leave the folder of pictures. The content of a
        picture never changes.
        """
        path = self.study.asset(asset_id)
        known = _ASSET.fullmatch(asset_id) is not None and path.is_file()
        return path if known else None

    def texts(self, language: str) -> Mapping[str, languages.Text]:
        """Returns the texts of a language by key; of the nearest if it is unknown."""
        return languages.chosen(self.study.languages, language).texts

    def frame_ancestors(self) -> tuple[str, ...]:
        """Returns the origins that may show the pages in a frame (for the CSP)."""
        origins = [o for item in self.study.platforms.values() for o in item.frames]
        return tuple(dict.fromkeys(origins))

    def session_id(self, token: str) -> str:
        """Returns the id of the session of a token, for limits of rates and cookies.

        Raises:
            Refusal: 401: the token is not of this study.
        """
        session_id = tokens.session_of(self.study.secret, token)
        if session_id is None:
            raise refusal(401, "no_session", "The session token is not valid.")
        return session_id

    def enter(
        self, message: messages.Enter, kind: words.SessionKind = "real"
    ) -> "Future[messages.Entered]":
        """Starts a session, or goes on with that of the same person.

        A person of a platform has one session, on whatever device. An open assignment
        becomes void: its target was shown.

        Args:
            message: From the browser.
            kind: `test` for a look at the study, `bot` for simulated people.

        Returns:
            A future; 403 without the parameters of the platform, or with an invitation
            that is not valid.
        """
        now = self.clock()
        return self.store.write(
            lambda db: entry.enter(db, self.desk, message, kind, now)
        )

    def consent(
        self, token: str, message: messages.Consent
    ) -> "Future[messages.Entered]":
        """Stores that a person agrees to a version of the consent text, or does not."""
        now = self.clock()
        return self._write(
            token,
            lambda session: (
                lambda db: entry.consent(db, self.desk, session, message, now)
            ),
        )

    def device(
        self, token: str, message: messages.DeviceFacts
    ) -> "Future[messages.Entered]":
        """Looks at the device again, after a window was made larger or turned."""
        return self._write(
            token,
            lambda session: (
                lambda db: entry.look_at_device(db, self.desk, session, message)
            ),
        )

    def begin(self, token: str) -> "Future[messages.Entered]":
        """Ends the instructions."""
        return self._write(
            token,
            lambda session: lambda db: entry.begin(db, self.desk, session),
        )

    def next_task(
        self, token: str, message: messages.NextQuery, *, seated: bool = True
    ) -> "Future[messages.Next]":
        """Gives the next task, a pause, or the end; an open assignment becomes void.

        Args:
            token: Session token.
            message: From the browser.
            seated: Whether the session may have a live task.
        """
        now = self.clock()
        return self._write(
            token,
            lambda session: (
                lambda db: next_tasks.next_task(
                    db, self.desk, session, message, now, seated=seated
                )
            ),
        )

    def take_click(
        self, token: str, message: messages.ClickEvent, fetched: bool | None = None
    ) -> "Future[messages.ClickAnswer]":
        """Stores a click with its judgement. The same event twice is stored once.

        Args:
            token: Session token.
            message: From the browser.
            fetched: Whether this session fetched all pictures of the task; None if the
                server does not know, as after a restart.

        Returns:
            A future; 400 if the token of the task is not valid, or of another session.
        """
        now = self.clock()

        def prepare(session: str) -> Action[messages.ClickAnswer]:
            judged = self._judged(session, message, fetched, now)
            return lambda db: submissions.take_click(db, self.desk, session, judged)

        return self._write(token, prepare)

    def assets_of(self, token: str, assignment: str) -> frozenset[str]:
        """Returns the ids of the pictures of a task; empty if it is not the session's.

        For `fetched` of `take_click`.
        """
        session = self.session_id(token)
        found = self.store.read(lambda db: assignments.find(db, assignment))
        if found is None or found.session_id != session:
            return frozenset()
        task, _ = self._task(found.task_id)
        shown = task.targets.get(found.mode)
        return frozenset({task.image, *([shown] if shown else [])})

    def heartbeat(
        self, token: str, message: messages.Heartbeat
    ) -> "Future[messages.HeartbeatAnswer]":
        """Extends the lease of an open assignment."""
        now = self.clock()
        return self._write(
            token,
            lambda session: (
                lambda db: submissions.heartbeat(db, self.desk, session, message, now)
            ),
        )

    def void(self, token: str, message: messages.Void) -> "Future[messages.VoidAnswer]":
        """Gives an assignment up."""
        now = self.clock()
        return self._write(
            token,
            lambda session: (
                lambda db: submissions.void(db, self.desk, session, message, now)
            ),
        )

    def take_live(self, token: str, message: messages.LiveEvent) -> "Future[LiveTurn]":
        """Stores an act of a live task; then the server asks its segmenter.

        If `needs_mask` of the turn holds, the segmenter is asked for a mask; in any
        case `answer_live` makes the answer. A turn whose `answer` is there was answered
        before: that is sent again.
        """
        now = self.clock()
        return self._write(
            token,
            lambda session: (
                lambda db: live_rounds.take(db, self.desk, session, message, now)
            ),
        )

    def fail_live(self, token: str, turn: LiveTurn) -> "Future[None]":
        """Gives up the assignment of a turn that the segmenter could not answer."""
        return self._write(token, lambda _: lambda db: live_rounds.fail(db, turn))

    def live_photograph(self, assignment: str) -> LivePhotograph:
        """Returns the photograph of an assignment that `next_task` gave."""
        return self.store.read(
            lambda db: live_rounds.photograph(db, self.desk, assignment)
        )

    def is_apart(self, assignment: str) -> bool:
        """Tells whether an assignment is for practice or control: more tasks follow."""
        found = self.store.read(lambda db: assignments.find(db, assignment))
        return found is not None and found.role != "main"

    def answer_live(
        self, token: str, turn: LiveTurn, mask: np.ndarray | None, machine_ms: float
    ) -> "Future[messages.LiveAnswer]":
        """Stores what a segmenter answered, with its score.

        Args:
            token: Session token.
            turn: What it was asked.
            mask: Its mask, `bool[h w]`; None if none was needed.
            machine_ms: Time that it and its queue needed.
        """
        now = self.clock()

        def prepare(session: str) -> Action[messages.LiveAnswer]:
            shares = live_rounds.score(turn, mask)
            return lambda db: live_rounds.answer(
                db, session, turn, mask, shares, machine_ms, now
            )

        return self._write(token, prepare)

    def withdraw(
        self, token: str, message: messages.Withdraw
    ) -> "Future[messages.Withdrawn]":
        """Ends a session whose person leaves; its clicks count no more."""
        now = self.clock()
        return self._write(
            token,
            lambda session: (
                lambda db: submissions.withdraw(db, self.desk, session, message, now)
            ),
        )

    def finish(
        self, token: str, message: messages.FinishQuery
    ) -> "Future[messages.Finish]":
        """Ends a session and gives its code; the same again if it has ended.

        Returns:
            A future; 409 if there still are tasks for the session.
        """
        del message
        now = self.clock()
        return self._write(
            token,
            lambda session: lambda db: next_tasks.finish(db, self.desk, session, now),
        )

    def _write(self, token: str, prepare: "Callable[[str], Action[T]]") -> "Future[T]":
        """Prepares an action of a session and writes it; errors are in the future."""
        try:
            action = prepare(self.session_id(token))
        except (Refusal, StoreError) as error:
            future: Future[T] = Future()
            future.set_exception(error)
            return future
        return self.store.write(action)

    def _judged(
        self,
        session_id: str,
        message: messages.ClickEvent,
        fetched: bool | None,
        now: float,
    ) -> submissions.Judged:
        """Judges a click, before it is its turn to be written."""
        assignment = self.store.read(
            lambda db: submissions.own_assignment(
                db, self.desk, session_id, message.assignment, message.token
            )
        )
        task, region = self._task(assignment.task_id)
        y, x = judgement.pixel(message.uv, task.height, task.width)
        given = msgspec.json.decode(assignment.given, type=judgement.Given)
        click = judgement.Click(
            message=message,
            given=given,
            issued=assignment.issued,
            received=now,
            fetched=fetched,
            x=x,
            y=y,
            distance=region.distance(y, x),
            one_clock=given.opening == self.desk.opening,
        )
        policy = self.study.config.judgement
        return submissions.Judged(click, judgement.judge(click, task, policy))

    def _task(self, task_id: str) -> tuple[TaskFacts, regions.Region]:
        """Returns a task with its region, of those that were used last."""
        with self._lock:
            if task_id in self._regions:
                self._regions.move_to_end(task_id)
                return self._regions[task_id]
        task = self.store.read(lambda db: catalogue.task(db, task_id))
        assert task is not None
        path = private_files.region_path(self.study, task.task_id)
        region = regions.prepare(regions.decode(path.read_bytes(), str(path)))
        with self._lock:
            if task_id not in self._regions:
                self._regions[task_id] = task, region
                self._region_bytes += region.bytes
            while self._region_bytes > _REGION_BYTES and len(self._regions) > 1:
                _, (_, oldest) = self._regions.popitem(last=False)
                self._region_bytes -= oldest.bytes
        return task, region
