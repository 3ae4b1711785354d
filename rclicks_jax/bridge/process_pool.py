"""A pool of processes of this interpreter, for work that holds its lock.

Each process runs one function of this package, by `pool_process`. It sees no signals,
and ends when this process ends in whatever way, since its input ends then. Frames are
those of workers (`channel`): nothing is pickled, large arrays lie in shared memory, and
nothing is left of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable

from rclicks_jax import errors
from rclicks_jax.bridge import channel, connection, memory, wire
from rclicks_jax.bridge.pool_process import Empty, Frame

# `-P` keeps files of the working folder from being imported in place of modules.
_START = (
    "-P",
    "-c",
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "importlib.import_module('rclicks_jax.bridge.pool_process').main(*sys.argv[2:])",
)
# Signals that end a run: the process that has the pool handles them.
_OURS = (signal.SIGINT, signal.SIGTERM)
# Beside a process there are others for the other cores.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)


class EndedError(Exception):
    """A process ended, and the one that replaced it ended as well."""


class ProcessPool:
    """Processes that answer frames; each answers one call at a time.

    Attributes:
        count: Number of processes.
    """

    def __init__(self, module: str, count: int) -> None:
        """Starts the processes, and does not wait for them.

        Args:
            module: Module of this package whose function `answer` takes the header and
                the arrays of a frame and an `Empty`, and returns a frame.
            count: Number of processes.

        Raises:
            RClicksError: They cannot be started.
        """
        self.count = count
        self._module = module
        self._free: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        for _ in range(count):
            try:
                self._free.put(_Process(module))
            except OSError as error:
                self.close()
                raise errors.RClicksError(
                    f"{count} processes cannot be started ({errors.reason(error)})."
                ) from error

    def call(self, question: Callable[[Empty], Frame]) -> Frame:
        """Asks a process that is free, after waiting for one if there is none.

        A process that has ended is replaced, and the new one is asked.

        Args:
            question: Makes the frame to send.

        Returns:
            Its answer. Large arrays are views of shared memory, in which nothing is
            written as long as a view exists.

        Raises:
            EndedError: The new one ended as well, or cannot be started.
        """
        process = self._free.get()
        try:
            try:
                return process.call(question)
            except EndedError:
                process = _replaced(process, self._module)
                return process.call(question)
        finally:
            self._free.put(process)

    def close(self) -> None:
        """Ends the processes that are free: all, if no call is under way."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._free.get_nowait().close()


class _Process:
    """One process, and the frames that are exchanged with it."""

    def __init__(self, module: str) -> None:
        """Starts the process.

        Raises:
            OSError: It cannot be started.
        """
        with contextlib.ExitStack() as on_failure:
            self._files = (memory.open_file(), memory.open_file())
            on_failure.callback(self._close_files)
            # A blocked signal stays blocked in what is started meanwhile.
            previous = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)
            try:
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        *_START,
                        json.dumps(sys.path),
                        module,
                        *map(str, self._files),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    pass_fds=self._files,
                    start_new_session=True,
                    env={**connection.KEEP_MEMORY, **os.environ, **_ONE_THREAD},
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, previous)
            on_failure.pop_all()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._replies = self._process.stdin, self._process.stdout
        self._channel = channel.Channel(self._read, self._requests.write, *self._files)

    def call(self, question: Callable[[Empty], Frame]) -> Frame:
        """Asks the process.

        Raises:
            EndedError: It has ended, or ends before it has answered.
        """
        if self._process.returncode is not None:
            raise EndedError
        try:
            self._channel.send(*question(self._channel.empty))
            self._requests.flush()
            return self._channel.receive()
        except (OSError, EOFError, wire.WireError) as error:
            self.close()
            raise EndedError from error
        except BaseException:
            # It would answer this call in place of the next.
            self.close()
            raise

    def close(self) -> None:
        """Ends the process, and waits for its end."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._replies):
            with contextlib.suppress(OSError):
                pipe.close()
        self._close_files()

    def _read(self, size: int) -> bytes:
        data = self._replies.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def _close_files(self) -> None:
        for descriptor in self._files:
            os.close(descriptor)
        self._files = ()


def _replaced(ended: _Process, module: str) -> _Process:
    """Returns a new process for one that has ended.

    Raises:
        EndedError: It cannot be started.
    """
    ended.close()
    try:
        return _Process(module)
    except OSError as error:
        raise EndedError from error
