"""The processes of a run on several hosts: start, barriers and end.

Every wait for another process prints within seconds what it waits for, and ends with an
error if it cannot succeed.
"""

import collections
import contextlib
import math
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

from rclicks_jax import allocator, cache, coordination, errors, signs_of_life, waits

_POLL_SECONDS = 0.2
# Process 0 stays for so long after it has left, so that others can read its reason.
_FAREWELL_SECONDS = 2.0
# Each process gives a sign of life so often; silent for so long, it is lost. This is
# well before JAX, which has signs of its own, aborts all without a word of which.
_SIGN_SECONDS, _LOST_SECONDS = 4.0, 35.0
_ADVICE = "What is finished is kept; start all processes again."
_MEETINGS, _DEPARTURES = "rclicks/meetings", "rclicks/departures"
_SIGNS, _TEXTS = "rclicks/signs", "rclicks/texts"
_POSTS = "rclicks/posts"


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
    """Prepares JAX: memory, compiled programs and, with `coordinator`, other hosts.

    Args:
        coordinator: `host:port` of process 0; `auto` on TPU pods and SLURM; empty for a
            single process.
        process_count: Number of processes; 0 with `auto`.
        process_id: Number of this process; -1 with `auto`.

    Raises:
        BadValueError: The arguments are not valid, or no process 0 answers there.
    """
    allocator.keep_freed_memory()
    use_compilation_cache()
    if coordinator:
        # Process 0 may be killed as soon as all have met.
        signs_of_life.explain_aborts()
        coordination.connect(coordinator, process_count, process_id)
        threading.Thread(target=_heed_others, daemon=True).start()


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
    _put(client, f"{place}/{jax.process_index()}", "here")
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
                    _advised(
                        f"Process {number} ended before '{name}': {departed[number]}"
                    )
                )
            time.sleep(pause)
            pause = min(_POLL_SECONDS, 2 * pause)


def texts_of_all(name: str, text: str) -> list[str]:
    """Returns the texts that all processes give, in their order; waits for all.

    Args:
        name: Name of the exchange, the same in all processes.
        text: The text of this process.

    Raises:
        RClicksError: Another process ended before it gave its text.
    """
    if is_alone():
        return [text]
    client: Any = jax_distributed.global_state.client
    folder = f"{_TEXTS}/{name}/{_met[name]}"
    _put(client, f"{folder}/{jax.process_index()}", text)
    barrier(name)
    texts = _numbered(client, folder)
    return [texts[number] for number in range(jax.process_count())]


def post(name: str, text: str) -> None:
    """Leaves a text for the other processes; waits for nobody.

    Args:
        name: Name of what is said.
        text: The text of this process.

    Raises:
        RClicksError: Process 0 is gone.
    """
    if not is_alone():
        client: Any = jax_distributed.global_state.client
        _put(client, f"{_POSTS}/{name}/{jax.process_index()}", text)


def posted(name: str) -> dict[int, str]:
    """Returns the texts that processes have left under a name, by number of process.

    Raises:
        RClicksError: Process 0 is gone.
    """
    if is_alone():
        return {}
    return _numbered(jax_distributed.global_state.client, f"{_POSTS}/{name}")


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
            _advised("Process 0 cannot be reached any more: see its output.")
        ) from error


def _advised(text: str) -> str:
    """Returns a message that ends with the advice, once."""
    return f"{text.removesuffix(_ADVICE).rstrip()} {_ADVICE}"


# Held during a request to the other processes, and for ever after the end.
_asking = threading.Lock()
# This process ends early, and has said so to the others.
_leaving = threading.Event()


def _heed_others() -> None:
    """Gives signs of life, and ends this process with a message once it is alone.

    That is when process 0 has left early, or finds a process lost. Otherwise JAX would
    abort this process with a stack trace of C++ when process 0 is gone or a process is
    silent, even if it waits for nobody.
    """
    client: Any = jax_distributed.global_state.client
    number = jax.process_index()
    silence = signs_of_life.Silence(
        range(jax.process_count()), time.monotonic(), _LOST_SECONDS
    )
    given = -math.inf
    while True:
        time.sleep(_FAREWELL_SECONDS / 4)
        try:
            with _asking:
                departed = _numbered(client, _DEPARTURES)
                if time.monotonic() - given > _SIGN_SECONDS:
                    given = time.monotonic()
                    _put(client, f"{_SIGNS}/{number}", str(given))
                    if number == 0 and (lost := _lost(client, silence, departed)):
                        _end(f"Process {lost[0]} ended: {departed[lost[0]]}")
        except errors.RClicksError:
            return
        if 0 in departed:
            _end(f"Process 0 ended early: {departed[0]}")


def _lost(
    client: Any, silence: signs_of_life.Silence, departed: dict[int, str]
) -> list[int]:
    """Says for processes that are lost that they ended; returns which they are."""
    signs = _numbered(client, _SIGNS)
    lost = [n for n in silence.lost(signs, time.monotonic()) if n not in departed]
    for number in lost:
        departed[number] = (
            f"It gave no sign of life for {silence.limit:.0f} s; it was killed, or its "
            "machine is gone."
        )
        _put(client, f"{_DEPARTURES}/{number}", departed[number])
    return lost


def _end(why: str) -> None:
    """Ends this process from a thread of its own: the main one may be in any call."""
    # One that waits for the others says more, and ends meanwhile.
    if _leaving.wait(_FAREWELL_SECONDS / 4):
        return
    with contextlib.suppress(OSError):
        print(f"error: {_advised(why)}", file=sys.stderr, flush=True)
    leave(why)
    os._exit(2)


def _put(client: Any, key: str, text: str) -> None:
    with _reaching():
        client.key_value_set(key, text, allow_overwrite=True)


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
    _leaving.set()
    client: Any = jax_distributed.global_state.client
    number = jax_distributed.global_state.process_id
    with contextlib.suppress(RuntimeError):
        client.key_value_set(f"{_DEPARTURES}/{number}", reason)
        if number == 0:
            time.sleep(_FAREWELL_SECONDS)
