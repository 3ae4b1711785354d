"""Work on all cores of a host in processes, for code that holds Python's lock."""

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

from rclicks_jax import allocator, errors

T = TypeVar("T")
R = TypeVar("R")

# Items in flight for each process: one at work, one in the queue, one in the pipe.
_AHEAD = 3
# Signals that only the calling process handles.
_PARENTS = (signal.SIGINT, signal.SIGTERM)


def results(
    function: Callable[[T], R], items: Iterable[T], processes: int
) -> Iterator[R]:
    """Yields the result of a function for each item, in any order.

    Items are taken when a process is free, so that few are in memory at a time. The
    processes are spawned, since a fork of a process with JAX can hang. They import the
    module of the function and the main script, which must not run anything at import.

    Args:
        function: A function at the top of a module. Items and results go through a
            pipe, so they must be picklable.
        items: The items; the calling process iterates over them.
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
        # The queues of the pool need a little room in /dev/shm.
        raise errors.RClicksError(
            f"{count} processes cannot be started, or cannot talk to each other "
            f"({error.strerror or error}). Make room in /dev/shm, or allow more "
            "processes and open files; --config.processes=1 needs neither."
        ) from error


def _pooled(function: Callable[[T], R], items: Iterable[T], count: int) -> Iterator[R]:
    """Yields the results of a pool of processes."""
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
            # The pool ends the others with SIGTERM, which they ignore.
            for child in set(multiprocessing.active_children()) - others:
                child.kill()
            raise errors.RClicksError(
                "A measuring process died, perhaps for lack of memory. Finished work "
                f"is kept. --config.processes was {count}: try fewer."
            ) from error


def cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Returns the memory of this host, bytes; 16 GiB where it is not known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 16 << 30


def _submit(
    pool: futures.ProcessPoolExecutor, function: Callable[[T], R], item: T
) -> futures.Future[R]:
    """Submits an item; a process that this starts has the signals blocked from birth.

    Otherwise a signal that arrives before `_begin` would end it.
    """
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS)
    try:
        return pool.submit(function, item)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def _begin() -> None:
    """Ignores signals, which the parent handles, and exits when the parent does."""
    allocator.keep_freed_memory()
    for number in _PARENTS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
