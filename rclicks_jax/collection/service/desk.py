"""What answers to requests need: the open study, and refusals."""

import dataclasses
import functools
import sqlite3
from collections.abc import Sequence
from typing import Literal

from rclicks_jax import errors
from rclicks_jax.collection import messages, words
from rclicks_jax.collection.service import judgement
from rclicks_jax.collection.store import sessions
from rclicks_jax.collection.store.sessions import Session
from rclicks_jax.collection.study import study_files, tokens

Source = Literal["people", "bots"]
_Status = Literal[400, 401, 403, 409, 429, 503]


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


@dataclasses.dataclass(frozen=True)
class Desk:
    """An open study, for the functions that answer.

    Attributes:
        study: Its files.
        wave: Its wave.
        orders: Orders of display modes that sessions are given in turn.
        source: Whether clicks of people or of bots count in it; never both.
        opening: Random id of this opening of the study, through which one clock runs.
    """

    study: study_files.Study
    wave: int
    orders: Sequence[tuple[words.Mode, ...]]
    source: Source
    opening: str = dataclasses.field(default_factory=tokens.new_id)

    @functools.cached_property
    def policy(self) -> str:
        """Hash of the settings by which clicks are judged."""
        return judgement.policy_hash(self.study.config.judgement)

    def session(self, db: sqlite3.Connection, session_id: str) -> Session:
        """Returns a session of the present wave.

        Raises:
            Refusal: There is none, or it is of an earlier wave.
        """
        session = sessions.find(db, session_id)
        if session is None:
            raise refusal(401, "no_session", "There is no such session.")
        if session.wave != self.wave:
            raise refusal(403, "closed", "The session is of an earlier wave.")
        return session

    def order(self, session: Session) -> tuple[words.Mode, ...]:
        """Returns the order of display modes of a session with a turn."""
        return self.orders[(session.turn or 0) % len(self.orders)]

    def proof(self, session_id: str) -> str:
        """Returns the code of a session that the owner of the study can verify."""
        return tokens.code(self.study.secret, "proof", session_id)


def refusal(
    status: _Status,
    problem: words.Problem,
    detail: str,
) -> Refusal:
    """Returns a refusal; what is busy, full or taken may work later."""
    retry = problem in ("too_many", "busy", "full", "no_seat")
    return Refusal(
        status, messages.Problem(problem=problem, detail=detail, retry=retry)
    )
