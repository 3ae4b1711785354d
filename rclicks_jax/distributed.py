"""The processes of a run on several hosts: start, barriers, end, and shared work.

Every wait for another process prints within seconds what it waits for, and ends with an
error if it cannot succeed.
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
# Process 0 stays for so long after it has left, so that others can read its reason.
_FAREWELL_SECONDS = 2.0
_MEETINGS, _DEPARTURES = "rclicks/meetings", "rclicks/departures"


def use_compilation_cache() -> None:
    """Keeps compiled programs in the cache, or in a folder that JAX already has.

    If the folder cannot be written, programs are compiled again in each process.
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
    """Prepares JAX: the compilation cache and, with `coordinator`, the other hosts.

    Args:
        coordinator: `host:port` of process 0; `auto` on TPU pods and SLURM; empty for a
            single process.
        process_count: Number of processes; 0 with `auto`.
        process_id: Number of this process; -1 with `auto`.

    Raises:
        BadValueError: The arguments are not valid, or no process 0 answers there.
    """
    use_compilation_cache()
    if coordinator:
        coordination.connect(coordinator, process_count, process_id)
        if not is_first():
            threading.Thread(target=_heed_first, daemon=True).start()


def owns(key: str, shard: tuple[int, int] = (0, 1)) -> bool:
    """Tells whether this process works on a unit; the order of units does not matter.

    Args:
        key: Name of the unit.
        shard: Number of this shard, from 0, and number of shards; each shard may have
            several processes.
    """
    number, count = shard
    mine = number * jax.process_count() + jax.process_index()
    return hashing.stable_hash(key) % (count * jax.process_count()) == mine


def is_first() -> bool:
    """Tells whether this is process 0, which writes the files of the whole run."""
    return jax.process_index() == 0


# Number of times that this process has come to each barrier.
_met: collections.Counter[str] = collections.Counter()


def is_alone() -> bool:
    """Tells whether this is the only process of the run."""
    return not jax.distributed.is_initialized()


def barrier(name: str) -> None:
    """Waits until every process has come to the barrier `name`.

    There is no time limit; a barrier on the devices would end after seconds.

    Raises:
        RClicksError: Another process ended before the barrier.
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

    def describe() -> str:
        listed = errors.few([str(number) for number in sorted(missing)], 5)
        return f"process {listed} at '{name}'"

    with waits.waiting(describe):
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
    """Returns the texts that processes wrote under a key, by number of process."""
    with _reaching():
        entries = client.key_value_dir_get(f"{folder}/")
    return {int(key.rpartition("/")[2]): text for key, text in entries}


@contextlib.contextmanager
def _reaching() -> Iterator[None]:
    """Raises an error in words if process 0, which passes on all messages, is gone."""
    try:
        yield
    except RuntimeError as error:
        raise errors.RClicksError(
            "Process 0 cannot be reached any more: see its output. What is finished is "
            "kept; start all processes again."
        ) from error


# Held during a request to the other processes, and for ever after the end.
_asking = threading.Lock()


def _heed_first() -> None:
    """Ends this process with a message if process 0 leaves early.

    Otherwise JAX would abort this process with a stack trace of C++ when process 0 is
    gone, even if it waits for nobody.
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
            # A wait for process 0 in the main thread gives a better message first.
            time.sleep(_FAREWELL_SECONDS / 4)
            with contextlib.suppress(OSError):
                print(
                    f"error: Process 0 ended early: {departed[0]} What is finished is "
                    "kept; start all processes again.",
                    file=sys.stderr,
                    flush=True,
                )
            # The main thread cannot be interrupted from here.
            os._exit(2)


def finish() -> None:
    """Waits until all processes are done, and disconnects from them."""
    if not is_alone():
        barrier("the end")
        _asking.acquire()
        # All processes are done: nothing is lost if disconnecting fails.
        with contextlib.suppress(RuntimeError):
            jax.distributed.shutdown()


def leave(reason: str) -> None:
    """Tells the other processes that this one ends early.

    Process 0 waits until the others have had time to read the reason.

    Args:
        reason: A sentence that says why.
    """
    if is_alone():
        return
    client: Any = jax_distributed.global_state.client
    number = jax_distributed.global_state.process_id
    with contextlib.suppress(RuntimeError):
        client.key_value_set(f"{_DEPARTURES}/{number}", reason)
        if number == 0:
            time.sleep(_FAREWELL_SECONDS)
