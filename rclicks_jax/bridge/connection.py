"""One worker process and the frames exchanged with it."""

from __future__ import annotations

import collections
import contextlib
import math
import os
import pathlib
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

from rclicks_jax import errors
from rclicks_jax.bridge import channel, memory, wire

WORKER_FILE = pathlib.Path(__file__).with_name("worker.py")
_LAST_CHARACTERS = 3000
_PIPE_CHUNK = 1 << 20
# The allocator of glibc gives large arrays back after every call and has them filled
# with zeros again by the next: a third of a call's time on a CPU. Others ignore these.
_KEEP_MEMORY = dict.fromkeys(
    ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(1 << 32)
)


class WorkerDeadError(Exception):
    """The worker ended, hung or spoke nonsense; a restart may help."""


class AdapterError(errors.SegmenterError):
    """The adapter raised; the worker lives and a restart would not help."""


class Connection:
    """One worker process and the frames exchanged with it.

    Attributes:
        process: The worker, in a process group of its own.
    """

    def __init__(
        self,
        command: Sequence[str],
        timeout: float,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts the worker and waits for its greeting.

        Args:
            command: What to start; the numbers of three descriptors are added to it.
            timeout: Seconds it may take to greet.
            environment: Variables it gets beside this process's own.

        Raises:
            SegmenterError: It cannot be started, its adapter cannot be imported, or it
                speaks another version.
        """
        self._number = 0
        self._killed = False
        self._deadline = time.monotonic() + timeout
        self._words: collections.deque[bytes] = collections.deque(maxlen=8)
        self._start(command, environment or {})
        try:
            self._greet(command)
        except BaseException:
            # An interrupt, too, must not leave it behind.
            self.close()
            raise

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        requests, replies = memory.open_file(), memory.open_file()
        lifeline, hold = os.pipe()
        inherited = (requests, replies, lifeline)
        try:
            self.process = subprocess.Popen(
                [*command, *map(str, inherited)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=inherited,
                start_new_session=True,
                env={**_KEEP_MEMORY, **os.environ, **environment},
            )
        except OSError as error:
            for descriptor in (requests, replies, hold):
                os.close(descriptor)
            raise errors.SegmenterError(
                f"No worker could be started with {command[0]}: {error}. Give the "
                "interpreter of the segmenter's environment as python=PATH."
            ) from error
        finally:
            os.close(lifeline)
        self._files = (requests, replies, hold)
        self._pipe = channel.Channel(self._read, self._write, requests, replies)
        self._drain = threading.Thread(target=self._keep_words, daemon=True)
        self._drain.start()

    def _greet(self, command: Sequence[str]) -> None:
        """Waits for the worker's greeting, and checks it."""
        try:
            header, _ = self._receive()
        except WorkerDeadError as error:
            raise errors.SegmenterError(f"The worker did not start: {error}") from error
        if not header.get("ok"):
            raise errors.SegmenterError(
                f"The worker cannot import its adapter ({' '.join(command)}):\n"
                f"{header.get('error')}"
            )
        if header.get("version") != wire.VERSION:
            raise errors.SegmenterError(
                f"The worker speaks version {header.get('version')} of the wire "
                f"protocol, this side {wire.VERSION}: use one release of rclicks_jax "
                "for both."
            )

    def call(
        self, header: wire.Header, arrays: wire.Arrays, timeout: float
    ) -> tuple[wire.Header, wire.Arrays]:
        """Sends a request and waits for its reply.

        Args:
            header: The request.
            arrays: Of the request.
            timeout: Seconds it may take.

        Returns:
            The reply and its arrays; the large ones are views of shared memory, which
            the worker does not touch while anything refers to them.

        Raises:
            AdapterError: The adapter raised.
            WorkerDeadError: There is no reply, and the worker was killed.
        """
        self._number += 1
        self._deadline = time.monotonic() + timeout
        try:
            self._pipe.send({"number": self._number, **header}, arrays)
        except OSError as error:
            raise self._dead(f"it closed its pipe ({error})") from error
        reply, results = self._receive()
        if reply.get("number") != self._number:
            raise self._dead("it answered another call")
        if not reply.get("ok"):
            raise AdapterError(str(reply.get("error")))
        return reply, results

    def close(self) -> None:
        """Kills the worker and whatever it started, and waits for its end."""
        self._kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self._drain.join(timeout=1)
        for descriptor in self._files:
            os.close(descriptor)
        self._files = ()

    def _receive(self) -> tuple[wire.Header, wire.Arrays]:
        try:
            return self._pipe.receive()
        except EOFError as error:
            raise self._dead("it ended") from error
        except wire.WireError as error:
            raise self._dead(f"it sent no frame: {error}") from error

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        descriptor = self.process.stdin.fileno()
        os.set_blocking(descriptor, False)
        view = memoryview(data)
        while view:
            if not self._ready(descriptor, select.POLLOUT):
                raise self._dead("it did not read its input in time")
            view = view[os.write(descriptor, view[:_PIPE_CHUNK]) :]

    def _read(self, size: int) -> bytes:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        data = bytearray()
        while len(data) < size:
            if not self._ready(descriptor, select.POLLIN):
                raise self._dead("it did not answer in time")
            chunk = os.read(descriptor, min(size - len(data), _PIPE_CHUNK))
            if not chunk:
                raise EOFError
            data += chunk
        return bytes(data)

    def _ready(self, descriptor: int, event: int) -> bool:
        """Waits until a pipe can be used, at most until the call's time is over."""
        # Unlike `select.select`, with descriptors of any number.
        poll = select.poll()
        poll.register(descriptor, event)
        left = max(0.0, self._deadline - time.monotonic())
        return bool(poll.poll(math.ceil(1000 * left)))

    def _kill(self) -> None:
        # Children of the worker share its group; once it is reaped the number of the
        # group may be another's.
        if self.process.returncode is None or not self._killed:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self._killed = True
        self.process.wait()

    def _dead(self, reason: str) -> WorkerDeadError:
        """Ends the worker; returns an error with its end and its last words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            # One that ends by itself has a status worth telling.
            self.process.wait(timeout=0.2)
        end = _meaning(self.process.returncode)
        self._kill()
        self._drain.join(timeout=1)
        words = b"".join(self._words).decode(errors="replace")[-_LAST_CHARACTERS:]
        return WorkerDeadError(
            f"{reason} ({end}). Its last words:\n"
            + (words.strip() or "(it wrote nothing to stderr)")
        )

    def _keep_words(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            while chunk := stream.read(1 << 14):
                self._words.append(chunk)


def _meaning(status: int | None) -> str:
    if status is None:
        return "it was still running and was killed"
    if status == -signal.SIGKILL:
        return "something killed it, perhaps for want of memory"
    return f"exit status {status}"
