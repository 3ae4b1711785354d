"""Writes files whole or not at all, and explains why files cannot be used."""

import contextlib
import errno
import os
import pathlib
import platform
import pwd
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from rclicks_jax import errors

if TYPE_CHECKING:
    from etils import epath

_PARTIAL = ".partial"
# Owner in the name of such a file: name of the machine, and number of the process.
_OWNED = re.compile(rf"\.(?P<process>\d+){re.escape(_PARTIAL)}")
# A partial file that is unchanged for so long was left by a killed process.
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

# Errors of the machine or the network, which may pass, whatever the file.
_OF_MACHINE = {
    *(errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ESTALE),
    *(errno.ETIMEDOUT, errno.ENOSPC, errno.EDQUOT, errno.ENETDOWN, errno.ENETUNREACH),
    *(errno.ECONNRESET, errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EHOSTUNREACH),
}


def is_of_machine(error: OSError) -> bool:
    """Tells whether an error comes from machine or network, not from a wrong file."""
    return error.errno in _OF_MACHINE


def write_atomically(path: "epath.PathLike", content: bytes | str) -> None:
    """Writes a file that is never seen half written; makes its folder.

    Args:
        path: Path on a disk or in a bucket.
        content: The whole content; text is written in UTF-8.

    Raises:
        OSError: The file cannot be written; an earlier file is still there.
    """
    # Commands that write nothing start without it.
    from etils import epath

    data = content.encode() if isinstance(content, str) else content
    path = epath.Path(path)
    if "://" in str(path):
        # Object stores show an object only when it is whole.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return
    write_with(path, lambda file: file.write(data))


def write_with(path: "epath.PathLike", write: Callable[[BinaryIO], object]) -> None:
    """Writes a file like `write_atomically`, with content from a function.

    Args:
        path: Path on a disk.
        write: Function that writes the content to an open binary file.

    Raises:
        OSError: The file cannot be written; an earlier file is still there.
    """
    with _partial(pathlib.Path(path), write) as partial:
        os.replace(partial, path)


def create(path: "epath.PathLike", content: bytes) -> bool:
    """Writes a file unless it exists; of several processes one succeeds.

    For buckets there is no such operation here: of two processes that write at the same
    moment, the last one succeeds.

    Returns:
        Whether this process has written it.

    Raises:
        OSError: The file cannot be written.
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
            # Unlike a rename, a link never replaces a file.
            os.link(partial, path)
        except FileExistsError:
            return False
        except OSError:
            return _create_exclusively(pathlib.Path(path), content)
    return True


def _create_exclusively(path: pathlib.Path, content: bytes) -> bool:
    """Writes a file on a file system without links; it may be seen half written."""
    try:
        with open(path, "xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def _partial(
    path: pathlib.Path, write: Callable[[BinaryIO], object]
) -> Iterator[pathlib.Path]:
    """Writes a file beside a path for the block, and then removes it if it is left."""
    # Machines that share the folder may have processes with the same number.
    owner = f"{platform.node()}.{os.getpid()}"
    # And threads of a process may write the same file at the same time.
    own_name = f"{path.name[:100]}.{threading.get_ident()}"
    partial = path.parent / f".{own_name}.{owner}{_PARTIAL}"
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
        # The error of a full disk does not name the file.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def remove_leftovers(
    folder: pathlib.Path,
    pattern: str = f"**/.*{_PARTIAL}",
    seconds: float | None = None,
) -> None:
    """Removes partial files of killed processes; those that it cannot remove stay.

    Args:
        folder: The folder with the files.
        pattern: Glob pattern of partial files or folders.
        seconds: Time since the last change after which they are removed; a day if None.
            Files of an ended process of this machine are removed at once.
    """
    limit = time.time() - (_STALE_SECONDS if seconds is None else seconds)
    for path in folder.glob(pattern):
        try:
            if _has_no_owner(path) or path.stat().st_mtime <= limit:
                _remove(path)
        except OSError:
            continue


def _has_no_owner(path: pathlib.Path) -> bool:
    """Tells whether a process of this machine wrote a file and has ended."""
    match = _OWNED.search(path.name)
    if match is None or not path.name.endswith(f".{platform.node()}{match[0]}"):
        return False
    try:
        os.kill(int(match["process"]), 0)
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
    """Returns why a file of this program cannot be read, without Python's words.

    Args:
        error: The error of the file system or of the parser.
    """
    if isinstance(error, OSError):
        return error.strerror or "the file system refuses it"
    return "it was cut, or its content was changed"


def explain(error: OSError) -> str:
    """Returns sentences on an error of the operating system, and what to do.

    Example: "/data/run.json: No space left on device. Make room there, or choose
    another place; then run the same command again."
    """
    path = error.filename if isinstance(error.filename, (str, bytes)) else ""
    place = os.fsdecode(path)
    why = error.strerror or str(error) or type(error).__name__
    message = f"{place}: {why}" if place else why
    advice = _ADVICE.get(error.errno or 0, "")
    if error.errno in (errno.EACCES, errno.EPERM):
        advice = _permission(place)
    if error.errno == errno.ENOENT and "\\" in place:
        advice = "Write / where it has a backslash"
    advice = f"{advice}; then run" if advice else "Mend that and run"
    return f"{message.rstrip('.')}. {advice} the same command again."


def _permission(place: str) -> str:
    """Returns advice that names the owner of a file, or of its nearest folder."""
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
    """Turns errors of the file system in a block into sentences.

    Raises:
        RunFolderError: The block cannot write the file.
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
        RunFolderError: The file cannot be written; the message says what to do.
    """
    with explained(path):
        write_atomically(path, content)
