"""One worker process and the frames exchanged with it."""

from __future__ import annotations

import contextlib
import math
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

from rclicks_jax import errors
from rclicks_jax.bridge import channel, keeper, memory, waiting, wire, words

WORKER_FILE = pathlib.Path(__file__).with_name("worker.py")
_KEEPER = (sys.executable, "-I", "-S", str(WORKER_FILE.with_name("keeper.py")))
_PIPE_CHUNK = 1 << 20
# Seconds after which a wait looks whether the worker lives and is still wanted.
_LOOK = 0.1
# Seconds the keeper has to end the worker and all that it started.
_END = 3.0
# The allocator of glibc gives large arrays back after every call and has them filled
# with zeros again by the next: a third of a call's time on a CPU. Others ignore these.
_KEEP_MEMORY = dict.fromkeys(
    ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(1 << 32)
)


class WorkerDeadError(Exception):
    """The worker ended, hung or spoke nonsense; a restart may help."""


class AdapterError(errors.SegmenterError):
    """The adapter raised; the worker lives and a restart would not help."""


class CancelledError(errors.SegmenterError):
    """Nobody wants the answer any more."""


class Connection:
    """One worker process and the frames exchanged with it.

    Attributes:
        process: The keeper of the worker, which ends as the worker does.
        words: What the worker writes to stderr.
    """

    def __init__(
        self,
        command: Sequence[str],
        timeout: float,
        environment: Mapping[str, str] | None = None,
        name: str = "",
        cancelled: threading.Event | None = None,
    ) -> None:
        """Starts the worker and waits for its greeting.

        Args:
            command: What to start; the numbers of three descriptors are added to it.
            timeout: Seconds it may take to greet.
            environment: Variables it gets beside this process's own.
            name: What messages call it.
            cancelled: Ends every wait when it is set.

        Raises:
            SegmenterError: It cannot be started, its adapter cannot be imported, or it
                speaks another version.
        """
        self._number = 0
        self._cancelled = cancelled or threading.Event()
        self._notices = waiting.Notices(name or pathlib.PurePath(command[0]).name)
        self._begin("start", timeout)
        self._start(command, environment or {})
        try:
            self._greet(command)
        except BaseException:
            # An interrupt, too, must not leave it behind.
            self.close()
            raise
        self._notices.end()

    def _begin(self, action: str, timeout: float) -> None:
        self._deadline = time.monotonic() + timeout
        self._notices.begin(action, timeout)

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        check_program(command[0])
        opened: list[int] = []
        try:
            for _ in range(2):
                opened.append(memory.open_file())
            opened.extend(os.pipe())
            requests, replies, lifeline, hold = opened
            inherited = (requests, replies, lifeline)
            self.process = subprocess.Popen(
                [*_KEEPER, *command, *map(str, inherited)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=inherited,
                start_new_session=True,
                env={**_KEEP_MEMORY, **os.environ, **environment},
            )
        except (OSError, ValueError) as error:
            for descriptor in opened:
                os.close(descriptor)
            raise _not_started(command[0], str(error)) from error
        os.close(lifeline)
        self._files = (requests, replies)
        self._hold: int | None = hold
        self._pipe = channel.Channel(self._read, self._write, requests, replies)
        assert self.process.stderr is not None
        self.words = words.Words(os.dup(self.process.stderr.fileno()))
        self.process.stderr.close()

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
                "for both. What changed for a worker of your own is in "
                "docs/wire_protocol.md."
            )

    def call(
        self, header: wire.Header, arrays: wire.Arrays, timeout: float
    ) -> tuple[wire.Header, wire.Arrays]:
        """Sends a request and waits for its reply.

        Args:
            header: The request.
            arrays: The arrays of the request.
            timeout: Seconds it may take.

        Returns:
            The reply and its arrays; the large ones are views of shared memory, which
            the worker does not touch while anything refers to them.

        Raises:
            AdapterError: The adapter raised.
            WorkerDeadError: There is no reply, and the worker was killed.
            CancelledError: Nobody wants the reply any more.
        """
        self._number += 1
        self._begin(str(header["action"]), timeout)
        try:
            self._pipe.send({"number": self._number, **header}, arrays)
        except OSError as error:
            raise self._dead(f"it closed its pipe ({errors.reason(error)})") from error
        reply, results = self._receive()
        if reply.get("number") != self._number:
            raise self._dead("it answered another call")
        self._notices.end()
        if not reply.get("ok"):
            raise AdapterError(str(reply.get("error")))
        return reply, results

    def close(self) -> None:
        """Kills the worker and whatever it started, and waits for its end."""
        self._kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.words.join()
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
        """Waits until a pipe can be used, at most until the call's time is over.

        Raises:
            EOFError: The worker has ended, though something it started may hold the
                pipe.
            CancelledError: Nobody waits for the worker any more.
        """
        # Unlike `select.select`, with descriptors of any number.
        poll = select.poll()
        poll.register(descriptor, event)
        while True:
            left = max(0.0, self._deadline - time.monotonic())
            if poll.poll(math.ceil(1000 * min(left, _LOOK))):
                return True
            if self._cancelled.is_set():
                raise CancelledError("Interrupted.")
            if self.process.poll() is not None and not poll.poll(0):
                raise EOFError
            if left <= _LOOK:
                return False
            self._notices.look(self.words.text)

    def _kill(self) -> None:
        """Has the keeper end everything; ends it from here if it does not."""
        if self._hold is not None:
            # Its other end is how the keeper knows that this side is gone.
            os.close(self._hold)
            self._hold = None
        if self.process.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=_END)
        if self.process.returncode is None:
            keeper.end_below(self.process.pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _dead(self, reason: str) -> WorkerDeadError:
        """Ends the worker; returns an error with its end and its last words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            # One that ends by itself has a status worth telling.
            self.process.wait(timeout=0.2 if "in time" in reason else 1.0)
        end = _meaning(self.process.returncode)
        self._kill()
        self.words.join()
        return WorkerDeadError(
            f"{reason} ({end}). Its last words:\n"
            + (self.words.text() or "(it wrote nothing to stderr)")
        )


def check_program(program: str) -> None:
    """Makes sure that there is a program to start.

    Raises:
        SegmenterError: There is none.
    """
    if shutil.which(program) is None:
        there = os.path.exists(program)
        reason = "it is no program" if there else "there is no such program"
        raise _not_started(program, reason)


def _not_started(program: str, reason: str) -> errors.SegmenterError:
    return errors.SegmenterError(
        f"No worker could be started with {program}: {reason}. Give the interpreter of "
        "the segmenter's environment as python=PATH."
    )


def _meaning(status: int | None) -> str:
    if status is None:
        return "it was still running and was killed"
    if status == -signal.SIGKILL:
        return "something killed it, perhaps for want of memory"
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"a fault ended it: {signal.Signals(-status).name}"
    return f"exit status {status}"
