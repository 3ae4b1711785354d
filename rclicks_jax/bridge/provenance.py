"""What a run records of a worker's files: their content, not where they lie."""

import functools
import hashlib
import pathlib
import re
from collections.abc import Mapping

_COMMIT = re.compile(r"[0-9a-f]{40}")


def describe_options(options: Mapping[str, str]) -> dict[str, str]:
    """Returns options in which files and folders stand for their content.

    Args:
        options: Of a worker; a value that names a file becomes the file's name and
            the start of its SHA-256, a checkout its name and commit.
    """
    return {key: describe(value) for key, value in options.items()}


def describe(value: str) -> str:
    """Returns what one option stands for; itself if it names no file."""
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
    """Returns the commit that a git checkout is at; empty if it is none."""
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
