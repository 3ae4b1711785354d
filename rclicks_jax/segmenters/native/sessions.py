"""Trajectories on a photograph: their states are on the device, the rest on the host.

The rows of a session are divided into parts of a fixed length. A call answers some rows
of a part, as a piece: it works on copies, which become the session's when all of the
call has succeeded. So a call that fails can be made again.
"""

import dataclasses
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax
import numpy as np

from rclicks_jax import errors
from rclicks_jax.segmenters import base
from rclicks_jax.segmenters.native.method import Tree
from rclicks_jax.segmenters.native.programs import Onto
from rclicks_jax.types import Clicks

# Of two states and which rows are wanted: the second where wanted.
Merge = Callable[[Tree, Tree, np.ndarray], Tree]


class Features:
    """An encoded photograph.

    Attributes:
        lane: Number of the device that has it.
        size: Its height and width.
        frame: What the method has to know of it on the host.
        kept: What the device keeps for it beside the slot.
        slot: Number of its slot on the device.
        forget: Frees the slot; called once at most, at the latest when nothing refers
            to the photograph any more.
    """

    forget: "weakref.finalize[..., Features]"

    def __init__(
        self, lane: int, size: tuple[int, int], frame: Any, kept: Tree, slot: int
    ) -> None:
        """Takes what is known of it."""
        self.lane, self.size, self.frame = lane, size, frame
        self.kept, self.slot = kept, slot


class Answers(Protocol):
    """Answers to a request; see `lane.Answers`."""

    @property
    def masks(self) -> np.ndarray:
        """Masks, `bool[t h w]`."""
        ...

    @property
    def probabilities(self) -> np.ndarray | None:
        """Probabilities, `f32[t h w]`."""
        ...


class Session:
    """Trajectories; those that end keep their places.

    Attributes:
        features: The photograph.
        states: State of the trajectories of each part; None before the first click.
        answered: Whether a click of a trajectory was answered, `bool[t]`.
    """

    def __init__(
        self,
        features: Features,
        count: int,
        together: int,
        answer: Callable[[Sequence[base.Request["Session"]], bool], list[Any]],
    ) -> None:
        """Starts `count` trajectories without clicks.

        Args:
            features: The photograph.
            count: Number of trajectories.
            together: Length of a part.
            answer: Answers requests, with probabilities or without.
        """
        self.features = features
        self.states: list[Tree | None] = [None] * -(-count // together)
        self.answered = np.zeros(count, bool)
        self._notes: Tree | None = None
        self._answer = answer

    def predict(self, rows: np.ndarray, clicks: Clicks) -> np.ndarray:
        """Answers a click; see `base.Session`."""
        (answers,) = self._answer([base.Request(self, rows, clicks)], False)
        return answers.masks

    def predict_with_probabilities(
        self, rows: np.ndarray, clicks: Clicks
    ) -> tuple[np.ndarray, np.ndarray]:
        """Answers a click with masks and probabilities, `f32[t h w]`."""
        (answers,) = self._answer([base.Request(self, rows, clicks)], True)
        return answers.masks, answers.probabilities

    def notes_of(self, rows: np.ndarray) -> Tree | None:
        """Returns what was noted of trajectories; None if nothing was."""
        if self._notes is None:
            return None
        return jax.tree.map(lambda leaf: leaf[rows], self._notes)

    def note(self, rows: np.ndarray, notes: Tree) -> None:
        """Takes what was noted of trajectories whose click was answered."""
        self.answered[rows] = True
        if self._notes is None:
            self._notes = _zeros(notes, len(self.answered))
        _set(self._notes, rows, notes)


@dataclasses.dataclass(eq=False)
class Piece:
    """Trajectories of a part of a session, in a call.

    Attributes:
        session: The session.
        request: Number of the request that asks.
        indices: Which rows of the request they are, `i32[r]`.
        part: Number of the part.
        rows: Their numbers in the session, `i32[r]`.
        places: Their places in the part, `i32[r]`.
        length: Length of the part.
        clicks: All their clicks so far, filled up.
        before: State of the part when the call began; None before the first click.
        state: State of the part with what the call has answered so far.
        notes: What was noted of them so far; None if nothing was.
        answered: Whether a click of theirs was answered before, `bool[r]`.
        passes: Passes that their newest click needs, `i32[r]`.
    """

    session: Session
    request: int
    indices: np.ndarray
    part: int
    rows: np.ndarray
    places: np.ndarray
    length: int
    clicks: Clicks
    before: Tree | None
    state: Tree
    notes: Tree | None
    answered: np.ndarray
    passes: np.ndarray

    def take(
        self,
        rows: np.ndarray,
        before: Tree,
        onto: Onto,
        merge: Merge,
        answers: Sequence[Answers],
    ) -> None:
        """Takes what came of a pass.

        Args:
            rows: Which of its rows were in the pass.
            before: Its state when the pass was started.
            onto: What came of the part.
            merge: See `programs.Programs`.
            answers: Answers to all requests, which are written.
        """
        places = self.places[rows]
        self.state = self._with_rows(self.state, before, onto.state, places, merge)
        notes = jax.tree.map(lambda leaf: leaf[places], onto.notes)
        if self.notes is None:
            self.notes = _zeros(notes, len(self.rows))
        _set(self.notes, rows, notes)
        self.answered[rows] = True
        if onto.masks is None:
            return
        height, width = self.session.features.size
        own, indices = answers[self.request], self.indices[rows]
        own.masks[indices] = onto.masks[places, :height, :width]
        if own.probabilities is not None:
            own.probabilities[indices] = onto.probabilities[places, :height, :width]

    def commit(self, merge: Merge) -> None:
        """Makes its states those of the session; `merge` as in `programs.Programs`."""
        states = self.session.states
        states[self.part] = self._with_rows(
            states[self.part], self.before, self.state, self.places, merge
        )
        self.session.note(self.rows, self.notes)

    def _with_rows(
        self, now: Tree, before: Tree, new: Tree, places: np.ndarray, merge: Merge
    ) -> Tree:
        """Returns the part's state with new rows.

        Args:
            now: What it is now.
            before: What it was when the new rows were begun.
            new: The state of that time with the new rows.
            places: Places of the new rows.
            merge: See `programs.Programs`.
        """
        if now is before:
            return new
        # Meanwhile other rows of the part were answered.
        wanted = np.zeros(self.length, bool)
        wanted[places] = True
        return merge(now, new, wanted)


def check(name: str, requests: Sequence[base.Request[Session]]) -> None:
    """Checks that requests can be answered.

    Args:
        name: Name of the segmenter.
        requests: The requests.

    Raises:
        SegmenterError: A trajectory has no click, or the photograph is forgotten.
    """
    for session, _, clicks in requests:
        if clicks.count.min(initial=1) < 1:
            raise errors.SegmenterError(
                f"{name} was asked about a trajectory without a click; each has at "
                "least one."
            )
        if not session.features.forget.alive:
            raise errors.SegmenterError(
                f"{name} was asked about a photograph that it was told to forget."
            )


def _zeros(like: Tree, count: int) -> Tree:
    return jax.tree.map(
        lambda leaf: np.zeros((count, *leaf.shape[1:]), leaf.dtype), like
    )


def _set(whole: Tree, rows: np.ndarray, part: Tree) -> None:
    """Writes rows of all arrays."""
    for array, new in zip(jax.tree.leaves(whole), jax.tree.leaves(part), strict=True):
        array[rows] = new
