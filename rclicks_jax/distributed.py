"""The processes of a run on several hosts: they start, meet, part and share work.

Every wait for somebody else says within seconds what it waits for, and ends with an
error when it cannot succeed.
"""

import collections
import contextlib
import os
import pathlib
import platform
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import jax
from jax._src import distributed as jax_distributed

from rclicks_jax import cache, coordination, errors, hashing, waits

_POLL_SECONDS = 0.2
# Those who wait for process 0 can ask why it ended for so long.
_FAREWELL_SECONDS = 2.0
_MEETINGS, _DEPARTURES = "rclicks/meetings", "rclicks/departures"


def use_compilation_cache() -> None:
    """Keeps compiled programs in the cache, or where JAX was already told to.

    Without a cache that can be written, programs are compiled anew each time.
    """
    key = "jax_compilation_cache_dir"
    try:
        if jax.config.values[key] is None:
            jax.config.update(key, str(cache.cache_dir() / "xla"))
        folder = pathlib.Path(jax.config.values[key])
        if "://" not in jax.config.values[key]:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".{platform.node()}.{os.getpid()}.partial"
            try:
                probe.write_bytes(bytes(1))
            finally:
                probe.unlink(missing_ok=True)
    except (OSError, errors.BadValueError) as error:
        jax.config.update(key, None)
        print(
            f"note: compiled programs are not kept: {errors.reason(error)}",
            file=sys.stderr,
        )
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def start(coordinator: str = "", process_count: int = 0, process_id: int = -1) -> None:
    """Prepares JAX: the persistent compilation cache and, if asked, the other hosts.

    Args:
        coordinator: `host:port` of process 0; `auto` on TPU pods and SLURM; empty for a
            single process.
        process_count: Number of processes; 0 with `auto`.
        process_id: Number of this process; -1 with `auto`.

    Raises:
        BadValueError: These say nothing, or name a place where nobody is.
    """
    use_compilation_cache()
    if coordinator:
        coordination.connect(coordinator, process_count, process_id)
        if not is_first():
            threading.Thread(target=_heed_first, daemon=True).start()


def owns(key: str, shard: tuple[int, int] = (0, 1)) -> bool:
    """Tells whether the unit of work `key` is this process's, in whatever order.

    Args:
        key: Names the unit.
        shard: Which of how many independent runs this is, from 0; each may be of
            several processes.
    """
    number, count = shard
    mine = number * jax.process_count() + jax.process_index()
    return hashing.stable_hash(key) % (count * jax.process_count()) == mine


def is_first() -> bool:
    """Tells whether this is process 0, which writes what is written once."""
    return jax.process_index() == 0


# How often this process has come to each point.
_met: collections.Counter[str] = collections.Counter()


def is_alone() -> bool:
    """Tells whether this is the only process of the run."""
    return not jax.distributed.is_initialized()


def barrier(name: str) -> None:
    """Waits until every process has come to the point called `name`.

    However long the others take: a meeting on the devices would end after seconds.

    Raises:
        RClicksError: Another process ended before it came there.
    """
    if jax.process_count() > 1:
        _meet(jax_distributed.global_state.client, name)


def _meet(client: Any, name: str) -> None:
    _met[name] += 1
    place = f"{_MEETINGS}/{name}/{_met[name]}"
    others = set(range(jax.process_count())) - {jax.process_index()}
    with _reaching():
        client.key_value_set(f"{place}/{jax.process_index()}", "here")
    missing = set(others)

    def described() -> str:
        listed = errors.few([str(each) for each in sorted(missing)], 5)
        return f"process {listed} at '{name}'"

    with waits.waiting(described):
        pause = _POLL_SECONDS / 10
        while True:
            departed = _numbered(client, _DEPARTURES)
            missing = others - set(_numbered(client, place))
            if not missing:
                return
            for number in missing & set(departed):
                raise errors.RClicksError(
                    f"Process {number} ended before '{name}': {departed[number]} What "
                    "is finished is kept; start all processes again."
                )
            time.sleep(pause)
            pause = min(_POLL_SECONDS, 2 * pause)


def _numbered(client: Any, folder: str) -> dict[int, str]:
    """Returns what each process wrote for the others, by its number."""
    with _reaching():
        found = client.key_value_dir_get(f"{folder}/")
    return {int(key.rpartition("/")[2]): text for key, text in found}


@contextlib.contextmanager
def _reaching() -> Iterator[None]:
    """Says so if process 0, through which processes speak, is not there any more."""
    try:
        yield
    except RuntimeError as error:
        raise errors.RClicksError(
            "Process 0 cannot be reached any more: see its output. What is finished is "
            "kept; start all processes again."
        ) from error


# Held while the other processes are asked something, and for ever after the end.
_asking = threading.Lock()


def _heed_first() -> None:
    """Ends this process in words once process 0 has left early.

    JAX aborts all others with a stack trace of C++ as soon as process 0 is gone, also
    those that wait for nobody.
    """
    client: Any = jax_distributed.global_state.client
    while True:
        time.sleep(_FAREWELL_SECONDS / 4)
        try:
            with _asking:
                departed = _numbered(client, _DEPARTURES)
        except errors.RClicksError:
            return
        if 0 in departed:
            # One that waits for process 0 says more, and ends meanwhile.
            time.sleep(_FAREWELL_SECONDS / 4)
            with contextlib.suppress(OSError):
                print(
                    f"error: Process 0 ended early: {departed[0]} What is finished is "
                    "kept; start all processes again.",
                    file=sys.stderr,
                    flush=True,
                )
            # Whatever the main thread does cannot be interrupted from here.
            os._exit(2)


def finish() -> None:
    """Waits until all processes are done, and parts from them."""
    if not is_alone():
        barrier("the end")
        _asking.acquire()
        # All have said that they are done: nothing is lost if parting fails.
        with contextlib.suppress(RuntimeError):
            jax.distributed.shutdown()


def leave(reason: str) -> None:
    """Tells the other processes that this one ends early, and why.

    Process 0 waits until they can have heard; nobody waits for it any longer then.

    Args:
        reason: A sentence.
    """
    if is_alone():
        return
    client: Any = jax_distributed.global_state.client
    number = jax_distributed.global_state.process_id
    with contextlib.suppress(RuntimeError):
        client.key_value_set(f"{_DEPARTURES}/{number}", reason)
        if number == 0:
            time.sleep(_FAREWELL_SECONDS)
