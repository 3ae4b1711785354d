"""Work on all cores of a host, for what holds Python's lock: processes, not threads."""

import ctypes
import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

from rclicks_jax import errors

T = TypeVar("T")
R = TypeVar("R")

# Items under way for each process: one in work, one waiting, and one on its way.
_AHEAD = 3
# Signals that the calling process alone answers.
_PARENTS = (signal.SIGINT, signal.SIGTERM)
# Parameters of glibc's allocator, and memory that is more than anybody frees.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ALL = -1, -3, (1 << 31) - 1


def results(
    function: Callable[[T], R], items: Iterable[T], processes: int
) -> Iterator[R]:
    """Yields what a function makes of each item, in whatever order they end.

    Items are taken as processes are free, so that few are in memory at a time. The
    processes start anew (a fork of a process with JAX can hang) and import the
    function's module, and the main script, which therefore runs nothing at import.

    Args:
        function: Of a module; what it takes and returns goes through a pipe.
        items: Each is taken in the calling process.
        processes: 0 for as many as there are cores; 1 to work in the calling process.

    Raises:
        RClicksError: A process died or cannot be started.
    """
    if processes == 1:
        yield from map(function, items)
        return
    count = processes or cores()
    try:
        yield from _pooled(function, items, count)
    except OSError as error:
        if error.filename is not None:
            raise
        # What processes share needs room there, however little.
        raise errors.RClicksError(
            f"{count} processes cannot be started, or cannot talk to each other "
            f"({error.strerror or error}). Make room in /dev/shm, or allow more "
            "processes and open files; --config.processes=1 does without."
        ) from error


def _pooled(function: Callable[[T], R], items: Iterable[T], count: int) -> Iterator[R]:
    """Yields results that other processes make."""
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    items = iter(items)
    pending: set[futures.Future[R]] = set()
    with futures.ProcessPoolExecutor(count, context, _begin) as pool:
        try:
            while True:
                room = _AHEAD * count - len(pending)
                started = itertools.islice(items, room)
                pending |= {_submit(pool, function, item) for item in started}
                if not pending:
                    return
                done, pending = futures.wait(
                    pending, return_when=futures.FIRST_COMPLETED
                )
                yield from (future.result() for future in done)
        except futures.BrokenExecutor as error:
            # The pool asks the rest to end by a signal to which they are deaf.
            for child in set(multiprocessing.active_children()) - others:
                child.kill()
            raise errors.RClicksError(
                "A process that measures died, as for want of memory. What is finished "
                f"is kept; --config.processes was {count}: try fewer."
            ) from error


def cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _submit(
    pool: futures.ProcessPoolExecutor, function: Callable[[T], R], item: T
) -> futures.Future[R]:
    """Submits an item; a process that this starts is born deaf to signals.

    Otherwise one that came before `_begin` would end it.
    """
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS)
    try:
        return pool.submit(function, item)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def _begin() -> None:
    """Leaves signals to the parent, and ends with it however it ends."""
    _keep_memory()
    for number in _PARENTS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _keep_memory() -> None:
    """Keeps freed arrays for the next item; glibc would have them zeroed each time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _ALL)
        mallopt(_MMAP_THRESHOLD, _ALL)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
