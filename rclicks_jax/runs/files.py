"""Files of run folders: their names, and how they are written: whole or not at all."""

import contextlib
import hashlib
import os
import pathlib
import re
import time
import urllib.parse
from collections.abc import Iterator

from etils import epath

from rclicks_jax import errors

_LONGEST_NAME = 120
# Windows cannot have them, and folders are copied.
_UNPORTABLE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*[. ]|")
# A partial file that is older was left by a process that was killed.
_LEFT_SECONDS = 3600


def write_atomically(path: epath.Path, content: bytes) -> None:
    """Writes a file that is never seen half written.

    Raises:
        RunFolderError: It cannot be written.
    """
    with _explained(path):
        if _is_remote(path):
            # Object stores show an object once it is whole.
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            return
        with _partial(path, content) as partial:
            os.replace(partial, path)


def create(path: epath.Path, content: bytes) -> bool:
    """Writes a file unless it is there; of several processes one succeeds.

    In a bucket, which has no such operation here, the last of two that write within
    the same moment does.

    Returns:
        Whether this process has written it.

    Raises:
        RunFolderError: It cannot be written.
    """
    with _explained(path):
        if _is_remote(path):
            if path.exists():
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            time.sleep(1)
            return path.read_bytes() == content
        with _partial(path, content) as partial:
            try:
                # Unlike a renaming, a link never takes the place of a file.
                os.link(partial, path)
            except FileExistsError:
                return False
            except OSError:
                return _create_exclusively(path, content)
        return True


def remove_left(folder: epath.Path) -> None:
    """Removes the partial files of processes that were killed an hour ago or before."""
    if _is_remote(folder):
        return
    for path in pathlib.Path(folder).rglob(".*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_SECONDS:
                path.unlink()


def _create_exclusively(path: epath.Path, content: bytes) -> bool:
    """Writes a file where there are no links, so that it may be seen half written."""
    try:
        with open(path, "xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def _partial(path: epath.Path, content: bytes) -> Iterator[epath.Path]:
    """Writes content beside a path, under another name, for as long as it is wanted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.parent / f".{path.name}.{os.getpid()}.partial"
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield partial
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)


@contextlib.contextmanager
def _explained(path: epath.Path) -> Iterator[None]:
    """Turns an error of the file system into a sentence."""
    try:
        yield
    except OSError as error:
        raise errors.RunFolderError(
            f"{path} cannot be written: {error.strerror or error}. What is finished is "
            "kept: make room or choose another folder, and run the same command."
        ) from error


def _is_remote(path: epath.Path) -> bool:
    return "://" in str(path)


def file_name(text: str) -> str:
    """Returns a file name for an id; different ids have different names."""
    # Half a surrogate pair, as of a file name that is not UTF-8, is a name as well.
    quoted = urllib.parse.quote(text, safe=" ,+=@()[]", errors="surrogatepass")
    portable = not quoted.startswith(".") and not _UNPORTABLE.fullmatch(quoted)
    if len(quoted) <= _LONGEST_NAME and portable:
        return quoted
    return (
        quoted[:80].lstrip(".")
        + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    )
