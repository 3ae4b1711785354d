"""A worker: another Python that runs one adapter and answers frames.

It is started as a file, by the interpreter that has the segmenter's packages:

    /path/to/python /path/to/rclicks_jax/bridge/worker.py adapter.py 5 6 7

Frames come on file descriptor 0 and go to a copy of descriptor 1. Descriptor 1 itself
then points to stderr, so a library that prints does not damage the frames. The three
numbers are inherited descriptors: memory of requests, memory of replies, and a pipe
that ends when the client ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import resource
import signal
import sys
import threading
import types
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

if __name__ == "__main__":
    # Makes this package importable, but not its neighbours in site-packages. Neighbours
    # of this file may have the names of packages that frameworks import.
    _here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != _here]
    _package = types.ModuleType("rclicks_jax")
    _package.__path__ = [os.path.dirname(_here)]
    sys.modules["rclicks_jax"] = _package

from rclicks_jax.bridge import adapter, answers, channel, faults, switches, wire

_ERROR_CHARACTERS = 8000


class Worker:
    """An adapter with encoded photographs and states of trajectories."""

    def __init__(
        self, running: adapter.Adapter, empty: answers.Empty = np.empty
    ) -> None:
        """Keeps the adapter; its model is not loaded yet.

        Args:
            running: The adapter that this worker runs.
            empty: Makes the arrays of masks.
        """
        self.adapter = running
        self.empty = empty
        self.encoded: dict[int, adapter.Encoded] = {}
        self.sessions: dict[int, dict[str, Any]] = {}

    def answer(
        self, header: wire.Header, arrays: wire.Arrays
    ) -> tuple[wire.Header, wire.Arrays]:
        """Does what a request asks; returns the header and arrays of the reply."""
        action = header["action"]
        if action == "load":
            values = header.get("protocol")
            protocol = None if values is None else switches.from_json(values)
            return {"versions": self.adapter.load(header["options"], protocol)}, {}
        if action == "encode":
            self.encoded[header["image"]] = self.adapter.encode(arrays["image"])
            return {}, {}
        if action == "predict":
            return {}, self._predict(header, arrays)
        if action == "saliency":
            return {}, {"saliency": self.adapter.saliency(arrays["image"])}
        if action == "release":
            self.encoded.pop(header["image"], None)
            ended = [
                k for k, s in self.sessions.items() if s["image"] == header["image"]
            ]
            for key in ended:
                del self.sessions[key]
            return {}, {}
        raise ValueError(f"unknown action {action!r}")

    def _predict(self, header: wire.Header, arrays: wire.Arrays) -> wire.Arrays:
        fresh = {"image": header["image"], "rows": arrays["rows"], "state": None}
        session = self.sessions.setdefault(header["session"], fresh)
        if not np.array_equal(session["rows"], arrays["rows"]):
            places = np.searchsorted(session["rows"], arrays["rows"])
            count = len(session["rows"])
            session["state"] = self.adapter.take(session["state"], count, places)
            session["rows"] = arrays["rows"]
        clicks = adapter.Clicks(arrays["yx"], arrays["positive"], arrays["count"])
        results, session["state"] = self.adapter.predict(
            self.encoded[header["image"]],
            clicks,
            session["state"],
            bool(header.get("probabilities")),
            self.empty,
        )
        return results


class Answering(Protocol):
    """What answers requests in a worker."""

    def answer(
        self, header: wire.Header, arrays: wire.Arrays
    ) -> tuple[wire.Header, wire.Arrays]:
        """Does what a request asks; returns the header and arrays of the reply."""
        ...


def serve(worker: Answering, pipe: channel.Channel) -> None:
    """Answers frames until the other side closes the pipe."""
    while True:
        try:
            header, arrays = pipe.receive()
        except EOFError:
            return
        reply = {"number": header.get("number"), "ok": True, "rss": resident_bytes()}
        try:
            extra, results = worker.answer(header, arrays)
            _flush()
            pipe.send({**reply, **extra}, results)
        except BaseException as error:
            _flush()
            pipe.send({**reply, "ok": False, "error": _words_of(error)})
        # Otherwise the arrays of this request would stay until the next has come.
        del header, arrays


def resident_bytes() -> int:
    """Returns the memory that this process uses; on some systems, its peak."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024)


def end_with_client(lifeline: int) -> None:
    """Ends this process and its children when the client ends, even if this one hangs.

    Args:
        lifeline: Reading end of a pipe; only the client holds the other end.
    """
    group = os.getpgrp() if os.getpgrp() == os.getpid() else 0

    def wait() -> None:
        os.read(lifeline, 1)
        if group:
            os.killpg(group, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
    if hasattr(fcntl, "F_SETSIG"):
        # The kernel does the same if a library hangs and blocks all threads.
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -group if group else os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)


def _flush() -> None:
    """Flushes what was printed, so that it is not lost if this process dies."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def _words_of(error: BaseException) -> str:
    is_complete = isinstance(error, (faults.FaultError, wire.WireError))
    text = str(error) if is_complete else faults.describe(error)
    return text[:_ERROR_CHARACTERS]


def run(numbers: Sequence[str], make: Callable[[answers.Empty], Answering]) -> None:
    """Answers the client that started this process, until it ends.

    Args:
        numbers: The three inherited descriptors, the last arguments of the command.
        make: Makes what answers, given what makes the arrays of masks.
    """
    requests, replies, lifeline = map(int, numbers)
    end_with_client(lifeline)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Output before a crash must reach the client, which shows it in its message.
        sys.stdout.reconfigure(line_buffering=True)
    source = os.fdopen(os.dup(0), "rb")
    # Code that reads stdin, and any child process, sees end of file, not frames.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def read(size: int) -> bytes:
        data = source.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def write(data: bytes) -> None:
        output.write(data)
        output.flush()

    pipe = channel.Channel(read, write, sends=replies, receives=requests)
    try:
        worker = make(pipe.empty)
    except BaseException as error:
        _flush()
        pipe.send({"number": 0, "ok": False, "error": _words_of(error)})
        return
    pipe.send({"number": 0, "ok": True, "version": wire.VERSION})
    serve(worker, pipe)


def main() -> None:
    """Runs the adapter that the first argument names."""
    name, *numbers = sys.argv[1:]

    def make(empty: answers.Empty) -> Worker:
        functions = adapter.import_adapter(name)
        return Worker(adapter.Adapter(functions, os.path.basename(name)), empty)

    run(numbers, make)


if __name__ == "__main__":
    main()
