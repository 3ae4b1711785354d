"""Runs many coroutines at a time, and answers their questions in batches.

Questions of many coroutines share a batch of an `Answerer`; a batch that is not full is
sent only if nothing else can add to it. While calls of answerers are under way,
coroutines go on in a pool of threads.

Older coroutines go first. So what was begun first ends first, little is in memory, and
little is lost if the run is stopped.
"""

import contextlib
import dataclasses
import itertools
import queue
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent import futures
from typing import Any, NamedTuple

from rclicks_jax import errors
from rclicks_jax.jobs.batches import Asked, Batch, Desk, Task
from rclicks_jax.jobs.coroutines import Answerer as Answerer
from rclicks_jax.jobs.coroutines import Child as Child
from rclicks_jax.jobs.coroutines import Children as Children
from rclicks_jax.jobs.coroutines import Coroutine as Coroutine
from rclicks_jax.jobs.coroutines import Limits as Limits
from rclicks_jax.jobs.coroutines import Question as Question
from rclicks_jax.jobs.coroutines import of_device as of_device
from rclicks_jax.jobs.meter import Calls, Meter

# Seconds after which the loop looks whether the run was stopped, if nothing happens.
_LOOK_SECONDS = 0.2


def run(
    source: Iterator[Coroutine[Any]],
    answerers: Sequence[Answerer],
    limits: Limits,
    meter: Meter,
    is_stopped: Callable[[], object] = lambda: False,
    abort: Callable[[], None] = lambda: None,
) -> Generator[Any]:
    """Yields the result of each coroutine of a source, in any order.

    Args:
        source: The coroutines; one is taken when there is room for it.
        answerers: All that are asked.
        limits: How much is under way at a time.
        meter: Notes what is done when.
        is_stopped: Tells whether to end early. What is under way is left.
        abort: Called before an early end, to end calls of answerers.

    Raises:
        Exception: What a coroutine of the source raised.
    """
    calls = {
        each.name: Calls(each.lanes, is_shared=each.is_shared) for each in answerers
    }
    meter.begin(calls, limits.threads)
    loop = _Loop(source, answerers, limits, meter)
    with contextlib.ExitStack() as stack:
        loop.open(stack)
        try:
            yield from loop.results(is_stopped)
        except BaseException:
            # A generator that is closed raises GeneratorExit here.
            abort()
            raise
        if loop.is_left:
            abort()


class _Answered(NamedTuple):
    """Raw answers of a call, and the seconds that it took."""

    answers: Sequence[Any]
    seconds: float


@dataclasses.dataclass(frozen=True)
class _End:
    """The end of a coroutine, with its result."""

    value: Any


class _InThisThread(futures.Executor):
    """Does what it is given at once, in the thread that gives it."""

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> futures.Future[Any]:
        future: futures.Future[Any] = futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Loop:
    """What is under way, and the thread that decides what comes next."""

    def __init__(
        self,
        source: Iterator[Coroutine[Any]],
        answerers: Sequence[Answerer],
        limits: Limits,
        meter: Meter,
    ) -> None:
        self._source: Iterator[Coroutine[Any]] | None = source
        self._limits = limits
        self._meter = meter
        self._desks: Mapping[str, Desk] = {each.name: Desk(each) for each in answerers}
        self._events: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
        self._under_way = 0
        self._places = limits.places
        self._bytes = 0
        self._roots = 0
        # Coroutines of the source that have not asked anything yet.
        self._reading = 0
        self._number = itertools.count()
        self._children: list[Task] = []
        self._ended: list[Any] = []

    @property
    def is_left(self) -> bool:
        """Whether something is under way."""
        return bool(self._under_way or self._roots)

    def open(self, stack: contextlib.ExitStack) -> None:
        """Starts threads; the stack ends them."""
        threads = self._limits.threads

        def pool(count: int, name: str) -> futures.Executor:
            if not threads:
                return _InThisThread()
            made = futures.ThreadPoolExecutor(count, f"rclicks-{name}")
            stack.callback(made.shutdown, wait=True, cancel_futures=True)
            return made

        self._pool = pool(threads, "host")
        self._lanes = {
            name: pool(desk.answerer.lanes, name.replace(" ", "-"))
            for name, desk in self._desks.items()
        }
        # Calls that have not begun are dropped before any that has is waited for.
        for each in (self._pool, *self._lanes.values()):
            stack.callback(each.shutdown, wait=False, cancel_futures=True)

    def results(self, is_stopped: Callable[[], object]) -> Iterator[Any]:
        """Yields results until nothing is left, or until stopped."""
        while not is_stopped():
            self._admit()
            self._send()
            yield from self._take_ended()
            if not self._under_way:
                if self.is_left or self._source is not None:
                    continue
                return
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=_LOOK_SECONDS)()
                # What else has happened meanwhile counts before batches are made.
                while True:
                    self._events.get_nowait()()

    def _take_ended(self) -> list[Any]:
        ended, self._ended = self._ended, []
        return ended

    def _admit(self) -> None:
        """Starts coroutines while there is room: children, then those of the source."""
        while self._children and self._has_room(self._children[0]):
            self._start(self._children.pop(0))
        while (
            self._source is not None
            and not self._children
            and self._places > 0
            and self._reading < self._limits.most_reading
            and (not self._limits.roots or self._roots < self._limits.roots)
        ):
            coroutine = next(self._source, None)
            if coroutine is None:
                self._source = None
                return
            self._roots += 1
            self._reading += 1
            self._start(Task(coroutine, (next(self._number),)))

    def _has_room(self, task: Task) -> bool:
        if self._places == self._limits.places:
            return True
        more = self._bytes + task.bytes
        return task.places <= self._places and more <= self._limits.bytes

    def _start(self, task: Task) -> None:
        self._places -= task.places
        self._bytes += task.bytes
        self._step(task, None, None)

    def _leave(self, task: Task) -> None:
        self._places += task.places
        self._bytes -= task.bytes

    def _submit(
        self,
        executor: futures.Executor,
        function: Callable[[], Any],
        then: Callable[[futures.Future[Any]], None],
    ) -> None:
        self._under_way += 1

        def happened(future: futures.Future[Any]) -> None:
            def event() -> None:
                self._under_way -= 1
                then(future)

            self._events.put(event)

        executor.submit(function).add_done_callback(happened)

    def _step(self, task: Task, asked: Asked | None, error: Exception | None) -> None:
        def stepped(future: futures.Future[Any]) -> None:
            self._stepped(task, future)

        self._submit(self._pool, lambda: self._next_step(task, asked, error), stepped)

    def _next_step(
        self, task: Task, asked: Asked | None, error: Exception | None
    ) -> Asked | Children | _End:
        """Sends answers to a coroutine, and prepares what it asks next; in the pool."""
        with self._meter.step():
            return self._sent(task, asked, error)

    def _sent(
        self, task: Task, asked: Asked | None, error: Exception | None
    ) -> Asked | Children | _End:
        to_send: Any = None
        if asked is not None and error is None:
            answerer = self._desks[asked.question.to].answerer
            start = time.perf_counter()
            try:
                to_send = answerer.finish(asked.question.items, asked.raw)
            except Exception as wrong:
                error = wrong
            asked.raw = []
            asked.question.seconds += time.perf_counter() - start
        elif asked is None and error is None and task.results:
            to_send, task.results = task.results, []
        while True:
            try:
                if error is not None:
                    error, thrown = None, error
                    asks = task.coroutine.throw(thrown)
                else:
                    asks = task.coroutine.send(to_send)
            except StopIteration as end:
                return _End(end.value)
            if isinstance(asks, Children):
                return asks
            prepare = self._desks[asks.to].answerer.prepare
            start = time.perf_counter()
            try:
                prepared = prepare(asks.items)
            except Exception as wrong:
                error = wrong
                continue
            asks.seconds += time.perf_counter() - start
            count = len(prepared)
            return Asked(task, asks, prepared, raw=[None] * count, missing=count)

    def _stepped(self, task: Task, future: futures.Future[Any]) -> None:
        if task.is_new:
            task.is_new = False
            self._reading -= task.parent is None
        error = future.exception()
        if isinstance(error, Exception):
            self._end(task, error)
            return
        # What is no Exception, such as an interrupt, is raised here.
        came = future.result()
        if isinstance(came, _End):
            self._end(task, came.value)
        elif isinstance(came, Children):
            self._adopt(task, came.children)
        elif not came.missing:
            self._step(task, came, None)
        else:
            self._desks[came.question.to].add(came)

    def _adopt(self, task: Task, children: Sequence[Child]) -> None:
        self._leave(task)
        task.results, task.missing = [None] * len(children), len(children)
        self._children += [
            Task(
                child.coroutine,
                (*task.order, number),
                child.places,
                child.bytes,
                (task, number),
            )
            for number, child in enumerate(children)
        ]
        self._children.sort(key=lambda each: each.order)

    def _end(self, task: Task, result: Any) -> None:
        self._leave(task)
        if task.parent is None:
            self._roots -= 1
            if isinstance(result, BaseException):
                raise result
            self._ended.append(result)
            return
        parent, number = task.parent
        parent.results[number] = result
        parent.missing -= 1
        if not parent.missing:
            # It takes a place again even if there is none: it is about to end.
            self._start(parent)

    def _send(self) -> None:
        """Sends batches to answerers that are free."""
        for desk in self._desks.values():
            while desk.free:
                batch = desk.next_batch(part_filled=False)
                if not batch:
                    break
                self._call(desk, batch)
        if not self._under_way:
            # Nothing can add to any batch. One call may bring more for the others.
            fullest = max(
                self._desks.values(), key=lambda desk: desk.fill, default=None
            )
            batch = fullest.next_batch(part_filled=True) if fullest else []
            if fullest and batch:
                self._call(fullest, batch)

    def _call(self, desk: Desk, batch: Batch) -> None:
        desk.free -= 1
        answerer = desk.answerer
        items = [
            item
            for part in batch
            for item in part.asked.prepared[part.start : part.stop]
        ]

        is_batch = batch[0].asked.question.kind is not None
        real, rows = len(items), max(answerer.batch, len(items))
        if answerer.batch and not is_batch:
            # Such a call is no pass: no rows are filled up.
            real = rows = 0

        def call() -> _Answered:
            start = time.perf_counter()
            sent = answerer.send(items)
            with self._meter.call(answerer.name, real, rows):
                answers = answerer.answer(sent)
            assert len(answers) == len(items), "every item has an answer"
            return _Answered(answers, time.perf_counter() - start)

        def called(future: futures.Future[Any]) -> None:
            desk.free += 1
            self._called(desk, batch, future)

        self._submit(self._lanes[answerer.name], call, called)

    def _called(
        self, desk: Desk, batch: Batch, future: futures.Future[_Answered]
    ) -> None:
        error = future.exception()
        if isinstance(error, Exception):
            self._failed(desk, batch, error)
            return
        answers, seconds = future.result()
        first = 0
        for part in batch:
            count = part.stop - part.start
            asked = part.asked
            asked.question.seconds += seconds * count / len(answers)
            asked.raw[part.start : part.stop] = answers[first : first + count]
            asked.missing -= count
            first += count
            if not asked.missing and not asked.is_dead:
                self._step(asked.task, asked, None)

    def _failed(self, desk: Desk, batch: Batch, error: Exception) -> None:
        """Asks again in halves, until one question is alone with its error."""
        if isinstance(error, errors.DeviceError):
            # It is no matter of any question.
            raise error
        if len(batch) > 1:
            half = len(batch) // 2
            desk.again(batch[:half])
            desk.again(batch[half:])
            return
        asked = batch[0].asked
        if not asked.is_dead:
            asked.is_dead = True
            self._step(asked.task, asked, error)
