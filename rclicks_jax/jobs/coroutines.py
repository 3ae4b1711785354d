"""Coroutines that ask questions, and what answers them.

A coroutine yields a `Question` and is sent the answers, or yields `Children`, further
coroutines, and is sent their results. `scheduler` runs many at a time.
"""

import dataclasses
from collections.abc import Callable, Generator, Hashable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar


@dataclasses.dataclass
class Question:
    """A question to an answerer, of one or several items.

    Attributes:
        to: Name of the answerer.
        items: What is asked; each item has an answer.
        kind: Questions of the same kind share batches, and may be split over several,
            if the answerer has batches. None for a question that is answered alone, in
            one call.
        seconds: Seconds that the answer took: of each call, the share of the items.
            Set before the answers are sent.
    """

    to: str
    items: Sequence[Any]
    kind: Hashable = None
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Child:
    """A coroutine to run beside others.

    Attributes:
        coroutine: The coroutine.
        places: Places that it takes.
        bytes: Memory that it needs at most, bytes.
    """

    coroutine: "Coroutine[Any]"
    places: int = 1
    bytes: int = 0


@dataclasses.dataclass(frozen=True)
class Children:
    """Coroutines that run at the same time.

    Whoever yields this is sent a list: the result of each, or the exception that it
    raised.
    """

    children: Sequence[Child]


T = TypeVar("T")
# Yields questions or children, is sent answers or results, and returns a result.
Coroutine: TypeAlias = Generator[Question | Children, Any, T]


def _as_they_are(items: Sequence[Any]) -> Sequence[Any]:
    return items


def _answers(items: Sequence[Any], raw: Sequence[Any]) -> Sequence[Any]:
    del items
    return raw


@dataclasses.dataclass(frozen=True)
class Answerer:
    """What answers questions: a device, a worker, a function.

    Attributes:
        name: Its name in questions and reports.
        answer: Returns a raw answer for each prepared item of a batch, of what `send`
            returned. It runs in a thread of the answerer.
        batch: Items of a batch; fewer take as long. 0 answers each question alone.
        lanes: Calls of `answer` at the same time.
        prepare: Prepares the items of a question, in the pool.
        finish: Makes the answers of the items of a question from the raw ones, in the
            pool.
        send: Begins to answer the prepared items of a batch, in the same thread. The
            answerer counts as busy from its end on.
        is_shared: Whether it is half busy when half of its lanes have a call.
    """

    name: str
    answer: Callable[[Any], Sequence[Any]]
    batch: int = 0
    lanes: int = 1
    prepare: Callable[[Sequence[Any]], Sequence[Any]] = _as_they_are
    finish: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]] = _answers
    send: Callable[[Sequence[Any]], Any] = _as_they_are
    is_shared: bool = False


class Staged(Protocol):
    """What answers in four stages; see `Answerer`."""

    @property
    def batch(self) -> int:
        """Items of a batch; 0 answers each question alone."""
        ...

    @property
    def prepare(self) -> Callable[[Sequence[Any]], Sequence[Any]]:
        """Prepares the items of a question."""
        ...

    @property
    def send(self) -> Callable[[Sequence[Any]], Any]:
        """Begins to answer prepared items."""
        ...

    @property
    def answer(self) -> Callable[[Any], Sequence[Any]]:
        """Returns a raw answer for each of them."""
        ...

    @property
    def finish(self) -> Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]:
        """Makes the answers to the items of a question."""
        ...


def of_device(name: str, staged: Staged) -> Answerer:
    """Returns the answerer of a device, or of what is no device and has no batches."""
    # While one pass is on the device, the next is brought there.
    lanes = 2 if staged.batch else 1
    stages = staged.prepare, staged.finish, staged.send
    return Answerer(name, staged.answer, staged.batch, lanes, *stages)


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much is under way at a time.

    Attributes:
        places: Places for coroutines without children. A coroutine that takes more
            runs alone.
        bytes: Memory that they may need together, bytes. A coroutine that needs more
            runs alone.
        roots: Coroutines of the source, with or without children; 0 for any number.
        threads: Threads of the pool; 0 runs everything in the calling thread, one thing
            after the other.
    """

    places: int
    bytes: int
    roots: int = 0
    threads: int = 1

    @property
    def most_reading(self) -> int:
        """Coroutines of the source that have asked nothing yet.

        Few read their data ahead, as nobody knows how much that is.
        """
        return 2 * max(1, self.threads)
