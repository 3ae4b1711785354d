"""The client of a worker: starts it when it is needed, and again when it dies."""

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
        options: Options for the adapter's `load`.
        environment: Environment variables beside this process's own.
        timeout: Seconds that a call may take.
        recycle: Images after which a new worker takes over; 0 for no limit.
        max_rss: Bytes of memory above which a new worker takes over; 0 for no limit.
        name: Name of the worker in messages.
        protocol: Switches of the run's protocol; None for a saliency model.
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
    """Returns how to start the worker that options describe.

    Args:
        options: Either `adapter`, a file or the name of a module of `bridge.adapters`,
            or `command`, a worker in any language. Perhaps also `python`, the
            interpreter of its environment; `timeout`, seconds that a call may take;
            `recycle` and `max_rss_gb`, images and memory after which the worker is
            replaced. All other options go to the adapter.

    Raises:
        BadValueError: Neither adapter nor command is given, or both are; or the value
            of an option is not a number above 0, or not a whole number for a count.
    """
    rest = dict(options)
    adapter = rest.pop("adapter", "")
    python = rest.pop("python", sys.executable)
    command = tuple(rest.pop("command", "").split())
    if bool(adapter) == bool(command):
        given = "both" if adapter else "neither"
        allowed = "adapter=FILE.py or command=PROGRAM, as an option"
        raise errors.BadValueError("A worker", given, allowed)
    return Launch(
        command=command or python_command(python, adapter),
        environment={},
        timeout=positive(rest, "timeout", 300.0),
        recycle=whole(rest, "recycle", 0),
        max_rss=int(positive(rest, "max_rss_gb", 0) * 2**30),
        name=pathlib.PurePath(adapter or command[0]).name,
        options=rest,
    )


def check(options: Mapping[str, str]) -> Launch:
    """Checks all that can be checked before a worker is started; see `launch_of`.

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
    """Removes a number from options and returns it; the default if it is not there.

    Raises:
        BadValueError: It is not a number, or not above 0.
    """
    text = options.pop(name, None)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    # This comparison also refuses NaN, and times that no clock can wait for.
    if not 0 < value < 1e9:
        raise errors.BadValueError(f"Option {name}", repr(text), "a number above 0")
    return value


def whole(options: dict[str, str], name: str, default: int) -> int:
    """Removes a count from options and returns it; the default if it is not there.

    Raises:
        BadValueError: It is not a whole number, or not above 0.
    """
    text = options.get(name)
    value = positive(options, name, default)
    if value != int(value):
        raise errors.BadValueError(
            f"Option {name}", repr(text), "a whole number above 0"
        )
    return int(value)


class WorkerClient:
    """A worker, which may be replaced by a new one between two calls.

    Attributes:
        lock: A thread holds it while it makes calls that belong together.
        generation: Number of workers started so far; a worker does not know what an
            earlier one was sent.
        versions: Versions that the worker reported when it loaded the model.
        printed: The end of what the first worker wrote until its model was loaded.
    """

    def __init__(
        self, launch: Launch, cancelled: threading.Event | None = None
    ) -> None:
        """Starts the worker and loads the model.

        Args:
            launch: How the worker is started.
            cancelled: Once it is set, calls end at once and no worker is started.

        Raises:
            SegmenterError: The worker cannot be started or cannot load its model.
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
        """Whether a worker is running now."""
        return self._connection is not None

    def call(self, request: Request) -> wire.Arrays:
        """Calls the worker, or a new one if the last has ended; returns its arrays.

        Raises:
            AdapterError: The adapter raised.
            WorkerDeadError: The worker died.
            SegmenterError: A new worker could not be started.
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
        """Runs an action that calls the worker, and again if the worker dies in it.

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
                        f"The worker died: {first}\nA new worker: {again}"
                    ) from again
                try:
                    return action()
                except connection.WorkerDeadError as second:
                    raise errors.SegmenterError(
                        f"The worker died twice: first, {first}\nthen, {second}"
                    ) from second

    def close_if_due(self) -> None:
        """Ends a worker that has encoded enough images or uses too much memory."""
        limit, most = self._launch.recycle, self._launch.max_rss
        if (limit and self._images >= limit) or (most and self._rss > most):
            self.close()

    def close(self) -> None:
        """Ends the worker; the next call starts a new one."""
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
            # An interrupt must not leave the worker running either.
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
