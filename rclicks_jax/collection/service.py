"""What a web server calls: a method for each message of `messages`.

Every method may be called from any thread. A method that writes returns a future whose
result is durable. `token` is the session token of the request's header.
"""

import pathlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.collection import messages, words


class Refusal(errors.RClicksError):
    """A request is refused.

    Attributes:
        status: HTTP status: 400, 401, 403, 409, 429 or 503.
        problem: What the browser is told.
    """

    def __init__(self, status: int, problem: messages.Problem) -> None:
        super().__init__(problem.detail)
        self.status = status
        self.problem = problem


class LiveTurn(NamedTuple):
    """What a segmenter is asked after an act of a live task.

    Attributes:
        event: The act, which is stored.
        assignment: The assignment; one segmenter session belongs to it.
        image_path: File of the photograph, of the frame `height` x `width`.
        height: Pixels.
        width: Pixels.
        clicks_yx: Clicks that stand, `i32[n 2]`.
        positive: Whether each says "object", `bool[n]`.
        ended: Whether the task is over; then no mask is needed.
        answer: The stored answer, if this event was answered before; else None.
    """

    event: messages.LiveEvent
    assignment: str
    image_path: pathlib.Path
    height: int
    width: int
    clicks_yx: np.ndarray
    positive: np.ndarray
    ended: bool
    answer: messages.LiveAnswer | None


class Service:
    """An open study."""

    @classmethod
    def open(
        cls, folder: pathlib.Path, clock: Callable[[], float] = time.time
    ) -> "Service":
        """Opens a study for people.

        Args:
            folder: The study.
            clock: Seconds since 1970; tests give their own.

        Raises:
            DataError: The folder is no study, or was not finished by `init`.
            BadValueError: Settings changed what participants see, and there are clicks.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Writes what waits, and closes the database."""
        raise NotImplementedError

    def asset(self, asset_id: str) -> pathlib.Path | None:
        """Returns the file of a picture, an `image/webp`; None if there is none.

        It is found in a table, never by a path from the request. Its content never
        changes.
        """
        raise NotImplementedError

    def texts(self, language: str) -> Mapping[str, str]:
        """Returns the texts of a language by key; of the first one if it is unknown."""
        raise NotImplementedError

    def frame_ancestors(self) -> tuple[str, ...]:
        """Returns the origins that may show the pages in a frame (for the CSP)."""
        raise NotImplementedError

    def session_id(self, token: str) -> str:
        """Returns the id of the session of a token, for limits of rates and cookies.

        Raises:
            Refusal: 401: the token is not of this study.
        """
        raise NotImplementedError

    def enter(
        self, message: messages.Enter, kind: words.SessionKind = "real"
    ) -> "Future[messages.Entered]":
        """Starts a session, or goes on with that of the same person.

        A person of a platform has one session, on whatever device. An open assignment
        becomes void: its target was shown.

        Args:
            message: From the browser.
            kind: `test` for a preview, `bot` for simulated people: never counted.

        Raises (in the future):
            Refusal: 403: no parameters of this platform, or an invitation that is not
                valid.
        """
        raise NotImplementedError

    def consent(
        self, token: str, message: messages.Consent
    ) -> "Future[messages.Entered]":
        """Stores that a person agrees to a version of the consent text, or does not."""
        raise NotImplementedError

    def device(
        self, token: str, message: messages.DeviceFacts
    ) -> "Future[messages.Entered]":
        """Looks at the device again, after a window was made larger or turned."""
        raise NotImplementedError

    def begin(self, token: str) -> "Future[messages.Entered]":
        """Ends the instructions."""
        raise NotImplementedError

    def next_task(
        self, token: str, message: messages.NextQuery
    ) -> "Future[messages.Next]":
        """Gives the next task, a pause, or the end; an open assignment becomes void."""
        raise NotImplementedError

    def take_click(
        self, token: str, message: messages.ClickEvent, fetched: bool | None = None
    ) -> "Future[messages.ClickAnswer]":
        """Stores a click with its judgement. The same event twice is stored once.

        Args:
            token: Session token.
            message: From the browser.
            fetched: Whether this session fetched all pictures of the task; None if the
                server does not know, as after a restart.

        Raises (in the future):
            Refusal: 400: the token of the task is not valid, or of another session.
        """
        raise NotImplementedError

    def assets_of(self, token: str, assignment: str) -> frozenset[str]:
        """Returns the ids of the pictures of a task; empty if it is not the session's.

        For `fetched` of `take_click`.
        """
        raise NotImplementedError

    def heartbeat(
        self, token: str, message: messages.Heartbeat
    ) -> "Future[messages.HeartbeatAnswer]":
        """Extends the lease of an open assignment."""
        raise NotImplementedError

    def void(self, token: str, message: messages.Void) -> "Future[messages.VoidAnswer]":
        """Gives an assignment up."""
        raise NotImplementedError

    def take_live(self, token: str, message: messages.LiveEvent) -> "Future[LiveTurn]":
        """Stores an act of a live task; then the server asks its segmenter."""
        raise NotImplementedError

    def answer_live(
        self, turn: LiveTurn, mask: np.ndarray | None, machine_ms: float
    ) -> "Future[messages.LiveAnswer]":
        """Stores what a segmenter answered.

        Args:
            turn: What it was asked.
            mask: Its mask, `bool[h w]`; None at the end.
            machine_ms: Time that it and its queue needed.
        """
        raise NotImplementedError

    def withdraw(
        self, token: str, message: messages.Withdraw
    ) -> "Future[messages.Withdrawn]":
        """Ends a session whose person leaves; its clicks count no more."""
        raise NotImplementedError

    def finish(
        self, token: str, message: messages.FinishQuery
    ) -> "Future[messages.Finish]":
        """Ends a session and gives its code; the same again if it has ended."""
        raise NotImplementedError
