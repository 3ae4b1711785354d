"""Where prepared data, environments and compiled programs are kept, and its locks."""

import contextlib
import errno
import fcntl
import os
import pathlib
import platform
import re
import time
from collections.abc import Iterator
from typing import Any

from rclicks_jax import errors, waits

VARIABLE = "RCLICKS_CACHE"
LOCK_NAME = "lock"
# Whoever holds a lock touches it so often; untouched for so long, it is nobody's.
_TOUCH_SECONDS, _ABANDONED_SECONDS = 10.0, 180.0
# A lock outlives its process where a child has it, or a server of files; not for long.
_DEAD_SECONDS = 20.0
_POLL_SECONDS = 0.2


def cache_dir() -> pathlib.Path:
    """Where prepared data and compiled programs go: `$RCLICKS_CACHE` or the user's.

    Raises:
        BadValueError: The user has no home folder, and no variable names another.
    """
    given = os.environ.get(VARIABLE)
    try:
        if given:
            return pathlib.Path(os.path.expanduser(given))
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        return pathlib.Path(base) / "rclicks_jax"
    except RuntimeError as error:
        raise errors.BadValueError(
            "The cache", "no home folder", f"${VARIABLE} set to a folder"
        ) from error


@contextlib.contextmanager
def exclusive(folder: pathlib.Path, *, wait: bool = True) -> Iterator[None]:
    """Makes a folder and keeps other processes waiting for it, on all machines.

    The lock ends with its process. File systems of several machines may not notice
    that, so the holder touches the lock's file all the time, and whoever waits for one
    that nobody touches gives up.

    Args:
        folder: What is kept to this process.
        wait: Whether to wait for others; otherwise that they are there is an error.

    Raises:
        OSError: It cannot be made or written.
        RClicksError: Whoever holds it is gone or hangs; or is there, without `wait`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_NAME
    with path.open("ab+", buffering=0) as lock:
        if wait or not _is_taken(lock):
            _take(lock, path)
        else:
            raise errors.RClicksError(
                f"{path.parent} is in use by {_holder(path)}. Wait until it is done, "
                "or take another folder."
            )
        since = time.strftime("%H:%M:%S")
        # This is for those who wait, and works without on a full disk.
        with contextlib.suppress(OSError):
            lock.truncate(0)
            holder = f"process {os.getpid()} of {platform.node()}, since {since}"
            lock.write(holder.encode())
        with waits.repeating(lambda: _touch(path), _TOUCH_SECONDS, _TOUCH_SECONDS):
            yield


def _is_taken(lock: Any) -> bool:
    """Tells whether another process holds a lock; takes it otherwise."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    return False


def _holder(path: pathlib.Path) -> str:
    """Returns what a lock says of its holder."""
    try:
        return path.read_text() or "another process"
    except OSError:
        return "another process"


def _take(lock: Any, path: pathlib.Path) -> None:
    """Waits for a lock, as long as somebody who lives holds it."""
    touched, seen = None, time.monotonic()
    lived = seen
    with waits.waiting(lambda: f"{path}, which {_holder(path)} holds"):
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise OSError(error.errno, error.strerror, str(path)) from error
            now = os.fstat(lock.fileno()).st_mtime_ns
            if now != touched:
                touched, seen = now, time.monotonic()
            if not _is_dead(_holder(path)):
                lived = time.monotonic()
            dead = time.monotonic() - lived > _DEAD_SECONDS
            if dead or time.monotonic() - seen > _ABANDONED_SECONDS:
                raise errors.RClicksError(
                    f"{path} is locked by {_holder(path)}, which shows no sign of "
                    "life. End that process if it is still there (a child of it may "
                    f"be), remove {path}, and run the same command again."
                )
            time.sleep(_POLL_SECONDS)


def _is_dead(holder: str) -> bool:
    """Tells whether a process of this machine is meant that has ended."""
    found = re.match(r"process (\d+) of (.+), since", holder)
    if found is None or found[2] != platform.node():
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _touch(path: pathlib.Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(path)
