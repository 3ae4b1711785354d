"""The near side of a worker: started when it is needed, once more when it dies."""

from __future__ import annotations

import pathlib
import sys
import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from rclicks_jax import errors
from rclicks_jax.bridge import connection, switches, wire

T = TypeVar("T")
Request = tuple[wire.Header, wire.Arrays]


class Launch(NamedTuple):
    """How a worker is started and when it is replaced.

    Attributes:
        command: Program and arguments.
        options: For the adapter's `load`.
        environment: Variables beside this process's own.
        timeout: Seconds a call may take.
        recycle: Images after which a fresh worker takes over; 0 for never.
        max_rss: Bytes of memory after which one does; 0 for any.
        name: What messages call it.
        protocol: What the run asks of segmenters; None for a saliency model.
    """

    command: tuple[str, ...]
    options: dict[str, str]
    environment: dict[str, str]
    timeout: float = 300.0
    recycle: int = 0
    max_rss: int = 0
    name: str = ""
    protocol: switches.Switches | None = None


def python_command(python: str, adapter: str) -> tuple[str, ...]:
    """Returns the command of a worker in Python.

    Args:
        python: Interpreter of the segmenter's environment.
        adapter: A Python file, or the name of a module of `bridge.adapters`.
    """
    if adapter.endswith(".py"):
        adapter = str(pathlib.Path(adapter).absolute())
    return (python, str(connection.WORKER_FILE), adapter)


def launch_of(options: Mapping[str, str]) -> Launch:
    """Returns how the worker is started that options ask for.

    Args:
        options: `adapter`, a file or the name of a module of `bridge.adapters`, or
            `command`, a worker in any language; perhaps `python`, the interpreter of
            its environment; `timeout`, seconds a call may take; `recycle` and
            `max_rss_gb`, images and memory after which it is replaced. What else there
            is goes to the adapter.

    Raises:
        BadValueError: Neither adapter nor command is given, or both are; a number is
            none, or not above 0, or not whole where it counts.
    """
    left = dict(options)
    adapter = left.pop("adapter", "")
    python = left.pop("python", sys.executable)
    command = tuple(left.pop("command", "").split())
    if bool(adapter) == bool(command):
        given = "both" if adapter else "neither"
        allowed = "adapter=FILE.py or command=PROGRAM, as an option"
        raise errors.BadValueError("A worker", given, allowed)
    return Launch(
        command=command or python_command(python, adapter),
        environment={},
        timeout=positive(left, "timeout", 300.0),
        recycle=whole(left, "recycle", 0),
        max_rss=int(positive(left, "max_rss_gb", 0) * 2**30),
        name=pathlib.PurePath(adapter or command[0]).name,
        options=left,
    )


def check(options: Mapping[str, str]) -> Launch:
    """Makes sure of what can be known before a worker is started; see `launch_of`.

    Raises:
        BadValueError: See `launch_of`.
        SegmenterError: The interpreter or program cannot be started, or there is no
            such adapter.
    """
    launch = launch_of(options)
    connection.check_program(launch.command[0])
    adapter = options.get("adapter", "")
    inside = (connection.WORKER_FILE.parent / "adapters" / f"{adapter}.py").is_file()
    if adapter and not inside and not pathlib.Path(adapter).is_file():
        raise errors.SegmenterError(
            f"There is no adapter {adapter}: it is a Python file, or the name of one "
            "that comes with this package."
        )
    return launch


def positive(options: dict[str, str], name: str, default: float) -> float:
    """Takes a number out of options, and returns it, or the default without one.

    Raises:
        BadValueError: It is no number, or not above 0.
    """
    given = options.pop(name, None)
    if given is None:
        return default
    try:
        value = float(given)
    except ValueError:
        value = -1.0
    # Compared so that NaN is refused, as is what no clock can wait for.
    if not 0 < value < 1e9:
        raise errors.BadValueError(f"Option {name}", repr(given), "a number above 0")
    return value


def whole(options: dict[str, str], name: str, default: int) -> int:
    """Takes a count out of options, and returns it, or the default without one.

    Raises:
        BadValueError: It is no whole number, or not above 0.
    """
    given = options.get(name)
    value = positive(options, name, default)
    if value != int(value):
        raise errors.BadValueError(
            f"Option {name}", repr(given), "a whole number above 0"
        )
    return int(value)


class WorkerClient:
    """A worker, which may be replaced by a fresh one between two calls.

    Attributes:
        lock: Held by whoever makes calls that belong together.
        generation: Number of workers started so far; what an earlier one was told,
            this one does not know.
        versions: What the worker said of itself when it loaded the model.
        printed: The last of what the first worker wrote until its model was loaded.
    """

    def __init__(
        self, launch: Launch, cancelled: threading.Event | None = None
    ) -> None:
        """Starts the worker and loads the model.

        Args:
            launch: How.
            cancelled: When it is set, calls end at once and no worker is started.

        Raises:
            SegmenterError: It cannot be started, or its model cannot be loaded.
        """
        self.lock = threading.RLock()
        self.generation = 0
        self.versions: dict[str, str] = {}
        self.printed = ""
        self._cancelled = cancelled or threading.Event()
        self._launch = launch
        self._connection: connection.Connection | None = None
        self._images = 0
        self._rss = 0
        self._started()

    @property
    def alive(self) -> bool:
        """Whether there is a worker now."""
        return self._connection is not None

    def call(self, request: Request) -> wire.Arrays:
        """Calls the worker, a fresh one if the last is gone; returns its arrays.

        Raises:
            AdapterError: The adapter raised.
            WorkerDeadError: The worker died.
            SegmenterError: A fresh worker could not be started.
        """
        header, arrays = request
        try:
            reply, results = self._started().call(header, arrays, self._launch.timeout)
        except connection.WorkerDeadError:
            self.close()
            raise
        self._images += header["action"] in ("encode", "saliency")
        rss = reply.get("rss", 0)
        self._rss = rss if isinstance(rss, int) else 0
        return results

    def survive(self, action: Callable[[], T]) -> T:
        """Does something with the worker, and once more if the worker dies of it.

        Raises:
            SegmenterError: The adapter raised, or the worker died twice.
        """
        with self.lock:
            try:
                return action()
            except connection.WorkerDeadError as first:
                try:
                    self._started()
                except errors.SegmenterError as again:
                    raise errors.SegmenterError(
                        f"The worker died: {first}\nA fresh one: {again}"
                    ) from again
                try:
                    return action()
                except connection.WorkerDeadError as second:
                    raise errors.SegmenterError(
                        f"The worker died twice: first, {first}\nthen, {second}"
                    ) from second

    def close_if_due(self) -> None:
        """Ends a worker that has done its share or grown too large; the next is new."""
        limit, most = self._launch.recycle, self._launch.max_rss
        if (limit and self._images >= limit) or (most and self._rss > most):
            self.close()

    def close(self) -> None:
        """Ends the worker; the next call starts another."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _started(self) -> connection.Connection:
        if self._connection is not None:
            return self._connection
        launch = self._launch
        if self._cancelled.is_set():
            raise connection.CancelledError("Interrupted.")
        fresh = connection.Connection(
            launch.command,
            launch.timeout,
            launch.environment,
            launch.name,
            self._cancelled,
        )
        request: wire.Header = {"action": "load", "options": launch.options}
        if launch.protocol is not None:
            request["protocol"] = switches.to_json(launch.protocol)
        try:
            reply, _ = fresh.call(request, {}, launch.timeout)
        except BaseException as error:
            # An interrupt, too, must not leave it behind.
            fresh.close()
            if not isinstance(
                error, (connection.WorkerDeadError, connection.AdapterError)
            ):
                raise
            raise errors.SegmenterError(
                f"The worker could not load its model: {error}"
            ) from error
        versions = reply.get("versions")
        pairs = versions if isinstance(versions, dict) else {}
        self.versions = {str(key): str(value) for key, value in pairs.items()}
        if not self.generation:
            self.printed = fresh.words.settled()
        self._connection, self._images, self._rss = fresh, 0, 0
        self.generation += 1
        return fresh
