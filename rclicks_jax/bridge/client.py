"""The near side of a worker: calls with a time-out, one restart, and last words."""

from __future__ import annotations

import collections
import os
import pathlib
import select
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any

from rclicks_jax import errors
from rclicks_jax.bridge import wire

WORKER_FILE = pathlib.Path(__file__).with_name("worker.py")
_LAST_LINES = 20
_PIPE_CHUNK = 1 << 20


class WorkerDeadError(Exception):
    """The worker ended, hung or spoke nonsense; a restart may help."""


class AdapterError(errors.SegmenterError):
    """The adapter raised; the worker lives and a restart would not help."""


class Connection:
    """One worker process and the frames exchanged with it.

    Attributes:
        process: The worker.
    """

    def __init__(self, python: str, adapter: str, timeout: float) -> None:
        """Starts the worker and waits for its greeting.

        Raises:
            SegmenterError: It cannot be started, its adapter cannot be imported, or it
                speaks another version.
        """
        self._number = 0
        self._lines: collections.deque[str] = collections.deque(maxlen=_LAST_LINES)
        try:
            self.process = subprocess.Popen(
                [python, str(WORKER_FILE), adapter],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        except OSError as error:
            raise errors.SegmenterError(
                f"No worker could be started with {python}: {error}. Give the "
                "interpreter of the segmenter's environment as python=PATH."
            ) from error
        self._drain = threading.Thread(target=self._keep_lines, daemon=True)
        self._drain.start()
        try:
            header, _ = self._receive(time.monotonic() + timeout)
        except WorkerDeadError as error:
            self.close()
            raise errors.SegmenterError(f"The worker did not start: {error}") from error
        if not header["ok"]:
            self.close()
            raise errors.SegmenterError(
                f"The worker cannot import {adapter}:\n{header['error']}"
            )
        if header["version"] != wire.VERSION:
            self.close()
            raise errors.SegmenterError(
                f"The worker speaks version {header['version']} of the wire protocol, "
                f"this side {wire.VERSION}: use one release of rclicks_jax for both."
            )

    def call(
        self, header: wire.Header, arrays: wire.Arrays, timeout: float
    ) -> tuple[wire.Header, wire.Arrays]:
        """Sends a request and waits for its reply.

        Raises:
            AdapterError: The adapter raised.
            WorkerDeadError: There is no reply, and the worker was killed.
        """
        self._number += 1
        deadline = time.monotonic() + timeout
        try:
            for piece in wire.pack({"number": self._number, **header}, arrays):
                self._send(piece, deadline)
        except OSError as error:
            raise self._dead(f"it closed its pipe ({error})") from error
        reply, results = self._receive(deadline)
        if reply.get("number") != self._number:
            raise self._dead("it answered another call")
        if not reply["ok"]:
            raise AdapterError(reply["error"])
        return reply, results

    def close(self) -> None:
        """Kills the worker and waits for its end."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait()
        self._drain.join()

    def _send(self, data: bytes, deadline: float) -> None:
        assert self.process.stdin is not None
        descriptor = self.process.stdin.fileno()
        os.set_blocking(descriptor, False)
        view = memoryview(data)
        while view:
            _, ready, _ = select.select([], [descriptor], [], _left(deadline))
            if not ready:
                raise self._dead("it did not read its input in time")
            view = view[os.write(descriptor, view[:_PIPE_CHUNK]) :]

    def _receive(self, deadline: float) -> tuple[wire.Header, wire.Arrays]:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()

        def read(size: int) -> bytes:
            data = bytearray()
            while len(data) < size:
                ready, _, _ = select.select([descriptor], [], [], _left(deadline))
                if not ready:
                    raise self._dead("it did not answer in time")
                chunk = os.read(descriptor, min(size - len(data), _PIPE_CHUNK))
                if not chunk:
                    raise EOFError
                data += chunk
            return bytes(data)

        try:
            return wire.unpack(read)
        except EOFError as error:
            raise self._dead("it ended") from error
        except wire.WireError as error:
            raise self._dead(f"it sent no frame: {error}") from error

    def _dead(self, reason: str) -> WorkerDeadError:
        """Ends the worker; returns an error with its exit status and last words."""
        self.process.kill()
        status = self.process.wait()
        self._drain.join(timeout=1)
        words = "\n".join(self._lines) or "(it wrote nothing to stderr)"
        return WorkerDeadError(
            f"{reason} (exit status {status}). Its last words:\n{words}"
        )

    def _keep_lines(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self._lines.append(line.decode(errors="replace").rstrip())


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


class WorkerClient:
    """A worker that is started again once for each call that it does not survive.

    Attributes:
        versions: What the worker said of itself when it loaded the model.
    """

    def __init__(
        self, python: str, adapter: str, options: dict[str, str], timeout: float
    ) -> None:
        """Starts the worker and loads the model.

        Args:
            python: Interpreter of the segmenter's environment.
            adapter: A Python file, or the name of a module of `bridge.adapters`.
            options: For the adapter's `load`.
            timeout: Seconds that a call may take.
        """
        self._arguments = (python, adapter, timeout)
        self._options = options
        self._timeout = timeout
        self.versions: wire.Header = {}
        self._connection = self._started()

    def call(
        self,
        header: wire.Header,
        arrays: wire.Arrays,
        replay: Sequence[tuple[wire.Header, wire.Arrays]] = (),
    ) -> tuple[wire.Header, wire.Arrays]:
        """Calls the worker; if it dies, starts it once more and repeats.

        Args:
            header: The request.
            arrays: Of the request.
            replay: Requests that bring a fresh worker to where the dead one was.

        Raises:
            SegmenterError: The adapter raised, or the worker died twice.
        """
        try:
            return self._connection.call(header, arrays, self._timeout)
        except WorkerDeadError as first:
            self._connection.close()
            self._connection = self._started()
            try:
                for request in replay:
                    self._connection.call(*request, self._timeout)
                return self._connection.call(header, arrays, self._timeout)
            except WorkerDeadError as second:
                self._connection.close()
                self._connection = self._started()
                raise errors.SegmenterError(
                    f"The worker died twice: first, {first}\nthen, {second}"
                ) from second

    def close(self) -> None:
        """Ends the worker."""
        self._connection.close()

    def _started(self) -> Connection:
        connection = Connection(*self._arguments)
        try:
            request: dict[str, Any] = {"action": "load", "options": self._options}
            reply, _ = connection.call(request, {}, self._timeout)
        except (WorkerDeadError, AdapterError) as error:
            connection.close()
            raise errors.SegmenterError(
                f"The worker could not load its model: {error}"
            ) from error
        self.versions = {key: reply[key] for key in ("python", "numpy")}
        return connection
