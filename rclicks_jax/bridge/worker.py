"""A worker: another Python that runs one adapter and answers frames.

Started as a file, by whatever interpreter has the segmenter's packages:

    /path/to/python /path/to/rclicks_jax/bridge/worker.py adapter.py

Frames come on file descriptor 0 and go to a copy of descriptor 1; 1 itself then
points to stderr, so a library that prints corrupts nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import sys
import traceback
import types
from typing import Any, BinaryIO, NamedTuple

import numpy as np

if __name__ == "__main__":
    # Only this package, not its neighbours in site-packages, is made importable.
    _package = types.ModuleType("rclicks_jax")
    _package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    sys.modules["rclicks_jax"] = _package

from rclicks_jax.bridge import wire

_ERROR_CHARACTERS = 4000


class Clicks(NamedTuple):
    """What an adapter is given: `i32[t k 2]`, `bool[t k]`, `i32[t]`."""

    yx: np.ndarray
    positive: np.ndarray
    count: np.ndarray


class Worker:
    """An adapter with its model, encoded photographs and states of trajectories."""

    def __init__(self, adapter: Any) -> None:
        """Keeps the adapter; nothing is loaded yet."""
        self.adapter = adapter
        self.model: Any = None
        self.features: dict[int, Any] = {}
        self.sessions: dict[int, dict[str, Any]] = {}

    def answer(self, header: wire.Header, arrays: wire.Arrays) -> Any:
        """Does what a request asks; returns the header and arrays of the reply."""
        action = header["action"]
        if action == "load":
            self.model = self.adapter.load(header["options"])
            return {"python": platform.python_version(), "numpy": np.__version__}, {}
        if action == "encode":
            image = arrays["image"]
            self.features[header["image"]] = self.adapter.encode(self.model, image)
            return {}, {}
        if action == "predict":
            return {}, {"masks": self._predict(header, arrays)}
        if action == "release":
            self.features.pop(header["image"], None)
            ended = [
                k for k, s in self.sessions.items() if s["image"] == header["image"]
            ]
            for key in ended:
                del self.sessions[key]
            return {}, {}
        raise ValueError(f"unknown action {action!r}")

    def _predict(self, header: wire.Header, arrays: wire.Arrays) -> np.ndarray:
        fresh = {"image": header["image"], "rows": arrays["rows"], "state": None}
        session = self.sessions.setdefault(header["session"], fresh)
        if not np.array_equal(session["rows"], arrays["rows"]):
            kept = np.searchsorted(session["rows"], arrays["rows"])
            session["state"] = _take(session["state"], kept)
            session["rows"] = arrays["rows"]
        clicks = Clicks(arrays["yx"], arrays["positive"], arrays["count"])
        features = self.features[header["image"]]
        masks, session["state"] = self.adapter.predict(
            self.model, features, clicks, session["state"]
        )
        return np.asarray(masks)


def _take(state: Any, rows: np.ndarray) -> Any:
    """Keeps some rows of every array of a nested state."""
    if state is None:
        return None
    if isinstance(state, dict):
        return {key: _take(value, rows) for key, value in state.items()}
    if isinstance(state, tuple) and hasattr(state, "_fields"):
        return type(state)(*(_take(value, rows) for value in state))
    if isinstance(state, (list, tuple)):
        return type(state)(_take(value, rows) for value in state)
    return state[rows]


def serve(worker: Worker, requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers frames until the other side closes the pipe."""

    def read(size: int) -> bytes:
        data = requests.read(size)
        if len(data) < size:
            raise EOFError
        return data

    while True:
        try:
            header, arrays = wire.unpack(read)
        except EOFError:
            return
        number = header.get("number")
        try:
            reply, results = worker.answer(header, arrays)
            pieces = wire.pack({"number": number, "ok": True, **reply}, results)
        except Exception:
            text = traceback.format_exc()[-_ERROR_CHARACTERS:]
            pieces = wire.pack({"number": number, "ok": False, "error": text})
        for piece in pieces:
            replies.write(piece)
        replies.flush()


def load_adapter(name: str) -> Any:
    """Imports an adapter: a Python file, or a module of `bridge.adapters`."""
    if not name.endswith(".py"):
        return importlib.import_module("rclicks_jax.bridge.adapters." + name)
    spec = importlib.util.spec_from_file_location("adapter", name)
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} is not a Python file")
    adapter = importlib.util.module_from_spec(spec)
    sys.modules["adapter"] = adapter
    spec.loader.exec_module(adapter)
    return adapter


def main() -> None:
    """Runs the adapter that the first argument names."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = os.fdopen(os.dup(0), "rb")
    hello = {"number": 0, "ok": True, "version": wire.VERSION}
    try:
        worker = Worker(load_adapter(sys.argv[1]))
    except Exception:
        hello = {"number": 0, "ok": False, "error": traceback.format_exc()}
        worker = None
    for piece in wire.pack(hello):
        replies.write(piece)
    replies.flush()
    if worker is not None:
        serve(worker, requests, replies)


if __name__ == "__main__":
    main()
