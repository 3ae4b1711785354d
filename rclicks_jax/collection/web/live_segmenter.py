"""A segmenter for live rounds, in a process of its own: it needs seconds, and JAX.

The process is a worker of the bridge (`live_worker`): every call has a time-out, and
the process ends with the server, however that ends.
"""

import asyncio
import collections
import concurrent.futures
import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from rclicks_jax import errors
from rclicks_jax.bridge import client, connection
from rclicks_jax.collection.service.answers import LivePhotograph, LiveTurn
from rclicks_jax.collection.service.desk import refusal

T = TypeVar("T")
_LOG = logging.getLogger("rclicks_jax.collection")
COMMAND = (sys.executable, "-P", "-m", "rclicks_jax.collection.web.live_worker")
# After so many failures in a row, nobody gets a task for so many seconds: each costs a
# person a photograph.
_MOST_FAILURES = 3
_REST_SECONDS = 60.0


class Answerer:
    """A queue before a process with a segmenter.

    A photograph is encoded when its task is given, and again if the process had to
    forget it since. A process that hangs or dies is replaced once for a question, and
    the new one gets the photograph and all clicks again.
    """

    def __init__(
        self,
        spec: str,
        seats: int,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts nothing yet.

        Args:
            spec: The segmenter, as `--segmenter` takes it.
            seats: Photographs that the process holds at a time.
            timeout_s: Seconds that a call may take; the first one loads the segmenter.
            clock: Seconds; tests give their own.
        """
        self._launch = client.Launch(
            command=COMMAND,
            options={"segmenter": spec},
            environment={},
            timeout=timeout_s,
            name=f"live segmenter {spec}",
        )
        self._seats = seats
        self._clock = clock
        self._cancelled = threading.Event()
        self._worker: client.WorkerClient | None = None
        # Photographs that the process holds, oldest use first, and the number of the
        # process that was given each.
        self._held: collections.OrderedDict[str, int] = collections.OrderedDict()
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "segmenter")
        self._asked: dict[str, asyncio.Task[tuple[np.ndarray, float]]] = {}
        self._encoding: set[asyncio.Task[None]] = set()
        self._failures, self._failed_at = 0, 0.0

    def warm_up(self) -> None:
        """Loads the segmenter.

        Raises:
            SegmenterError: It cannot be loaded.
        """
        self._thread.submit(self._running).result()

    @property
    def rests(self) -> bool:
        """Whether it failed too often lately to be given further people."""
        recent = self._clock() - self._failed_at < _REST_SECONDS
        return recent and self._failures >= _MOST_FAILURES

    def prepare(self, photograph: LivePhotograph) -> None:
        """Has a photograph encoded while its person looks at what is meant."""

        async def encode() -> None:
            try:
                await self._in_turn(lambda: self._survive(photograph, lambda _: None))
            except errors.SegmenterError as error:
                # The first click says so to its person.
                _LOG.warning("A photograph was not encoded: %s", error)

        task = asyncio.create_task(encode())
        self._encoding.add(task)
        task.add_done_callback(self._encoding.discard)

    async def ask(self, turn: LiveTurn) -> tuple[np.ndarray, float]:
        """Returns a mask, `bool[h w]`, and the milliseconds that it took.

        An act that comes again while it is being answered waits for the same answer.

        Raises:
            Refusal: The segmenter failed, twice if a new process could help; or the
                server ends.
        """
        key = turn.event.client_id
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._answer(turn))
            self._asked[key].add_done_callback(lambda _: self._asked.pop(key))
        # A browser that leaves must not take the answer from others.
        return await asyncio.shield(self._asked[key])

    def abort(self) -> None:
        """Ends the calls that are under way; no process is started again."""
        self._cancelled.set()

    def close(self) -> None:
        """Ends the process."""
        self.abort()
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._worker is not None:
            self._worker.close()

    async def _answer(self, turn: LiveTurn) -> tuple[np.ndarray, float]:
        begun = time.perf_counter()
        clicks = {"yx": turn.clicks_yx, "positive": turn.positive}
        header = {"action": "predict", "assignment": turn.photograph.assignment}

        def predict(worker: client.WorkerClient) -> np.ndarray:
            return worker.call((header, clicks))["mask"]

        try:
            mask = await self._in_turn(lambda: self._survive(turn.photograph, predict))
        except connection.CancelledError:
            raise refusal(503, "busy", "The server ends.") from None
        except errors.SegmenterError as error:
            self._failures, self._failed_at = self._failures + 1, self._clock()
            _LOG.error("The segmenter failed: %s", error)
            raise refusal(409, "segmenter", "The segmenter failed.") from None
        self._failures = 0
        shape = turn.photograph.height, turn.photograph.width
        if mask.dtype != bool or mask.shape != shape:
            raise refusal(409, "segmenter", "The segmenter sent no mask.")
        return mask, (time.perf_counter() - begun) * 1000

    async def _in_turn(self, action: Callable[[], T]) -> T:
        """Runs an action in the one thread that talks to the process."""
        try:
            future = self._thread.submit(action)
        except RuntimeError as error:
            raise connection.CancelledError("The server ended.") from error
        return await asyncio.wrap_future(future)

    def _running(self) -> client.WorkerClient:
        if self._worker is None:
            self._worker = client.WorkerClient(self._launch, self._cancelled)
        return self._worker

    def _survive(
        self,
        photograph: LivePhotograph,
        action: Callable[[client.WorkerClient], T],
    ) -> T:
        """Does something with a photograph that the process holds."""
        worker = self._running()

        def act() -> T:
            self._hold(worker, photograph)
            return action(worker)

        try:
            return worker.survive(act)
        except connection.AdapterError:
            # The process lives; what it knew of this photograph may be broken.
            self._held.pop(photograph.assignment, None)
            return worker.survive(act)

    def _hold(self, worker: client.WorkerClient, photograph: LivePhotograph) -> None:
        """Has the process encode a photograph, unless it holds it."""
        key = photograph.assignment
        if worker.alive and self._held.get(key) == worker.generation:
            self._held.move_to_end(key)
            return
        self._held.pop(key, None)
        while len(self._held) >= self._seats:
            oldest, generation = self._held.popitem(last=False)
            if worker.alive and generation == worker.generation:
                worker.call(({"action": "release", "assignment": oldest}, {}))
        header = {
            "action": "encode",
            "assignment": key,
            "photograph": str(photograph.image_path),
            "gt_mask": str(photograph.gt_path),
        }
        worker.call((header, {}))
        self._held[key] = worker.generation
