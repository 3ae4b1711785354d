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
# Seconds between two checks of a wait: does the worker run, was the call cancelled?
_LOOK = 0.1
# Seconds the keeper has to end the worker and all that it started.
_END = 3.0
# Without these, glibc returns the memory of large arrays to the kernel after each call,
# and the kernel fills it with zeros for the next. That is a third of a call's time on a
# CPU. Other allocators ignore these variables.
KEEP_MEMORY = dict.fromkeys(
    ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(1 << 32)
)


class WorkerDeadError(Exception):
    """The worker ended, hung or sent something invalid; a restart may help."""


class AdapterError(errors.SegmenterError):
    """The adapter raised; the worker still runs, and a restart would not help."""


class CancelledError(errors.SegmenterError):
    """The call was cancelled: its answer is not needed any more."""


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
            command: Program and arguments; three descriptor numbers are added to them.
            timeout: Seconds until the greeting must have come.
            environment: Environment variables beside this process's own.
            name: Name of the worker in messages.
            cancelled: Ends every wait when it is set.

        Raises:
            SegmenterError: The worker cannot be started, its adapter cannot be
                imported, or it speaks another version of the protocol.
        """
        self._number = 0
        self._cancelled = cancelled or threading.Event()
        self._notices = waiting.Notices(name or pathlib.PurePath(command[0]).name)
        self._begin("start", timeout)
        self._start(command, environment or {})
        try:
            self._greet(command)
        except BaseException:
            # An interrupt must not leave the worker running either.
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
                env={**KEEP_MEMORY, **os.environ, **environment},
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
        """Waits for the worker's greeting and checks it."""
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
            timeout: Seconds that the call may take.

        Returns:
            The reply and its arrays. Large arrays are views of shared memory; the
            worker does not write there as long as a view exists.

        Raises:
            AdapterError: The adapter raised.
            WorkerDeadError: No reply came, and the worker was killed.
            CancelledError: The call was cancelled.
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
            raise self._dead(f"it sent an invalid frame: {error}") from error

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
        """Waits until a pipe is ready; returns False if the call's time ends before.

        Raises:
            EOFError: The worker has ended (a process that it started may still hold
                the pipe).
            CancelledError: The call was cancelled.
        """
        # Unlike `select.select`, this takes descriptors with high numbers.
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
        """Has the keeper end all processes; kills them from here if it does not."""
        if self._hold is not None:
            # The keeper holds the other end, and sees that this one is closed.
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
        """Ends the worker; returns an error with its exit status and last output."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            # If the worker ends by itself, its exit status goes into the message.
            self.process.wait(timeout=0.2 if "in time" in reason else 1.0)
        end = _meaning(self.process.returncode)
        self._kill()
        self.words.join()
        return WorkerDeadError(
            f"{reason} ({end}). Its last output:\n"
            + (self.words.text() or "(it wrote nothing to stderr)")
        )


def check_program(program: str) -> None:
    """Checks that a program exists and can be started.

    Raises:
        SegmenterError: It does not exist, or is not a program.
    """
    if shutil.which(program) is None:
        exists = os.path.exists(program)
        reason = "it is not a program" if exists else "there is no such program"
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
        return "it was killed from outside, perhaps because memory ran out"
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"it crashed: {signal.Signals(-status).name}"
    return f"exit status {status}"
