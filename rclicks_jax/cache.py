"""The cache folder of prepared data, environments and programs, and its locks."""

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
# The holder of a lock touches it so often. A lock untouched for so long is abandoned.
_TOUCH_SECONDS, _ABANDONED_SECONDS = 10.0, 180.0
# A lock can outlive its process for a short time: in a child, or on a file server.
_DEAD_SECONDS = 20.0
_POLL_SECONDS = 0.2


def cache_dir() -> pathlib.Path:
    """Returns the cache folder: `$RCLICKS_CACHE`, or one in the user's cache.

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
    """Makes a folder and locks it against other processes, on all machines.

    The lock ends with its process. A file system that several machines share may not
    notice that. So the holder touches the file of the lock all the time, and a process
    that waits for a lock gives up if nobody touches it.

    Args:
        folder: The folder that this process locks.
        wait: Whether to wait for another holder; otherwise another holder is an error.

    Raises:
        OSError: The folder cannot be made or written.
        RClicksError: Another holder has died or hangs; or, without `wait`, there is
            one.
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
        # The text is only for messages, so a full disk does not matter.
        with contextlib.suppress(OSError):
            lock.truncate(0)
            holder = f"process {os.getpid()} of {platform.node()}, since {since}"
            lock.write(holder.encode())
        with waits.repeating(lambda: _touch(path), _TOUCH_SECONDS, _TOUCH_SECONDS):
            yield


def _is_taken(lock: Any) -> bool:
    """Takes a lock unless another process holds it; returns whether one does."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    return False


def _holder(path: pathlib.Path) -> str:
    """Returns the description of the holder of a lock."""
    try:
        return path.read_text() or "another process"
    except OSError:
        return "another process"


def _take(lock: Any, path: pathlib.Path) -> None:
    """Waits for a lock as long as a living process holds it, and takes it."""
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
    """Tells whether the holder was a process of this machine and has ended."""
    match = re.match(r"process (\d+) of (.+), since", holder)
    if match is None or match[2] != platform.node():
        return False
    try:
        os.kill(int(match[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _touch(path: pathlib.Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(path)
