"""A run folder: what was asked, and a file for each finished image.

    run.json                              what is run, and its hash
    records/DATASET/IMAGE.ATTEMPT.jsonl   one file an image, written whole or not at all
    artifacts/DATASET/IMAGE/OBJECT/...    pictures for the report
    attempts/...                          the command of each start
    tables/, report.html                  made of the above, and made again at will

Nothing is deleted. A folder whose hash is another's is refused.
"""

import hashlib
import json
import os
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

from etils import epath

from rclicks_jax import errors
from rclicks_jax.runs import records

RUN_NAME = "run.json"
_LONGEST_NAME = 120
# Windows cannot have them, and folders are copied.
_UNPORTABLE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*[. ]|")


def write_atomically(path: epath.Path, content: bytes) -> None:
    """Writes a file that is never seen half written.

    Raises:
        RunFolderError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if "://" in str(path):
            # Object stores show an object once it is whole.
            path.write_bytes(content)
            return
        partial = path.parent / f".{path.name}.{os.getpid()}.partial"
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise errors.RunFolderError(
            f"{path} cannot be written: {error.strerror or error}. What is finished is "
            "kept: make room or choose another folder, and run the same command."
        ) from error


def file_name(text: str) -> str:
    """Returns a file name for an id; different ids have different names."""
    quoted = urllib.parse.quote(text, safe=" ,+=@()[]")
    portable = not quoted.startswith(".") and not _UNPORTABLE.fullmatch(quoted)
    if len(quoted) <= _LONGEST_NAME and portable:
        return quoted
    return quoted[:80].lstrip(".") + hashlib.sha256(text.encode()).hexdigest()[:16]


def hash_of(value: dict[str, Any]) -> str:
    """Returns a hash of JSON values that does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class RunFolder:
    """One run on disk or in a bucket.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: epath.PathLike) -> None:
        """Names the folder; nothing is read or made."""
        self.path = epath.Path(path)

    def begin(self, hashed: dict[str, Any], noted: dict[str, Any]) -> None:
        """Starts the run, or makes sure that it is the one that was started here.

        Args:
            hashed: All that can change a number: protocol, seed, weights, data.
            noted: What is good to know: versions, devices, batch shapes, paths.

        Raises:
            RunFolderError: The folder holds another run, or cannot be written.
        """
        path = self.path / RUN_NAME
        if not self.exists():
            described = {"hash": hash_of(hashed), "hashed": hashed, "noted": noted}
            text = json.dumps(described, indent=2, default=str) + "\n"
            write_atomically(path, text.encode())
            return
        before = self.info()
        if before["hash"] != hash_of(hashed):
            changed = ", ".join(_differences(before["hashed"], hashed))
            raise errors.RunFolderError(
                f"{self.path} holds a run of something else: {changed}. Take another "
                "folder, or the same settings, data and weights."
            )

    def exists(self) -> bool:
        """Tells whether a run was started here."""
        return (self.path / RUN_NAME).exists()

    def info(self) -> dict[str, Any]:
        """Returns the content of `run.json`.

        Raises:
            RunFolderError: There is none, or it is broken.
        """
        path = self.path / RUN_NAME
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise errors.RunFolderError(
                f"{self.path} is not a run folder: {path} cannot be read ({error})."
            ) from error

    def write(self, record: records.ImageRecord) -> None:
        """Writes the record of an image."""
        name = f"{file_name(record.image_id)}.{record.attempt}.jsonl"
        path = self.path / "records" / file_name(record.dataset) / name
        write_atomically(path, records.to_lines(record).encode())

    def attempts(self) -> dict[tuple[str, str], int]:
        """Returns the number of attempts at each image, by names of files."""
        found: dict[tuple[str, str], int] = {}
        for dataset, name, attempt, _ in self._files():
            found[dataset, name] = max(attempt, found.get((dataset, name), 0))
        return found

    def read_all(self) -> Iterator[records.ImageRecord]:
        """Yields the newest record of every image, ordered by dataset and name."""
        newest: dict[tuple[str, str], tuple[int, epath.Path]] = {}
        for dataset, name, attempt, path in self._files():
            if attempt > newest.get((dataset, name), (0, path))[0]:
                newest[dataset, name] = attempt, path
        for key in sorted(newest):
            path = newest[key][1]
            yield records.from_lines(path.read_text(), str(path))

    def read(self, dataset: str, image_id: str, attempt: int) -> records.ImageRecord:
        """Reads one record."""
        name = f"{file_name(image_id)}.{attempt}.jsonl"
        path = self.path / "records" / file_name(dataset) / name
        return records.from_lines(path.read_text(), str(path))

    def _files(self) -> Iterator[tuple[str, str, int, epath.Path]]:
        folder = self.path / "records"
        if not folder.exists():
            return
        for of_dataset in folder.iterdir():
            for path in of_dataset.iterdir():
                stem, _, attempt = path.name.removesuffix(".jsonl").rpartition(".")
                if path.name.endswith(".jsonl") and attempt.isdigit():
                    yield of_dataset.name, stem, int(attempt), path

    def artifacts(self, dataset: str, image_id: str) -> epath.Path:
        """Returns the folder that pictures of an image belong in."""
        return self.path / "artifacts" / file_name(dataset) / file_name(image_id)


def _differences(before: Any, after: Any, name: str = "") -> Iterator[str]:
    """Names what differs between two nested values."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            inner = f"{name}.{key}" if name else key
            yield from _differences(before.get(key), after.get(key), inner)
    elif json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
        yield f"{name} was {_short(before)} and is {_short(after)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
