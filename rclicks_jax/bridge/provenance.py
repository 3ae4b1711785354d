"""Describes a worker's files for a run's record: by content, not by place."""

import functools
import hashlib
import pathlib
import re
from collections.abc import Mapping

_COMMIT = re.compile(r"[0-9a-f]{40}")


def describe_options(options: Mapping[str, str]) -> dict[str, str]:
    """Returns options whose paths are replaced by a description of their content.

    Args:
        options: Options of a worker. A value that names a file becomes the file's name
            and the start of its SHA-256; a checkout becomes its name and commit.
    """
    return {key: describe(value) for key, value in options.items()}


def describe(value: str) -> str:
    """Describes the file or folder that a value names; the value itself if none."""
    path = pathlib.Path(value)
    if not value or not path.exists():
        return value
    if path.is_file():
        return f"{path.name} sha256:{checksum(path)[:16]}"
    return f"{path.resolve().name} {commit(path) or '(no commit)'}"


def checksum(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file."""
    stat = path.stat()
    return _checksum(path, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _checksum(path: pathlib.Path, size: int, modified: int) -> str:
    del size, modified
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def commit(folder: pathlib.Path) -> str:
    """Returns the commit of a git checkout; empty if the folder is not a checkout."""
    git = folder / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head if _COMMIT.fullmatch(head) else ""
        name = head.removeprefix("ref: ")
        if (git / name).exists():
            return (git / name).read_text().strip()
        packed = (git / "packed-refs").read_text()
    except OSError:
        return ""
    match = re.search(rf"^([0-9a-f]{{40}}) {re.escape(name)}$", packed, re.MULTILINE)
    return match[1] if match else ""
