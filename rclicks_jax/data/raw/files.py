"""Reads the files of a dataset, or says why they cannot be read."""

import errno
import os
import pathlib
import re
import stat
import unicodedata

from rclicks_jax import errors, file_signatures, files

# pathlib reduces the two slashes of a URL to one.
_URL = re.compile(r"\b(https?|ftp|gs|s3):/")
# Of a larger file, the start is checked before all of it is read: a sparse file of any
# size takes no room on a disk. No file that can be decoded is larger than `_MOST`.
_LARGE = 2**26
_MOST = 2**33
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read(path: pathlib.Path, name: str = "") -> bytes:
    """Returns the content of a regular file, or of the target of a link.

    A pipe or a device is refused without reading, since it may never end.

    Args:
        path: Path of the file.
        name: Name of the file in messages; its path if empty.

    Raises:
        DataError: The file cannot be read; the message says why and what may help.
        OSError: The machine failed, not the file, so that no problem should be
            recorded.
    """
    name = name or str(path)
    try:
        # Opened in this way, a pipe does not block.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        status = os.fstat(descriptor)
        mode, size = status.st_mode, status.st_size
        if not stat.S_ISREG(mode):
            os.close(descriptor)
            raise errors.DataError(_not_a_file(name, mode))
        with open(descriptor, "rb") as stream:
            start = stream.read(file_signatures.HEAD)
            if size > _LARGE and not start.strip(b"\0"):
                raise errors.DataError(f"{name} is {file_signatures.mistaken(start)}.")
            if size > _MOST:
                raise errors.DataError(
                    f"{name} has {size} bytes; at most {_MOST} can be read."
                )
            return start + stream.read()
    except MemoryError as error:
        raise errors.DataError(
            f"{name} is larger than the memory that this machine has left."
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and files.is_of_machine(error):
            # An error from reading does not name the file.
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise errors.DataError(f"{name} {_why_not(path, error)}") from error


def _not_a_file(name: str, mode: int) -> str:
    kind = next((text for matches, text in _KINDS if matches(mode)), "no regular file")
    return f"{name} is {kind}, not a file. Put the file itself, or a link to it, there."


def _why_not(path: pathlib.Path, error: OSError | ValueError) -> str:
    """Returns why a file cannot be opened, as the end of a sentence."""
    if isinstance(error, ValueError):  # A zero byte in the name.
        return "cannot be opened: no file can have this name."
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        if path.is_symlink():
            return f"is a link to {os.readlink(path)}, which does not exist."
        hint = spelling_hint(path)
        return f"does not exist.{' ' * bool(hint)}{hint}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "cannot be read: this user has no permission. Try `chmod u+r`."
    if error.errno == errno.ELOOP:
        return "is a link that leads back to itself."
    if error.errno == errno.ENAMETOOLONG:
        return "cannot be opened: the name is too long for a file."
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return "is a socket or a device, not a file."
    return f"cannot be read: {error.strerror or error}."


def spelling_hint(path: pathlib.Path) -> str:
    """Returns a hint on the file that was meant by a path that does not exist.

    Returns:
        A sentence; empty if there is no similar file.
    """
    text = str(path)
    if _URL.search(text):
        return "It looks like a URL: download the file and name its path."
    if "\\" in text:
        return "It has backslashes: write / between folders."
    if path.parent == path or not path.parent.is_dir():
        return ""
    wanted = _folded(path.name)
    try:
        near = sorted(p.name for p in path.parent.iterdir())
    except OSError:
        return ""
    for meaning, fits in (
        ("whose name differs in capitals or accents", lambda n: _folded(n) == wanted),
        (
            "of the same name with another suffix",
            lambda n: pathlib.Path(_folded(n)).stem == pathlib.Path(wanted).stem,
        ),
    ):
        match = next((name for name in near if fits(name)), "")
        if match:
            return f"There is {match}, {meaning}."
    return ""


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
