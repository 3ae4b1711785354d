"""Several hosts, signals and the XLA cache; nobody else uses `jax.distributed`."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import jax
from jax.experimental import multihost_utils

from rclicks_jax import errors

CACHE_VARIABLE = "RCLICKS_CACHE"


def cache_dir() -> pathlib.Path:
    """Where prepared data and compiled programs go: `$RCLICKS_CACHE` or the user's."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return pathlib.Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "rclicks_jax"


@contextlib.contextmanager
def exclusive(folder: pathlib.Path) -> Iterator[None]:
    """Makes a folder and keeps other processes of this machine waiting for it.

    Raises:
        OSError: It cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def use_compilation_cache() -> None:
    """Keeps compiled programs in the cache, or where JAX was already told to."""
    if jax.config.values["jax_compilation_cache_dir"] is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def start(coordinator: str = "", process_count: int = 0, process_id: int = -1) -> None:
    """Prepares JAX: the persistent compilation cache and, if asked, the other hosts.

    Args:
        coordinator: `host:port` of process 0; `auto` on TPU pods and SLURM; empty for a
            single process.
        process_count: Number of processes; 0 with `auto`.
        process_id: Number of this process; -1 with `auto`.
    """
    use_compilation_cache()
    if not coordinator:
        return
    if coordinator == "auto":
        jax.distributed.initialize()
        return
    if process_count < 1 or not 0 <= process_id < process_count:
        raise errors.BadValueError(
            "--process_id and --process_count",
            f"{process_id} of {process_count}",
            "0 <= process_id < process_count beside --coordinator=host:port",
        )
    jax.distributed.initialize(coordinator, process_count, process_id)


def owns(key: str, shard: tuple[int, int] = (0, 1)) -> bool:
    """Tells whether the unit of work `key` is this process's, in whatever order.

    Args:
        key: Names the unit.
        shard: Which of how many independent runs this is, from 0; each may be of
            several processes.
    """
    number, count = shard
    mine = number * jax.process_count() + jax.process_index()
    return stable_hash(key) % (count * jax.process_count()) == mine


def is_first() -> bool:
    """Tells whether this is process 0, which writes what is written once."""
    return jax.process_index() == 0


def barrier(name: str) -> None:
    """Waits until every process has come to the point called `name`."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def stable_hash(text: str) -> int:
    """Returns a 64-bit hash of `text`, the same on every machine and version."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class StopRequest:
    """Whether this process was asked to stop after the unit it is working on."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = ""

    def __bool__(self) -> bool:
        return self._event.is_set()

    def set(self, reason: str) -> None:
        """Asks for a stop; `reason` is what the user is told."""
        self.reason = reason
        self._event.set()


@contextlib.contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Turns the first SIGTERM or SIGINT into a request to stop; a second acts.

    A signal that the shell told us to ignore, as `nohup` and scripts do for what they
    start in the background, stays ignored.
    """
    request = StopRequest()
    previous = {}

    def handle(number: int, frame: FrameType | None) -> None:
        request.set(signal.Signals(number).name)
        for known, handler in previous.items():
            signal.signal(known, handler)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) != signal.SIG_IGN:
                previous[number] = signal.signal(number, handle)
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
