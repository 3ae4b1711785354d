"""A worker: another Python that runs one adapter and answers frames.

Started as a file, by whatever interpreter has the segmenter's packages:

    /path/to/python /path/to/rclicks_jax/bridge/worker.py adapter.py 5 6 7

Frames come on file descriptor 0 and go to a copy of descriptor 1; 1 itself then
points to stderr, so a library that prints corrupts nothing. The three numbers are
inherited descriptors: memory that requests lie in, memory for replies, and a pipe
that ends when the client ends.
"""

from __future__ import annotations

import fcntl
import importlib
import importlib.util
import os
import platform
import resource
import signal
import sys
import threading
import traceback
import types
from typing import Any, NamedTuple

import numpy as np

if __name__ == "__main__":
    # Only this package, not its neighbours in site-packages, is made importable; and
    # neighbours of this file may be named like packages that frameworks import.
    _here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != _here]
    _package = types.ModuleType("rclicks_jax")
    _package.__path__ = [os.path.dirname(_here)]
    sys.modules["rclicks_jax"] = _package

from rclicks_jax.bridge import answers, channel, wire

_ERROR_CHARACTERS = 4000
_OF_A_SEGMENTER = ("load", "encode", "predict")
_OF_SALIENCY = ("load", "saliency")


class Clicks(NamedTuple):
    """What an adapter is given: `i32[t k 2]`, `bool[t k]`, `i32[t]`."""

    yx: np.ndarray
    positive: np.ndarray
    count: np.ndarray


class Worker:
    """An adapter with its model, encoded photographs and states of trajectories."""

    def __init__(self, adapter: Any, empty: answers.Empty = np.empty) -> None:
        """Keeps the adapter; nothing is loaded yet.

        Args:
            adapter: The module.
            empty: Makes the arrays of masks.
        """
        self.adapter = adapter
        self.empty = empty
        self.model: Any = None
        self.features: dict[int, Any] = {}
        self.sessions: dict[int, dict[str, Any]] = {}

    def answer(
        self, header: wire.Header, arrays: wire.Arrays
    ) -> tuple[wire.Header, wire.Arrays]:
        """Does what a request asks; returns the header and arrays of the reply."""
        action = header["action"]
        if action == "load":
            self.model = self.adapter.load(header["options"])
            describe = getattr(self.adapter, "describe", lambda model: {})
            return {"versions": {**_versions(), **describe(self.model)}}, {}
        if action == "encode":
            image = arrays["image"]
            self.features[header["image"]] = self.adapter.encode(self.model, image)
            return {}, {}
        if action == "predict":
            return {}, self._predict(header, arrays)
        if action == "saliency":
            answer = self.adapter.saliency(self.model, arrays["image"])
            return {}, {"saliency": answers.on_host(answer)}
        if action == "release":
            self.features.pop(header["image"], None)
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
            kept = np.searchsorted(session["rows"], arrays["rows"])
            session["state"] = take(session["state"], kept)
            session["rows"] = arrays["rows"]
        clicks = Clicks(arrays["yx"], arrays["positive"], arrays["count"])
        features = self.features[header["image"]]
        answer, session["state"] = self.adapter.predict(
            self.model, features, clicks, session["state"]
        )
        wanted = bool(header.get("probabilities"))
        return answers.arrays_of(answer, self.adapter, wanted, self.empty)


def take(state: Any, rows: np.ndarray) -> Any:
    """Keeps some rows of every array of a nested state."""
    if state is None:
        return None
    if isinstance(state, dict):
        return {key: take(value, rows) for key, value in state.items()}
    if isinstance(state, tuple) and hasattr(state, "_fields"):
        return type(state)(*(take(value, rows) for value in state))
    if isinstance(state, (list, tuple)):
        return type(state)(take(value, rows) for value in state)
    return state[rows]


def serve(worker: Worker, pipe: channel.Channel) -> None:
    """Answers frames until the other side closes the pipe."""
    while True:
        try:
            header, arrays = pipe.receive()
        except EOFError:
            return
        reply = {"number": header.get("number"), "ok": True, "rss": resident_bytes()}
        try:
            extra, results = worker.answer(header, arrays)
            pipe.send({**reply, **extra}, results)
        except (Exception, SystemExit):
            text = traceback.format_exc()[-_ERROR_CHARACTERS:]
            pipe.send({**reply, "ok": False, "error": text})
        # Else the last request's arrays would be kept until the next one has come.
        del header, arrays


def resident_bytes() -> int:
    """Returns the memory this process has in use, or had at most."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024)


def end_with_client(lifeline: int) -> None:
    """Ends this process and its children when the client ends, even while it hangs.

    Args:
        lifeline: Reading end of a pipe whose other end the client alone holds.
    """
    group = os.getpgrp() if os.getpgrp() == os.getpid() else 0

    def wait() -> None:
        os.read(lifeline, 1)
        if group:
            os.killpg(group, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
    if hasattr(fcntl, "F_SETSIG"):
        # The kernel does the same where a hanging library lets no thread run.
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -group if group else os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)


def load_adapter(name: str) -> Any:
    """Imports an adapter: a Python file, or a module of `bridge.adapters`."""
    if name.endswith(".py"):
        spec = importlib.util.spec_from_file_location("adapter", name)
        if spec is None or spec.loader is None:
            raise ImportError(f"{name} is not a Python file")
        adapter = importlib.util.module_from_spec(spec)
        sys.modules["adapter"] = adapter
        spec.loader.exec_module(adapter)
    else:
        adapter = importlib.import_module("rclicks_jax.bridge.adapters." + name)
    of_saliency = hasattr(adapter, "saliency")
    needed = _OF_SALIENCY if of_saliency else _OF_A_SEGMENTER
    missing = [each for each in needed if not hasattr(adapter, each)]
    if missing:
        raise ImportError(
            f"{name} lacks {', '.join(missing)}: an adapter has load(options), "
            "encode(model, image) and predict(model, features, clicks, state); one of "
            "a saliency model has load(options) and saliency(model, image)"
        )
    return adapter


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "numpy": np.__version__}
    for name in ("torch", "transformers"):
        if name in sys.modules:
            found[name] = str(getattr(sys.modules[name], "__version__", "unknown"))
    return found


def main() -> None:
    """Runs the adapter that the first argument names."""
    name, *numbers = sys.argv[1:]
    requests, replies, lifeline = map(int, numbers)
    end_with_client(lifeline)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), "rb")
    # Who asks a question there, or a program that is started, finds no frames.
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
        worker = Worker(load_adapter(name), pipe.empty)
    except (Exception, SystemExit):
        pipe.send({"number": 0, "ok": False, "error": traceback.format_exc()})
        return
    pipe.send({"number": 0, "ok": True, "version": wire.VERSION})
    serve(worker, pipe)


if __name__ == "__main__":
    main()
