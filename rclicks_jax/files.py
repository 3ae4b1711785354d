"""Files written whole or not at all, and sentences on files that cannot be used."""

import contextlib
import errno
import os
import pathlib
import platform
import pwd
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rclicks_jax import errors

if TYPE_CHECKING:
    from etils import epath

_PARTIAL = ".partial"
# Who writes such a file: a machine's name, and the number of a process there.
_OWNED = re.compile(rf"\.(?P<process>\d+){re.escape(_PARTIAL)}")
# A partial file that nobody wrote to for so long was left by a process that was killed.
_STALE_SECONDS = 24 * 3600
_ADVICE = {
    errno.ENOSPC: "Make room there, or choose another place",
    errno.EDQUOT: "Your quota there is used up: make room, or choose another place",
    errno.EROFS: "Choose a place that can be written",
    errno.EIO: "The disk or the network file system has a fault: see the system's log",
    errno.ESTALE: "The network file system lost the file: mount it anew",
    errno.EMFILE: "Allow more open files: ulimit -n 4096",
    errno.ENFILE: "The machine has too many open files: end other programs",
    errno.ENOMEM: "The memory is full: end other programs",
    errno.ENOLCK: "The file system knows no locks: choose a place on another one",
    errno.ENOENT: "Check the spelling, and upper and lower case",
    errno.ENOTDIR: "A file stands where a folder has to be: choose another place",
    errno.EEXIST: "A file stands where a folder has to be: choose another place",
    errno.ENAMETOOLONG: "Choose a shorter name",
    errno.ELOOP: "Its links lead in a circle",
}

# What the machine or the network refuses now and may grant later, whatever the file.
_OF_MACHINE = {
    *(errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ESTALE),
    *(errno.ETIMEDOUT, errno.ENOSPC, errno.EDQUOT, errno.ENETDOWN, errno.ENETUNREACH),
    *(errno.ECONNRESET, errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EHOSTUNREACH),
}


def is_of_machine(error: OSError) -> bool:
    """Tells whether the machine or the network failed rather than a file is wrong."""
    return error.errno in _OF_MACHINE


def write_atomically(path: "epath.PathLike", content: bytes | str) -> None:
    """Writes a file that is never seen half written; makes its folder.

    Args:
        path: On a disk or in a bucket.
        content: All of it; text is written in UTF-8.

    Raises:
        OSError: It cannot be written; what was there before is still there.
    """
    # Commands that write nothing start without it.
    from etils import epath

    data = content.encode() if isinstance(content, str) else content
    path = epath.Path(path)
    if "://" in str(path):
        # Object stores show an object once it is whole.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return
    write_with(path, lambda file: file.write(data))


def write_with(path: "epath.PathLike", write: Callable[[Any], Any]) -> None:
    """Does what `write_atomically` does, with what a function writes to a file.

    Args:
        path: On a disk.
        write: Is given the open binary file.

    Raises:
        OSError: It cannot be written; what was there before is still there.
    """
    with _partial(pathlib.Path(path), write) as partial:
        os.replace(partial, path)


def create(path: "epath.PathLike", content: bytes) -> bool:
    """Writes a file unless it is there; of several processes one succeeds.

    In a bucket, which has no such operation here, the last of two that write within
    the same moment does.

    Returns:
        Whether this process has written it.

    Raises:
        OSError: It cannot be written.
    """
    from etils import epath

    path = epath.Path(path)
    if "://" in str(path):
        if path.exists():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        time.sleep(1)
        return path.read_bytes() == content
    with _partial(pathlib.Path(path), lambda file: file.write(content)) as partial:
        try:
            # Unlike a renaming, a link never takes the place of a file.
            os.link(partial, path)
        except FileExistsError:
            return False
        except OSError:
            return _create_exclusively(pathlib.Path(path), content)
    return True


def _create_exclusively(path: pathlib.Path, content: bytes) -> bool:
    """Writes a file where there are no links, so that it may be seen half written."""
    try:
        with open(path, "xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def _partial(path: pathlib.Path, write: Callable[[Any], Any]) -> Iterator[pathlib.Path]:
    """Writes a whole file beside a path, and removes it in the end if it is there."""
    # Several machines may share the folder, and have processes of the same number.
    owner = f"{platform.node()}.{os.getpid()}"
    partial = path.parent / f".{path.name[:120]}.{owner}{_PARTIAL}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(partial, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            yield partial
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
    except OSError as error:
        # A full disk is known by the file alone that is written, without its name.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def remove_leftovers(
    folder: pathlib.Path,
    pattern: str = f"**/.*{_PARTIAL}",
    seconds: float | None = None,
) -> None:
    """Removes what killed processes left half written; what cannot be removed stays.

    Args:
        folder: Where to look.
        pattern: What such files or folders are called.
        seconds: How long nobody wrote to them; a day if None. Files of a process of
            this machine that is gone are not waited for.
    """
    limit = time.time() - (_STALE_SECONDS if seconds is None else seconds)
    for path in folder.glob(pattern):
        try:
            if _has_no_owner(path) or path.stat().st_mtime <= limit:
                _remove(path)
        except OSError:
            continue


def _has_no_owner(path: pathlib.Path) -> bool:
    """Tells whether the process of this machine that wrote a file is gone."""
    found = _OWNED.search(path.name)
    if found is None or not path.name.endswith(f".{platform.node()}{found[0]}"):
        return False
    try:
        os.kill(int(found["process"]), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    return False


def _remove(path: pathlib.Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            _remove(inner)
        path.rmdir()
    else:
        path.unlink()


def why_unreadable(error: Exception) -> str:
    """Says why a file that this program wrote cannot be read, in no words of Python.

    Args:
        error: Of the file system, or of what takes the content apart.
    """
    if isinstance(error, OSError):
        return error.strerror or "the file system refuses it"
    return "it was cut, or its content was changed"


def explain(error: OSError) -> str:
    """Returns a sentence on what the operating system refused, and what to do.

    Example: "/data/run.json: No space left on device. Make room there, or choose
    another place; then run the same command again."
    """
    path = error.filename if isinstance(error.filename, (str, bytes)) else ""
    place = os.fsdecode(path)
    why = error.strerror or str(error) or type(error).__name__
    told = f"{place}: {why}" if place else why
    advice = _ADVICE.get(error.errno or 0, "")
    if error.errno in (errno.EACCES, errno.EPERM):
        advice = _permission(place)
    if error.errno == errno.ENOENT and "\\" in place:
        advice = "Write / where it has a backslash"
    advice = f"{advice}; then run" if advice else "Mend that and run"
    return f"{told.rstrip('.')}. {advice} the same command again."


def _permission(place: str) -> str:
    """Names the owner of a file or of the nearest folder that there is."""
    path = pathlib.Path(place) if place else None
    while path is not None and path != path.parent:
        try:
            owner = pwd.getpwuid(path.stat().st_uid).pw_name
            return f"{path} belongs to {owner}: ask for permission, or choose another"
        except (OSError, KeyError):
            path = path.parent
    return "You may not use it: ask for permission, or choose another place"


@contextlib.contextmanager
def explained(path: "epath.PathLike") -> Iterator[None]:
    """Turns an error of the file system into a sentence.

    Raises:
        RunFolderError: What is written in the block cannot be written.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            why = "a file or a broken link stands where its folder has to be"
        raise errors.RunFolderError(
            f"{path} cannot be written: {why}. What is finished is "
            "kept: make room or choose another folder, and run the same command."
        ) from error


def write_output(path: "epath.PathLike", content: bytes | str) -> None:
    """Writes a file of a run or of its tables; it is never seen half written.

    Raises:
        RunFolderError: It cannot be written; the message says what to do.
    """
    with explained(path):
        write_atomically(path, content)
