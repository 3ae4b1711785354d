"""Questions that wait for an answerer, and the batches that are made of them."""

import bisect
import dataclasses
import itertools
from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

from rclicks_jax.jobs.coroutines import Answerer, Coroutine, Question


@dataclasses.dataclass(eq=False)
class Task:
    """A coroutine under way.

    Attributes:
        coroutine: The coroutine.
        order: Its rank in the order of age; children follow their parent.
        places: Places that it takes.
        bytes: Memory that it needs at most, bytes.
        parent: The task whose child it is, and its number there.
        results: Results of its children so far.
        missing: Children that have not ended.
        is_new: Whether it has asked nothing yet.
    """

    coroutine: Coroutine[Any]
    order: tuple[int, ...]
    places: int = 1
    bytes: int = 0
    parent: "tuple[Task, int] | None" = None
    results: list[Any] = dataclasses.field(default_factory=list[Any])
    missing: int = 0
    is_new: bool = True


@dataclasses.dataclass(eq=False)
class Asked:
    """A question that was asked.

    Attributes:
        task: Who asks.
        question: The question.
        prepared: Its items, prepared.
        sent: Number of items that are in batches.
        raw: Raw answers so far.
        missing: Items without an answer.
        is_dead: Whether it was answered with an error.
    """

    task: Task
    question: Question
    prepared: Sequence[Any]
    sent: int = 0
    raw: list[Any] = dataclasses.field(default_factory=list[Any])
    missing: int = 0
    is_dead: bool = False

    @property
    def left(self) -> int:
        """Items that are in no batch yet."""
        return len(self.prepared) - self.sent


@dataclasses.dataclass(frozen=True)
class Part:
    """Items of a question that are in one batch: `start` to `stop`."""

    asked: Asked
    start: int
    stop: int


Batch: TypeAlias = list[Part]


class Desk:
    """The questions that wait for an answerer."""

    def __init__(self, answerer: Answerer) -> None:
        self.answerer = answerer
        # Calls that may be made now. Where nothing is gained by waiting for more, one
        # more is made than are answered at a time: it waits for the end of another in
        # the thread of the answerer, which then need not wait for the loop.
        self.free = answerer.lanes + (0 if answerer.batch > 1 else 1)
        self._number = itertools.count()
        # Sorted by the age of who asks.
        self._waiting: list[tuple[tuple[int, ...], int, Asked]] = []
        # Parts of a batch that failed, to be asked again in smaller ones.
        self._again: list[Batch] = []

    def add(self, asked: Asked) -> None:
        """Takes a question."""
        bisect.insort(self._waiting, (asked.task.order, next(self._number), asked))

    def again(self, batch: Batch) -> None:
        """Takes parts of a batch that failed."""
        self._again.append(batch)

    def next_batch(self, *, part_filled: bool) -> Batch:
        """Takes the next batch; empty if there is none.

        Args:
            part_filled: Whether it may be smaller than a batch.
        """
        while self._again:
            batch = [part for part in self._again.pop() if not part.asked.is_dead]
            if batch:
                return batch
        self._waiting = [entry for entry in self._waiting if not entry[2].is_dead]
        ready: dict[Hashable, int] = {}
        for _, _, asked in self._waiting:
            kind = self._kind(asked)
            if kind is None:
                return self._take([asked])
            ready[kind] = ready.get(kind, 0) + asked.left
            if ready[kind] >= self.answerer.batch:
                return self._take(self._of(kind))
        if part_filled and self._waiting:
            return self._take(self._of(self._kind(self._waiting[0][2])))
        return []

    @property
    def fill(self) -> float:
        """Items that wait, as a share of a batch."""
        waiting = sum(asked.left for _, _, asked in self._waiting)
        return waiting / max(1, self.answerer.batch)

    def _kind(self, asked: Asked) -> Hashable:
        return asked.question.kind if self.answerer.batch else None

    def _of(self, kind: Hashable) -> list[Asked]:
        return [asked for _, _, asked in self._waiting if self._kind(asked) == kind]

    def _take(self, oldest: Sequence[Asked]) -> Batch:
        batch: Batch = []
        alone = self._kind(oldest[0]) is None
        room = oldest[0].left if alone else self.answerer.batch
        for asked in oldest:
            count = min(room, asked.left)
            if not count:
                break
            batch.append(Part(asked, asked.sent, asked.sent + count))
            asked.sent += count
            room -= count
        self._waiting = [entry for entry in self._waiting if entry[2].left]
        return batch
