"""A run folder: what was asked, and a file for each finished image.

    run.json                              what is run, and its hash
    records/DATASET/IMAGE.ATTEMPT.jsonl   one file an image, written whole or not at all
    artifacts/DATASET/IMAGE/OBJECT/...    pictures for the report
    attempts/...                          the command of each start
    tables/, report.html                  made of the above, and made again at will

Nothing is deleted. A folder whose hash is another's is refused, and so are records of
another run: each says whose it is.
"""

import contextlib
import dataclasses
import functools
import json
import pathlib
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from etils import epath

from rclicks_jax import cache, errors
from rclicks_jax.files import remove_leftovers, why_unreadable
from rclicks_jax.runs import files, records, run_file

# Names, whole files and hashes are used with every folder.
from rclicks_jax.runs.files import file_name as file_name
from rclicks_jax.runs.files import write_atomically as write_atomically
from rclicks_jax.runs.run_file import RUN_NAME as RUN_NAME
from rclicks_jax.runs.run_file import hash_of as hash_of


def _remove_leftovers(path: epath.Path) -> None:
    if "://" not in str(path):
        remove_leftovers(pathlib.Path(path))


class RunFolder:
    """One run on disk or in a bucket.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: epath.PathLike) -> None:
        """Names the folder; nothing is read or made."""
        self.path = epath.Path(path)

    def begin(
        self,
        hashed: dict[str, Any],
        noted: dict[str, Any],
        *,
        mendable: Collection[str] = (),
        has_results: Callable[[], bool] = lambda: True,
    ) -> None:
        """Starts the run, or makes sure that it is the one that was started here.

        Of several processes that start at once, one does; the others compare.

        Args:
            hashed: All that can change a number: protocol, seed, weights, data.
            noted: What is good to know: versions, devices, batch shapes, paths.
            mendable: Keys of `hashed` that may change while there are no results: an
                adapter that failed everywhere is mended, and the same folder goes on.
            has_results: Tells whether anything in the folder is `ok`.

        Raises:
            RunFolderError: The folder holds another run, or cannot be written.
        """
        described = {
            "format": run_file.FORMAT,
            "hash": hash_of(hashed),
            "hashed": hashed,
            "noted": noted,
        }
        content = (json.dumps(described, indent=2, default=str) + "\n").encode()
        path = self.path / RUN_NAME
        if not self.exists():
            self._check_orphans(described["hash"])
            if files.create(path, content):
                self._mark = run_file.mark_of(described)
                return
        before = self._begun()
        mended = set(run_file.changes(before, hashed))
        if mended and mended <= {*mendable} and self._is_in_vain(before, has_results):
            # Of several that were mended and start at once, one takes the place.
            with self._alone():
                first, before = before, self._begun()
                if first["hash"] == before["hash"]:
                    write_atomically(path, content)
                    before = described
                    print(
                        f"{self.path}: {' and '.join(sorted(mended))} changed. Nothing "
                        "was ok before, so the run starts again here.",
                        file=sys.stderr,
                    )
        changed = run_file.changes(before, hashed)
        if changed:
            lines = ", ".join(line for each in changed.values() for line in each)
            raise errors.RunFolderError(
                f"{self.path} holds a run of something else: {lines}. Take another "
                "folder, or the same settings, data and weights."
            )
        self._mark = run_file.mark_of(before)
        _remove_leftovers(self.path)
        if means := run_file.other_means(before["noted"], noted):
            print(f"note: {self.path} goes on with {means}", file=sys.stderr)

    def _is_in_vain(
        self, before: dict[str, Any], has_results: Callable[[], bool]
    ) -> bool:
        """Tells whether the run here has tried something, and nothing was ok.

        One without any record may have been started a moment ago.
        """
        known = ("", before["hash"])
        tried = any(_owner(path) in known for path in self.record_files())
        return tried and not has_results()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other processes from starting a run here; a bucket has no locks."""
        if "://" in str(self.path):
            yield
            return
        with cache.exclusive(pathlib.Path(self.path)):
            yield

    def _begun(self) -> dict[str, Any]:
        """Returns `run.json` of a process that may be writing it at this moment."""
        for _ in range(20):
            try:
                return self.info()
            except errors.RunFolderError:
                time.sleep(0.1)
        return self.info()

    def _check_orphans(self, run: str) -> None:
        """Makes sure that records without `run.json` are of the run to be started.

        Raises:
            RunFolderError: They are of another one, or do not say of which.
        """
        owners = [_owner(path) for path in self.record_files()]
        others = sum(owner != run for owner in owners)
        if others:
            raise errors.RunFolderError(
                f"{self.path} has {len(owners)} records but no {RUN_NAME}; {others} of "
                "them are of another run or do not say of which. Take another folder, "
                "or move the records away."
            )
        if owners:
            print(
                f"{self.path} has lost its {RUN_NAME}; its {len(owners)} records say "
                "that they are of this run, which goes on.",
                file=sys.stderr,
            )

    def exists(self) -> bool:
        """Tells whether a run was started here."""
        return (self.path / RUN_NAME).exists()

    def info(self) -> dict[str, Any]:
        """Returns the content of `run.json`.

        Raises:
            RunFolderError: There is none, it is broken, or of a later release.
        """
        return run_file.read(self.path / RUN_NAME)

    @functools.cached_property
    def _mark(self) -> run_file.Mark:
        """Which run this is: what `begin` found, whatever becomes of the file."""
        return (
            run_file.mark_of(self.info())
            if self.exists()
            else run_file.Mark("", run_file.FORMAT)
        )

    @property
    def run(self) -> str:
        """The hash of the run that was started here; empty if none was."""
        return self._mark.run

    def write(self, record: records.ImageRecord) -> None:
        """Writes the record of an image."""
        path = self._record_path(record.dataset, record.image_id, record.attempt)
        sealed = dataclasses.replace(record, run=self.run)
        write_atomically(path, records.to_lines(sealed).encode())

    def attempts(self) -> dict[tuple[str, str], int]:
        """Returns the number of attempts at each image, by names of files."""
        return {key: attempt for key, (attempt, _) in self._newest().items()}

    def read_all(self) -> Iterator[records.ImageRecord]:
        """Yields the newest record of every image, ordered by dataset and name.

        A record of another run without results is left out: before an adapter was
        mended, all there was failed.

        Raises:
            RecordError: A record is damaged, or of another run.
        """
        for _, (_, path) in sorted(self._newest().items()):
            record = self._read(path)
            if self.owns(record.run, str(path), strict=record.has_results):
                yield record

    def has_results(self) -> bool:
        """Tells whether an object of any record is `ok`, whichever run it is of."""
        paths = [path for _, path in self._newest().values()]
        return any_results(paths, lambda path: self._read(path).has_results)

    def read(self, dataset: str, image_id: str, attempt: int) -> records.ImageRecord:
        """Reads one record.

        Raises:
            RecordError: It is damaged, or of another run.
        """
        path = self._record_path(dataset, image_id, attempt)
        record = self._read(path)
        self.owns(record.run, str(path))
        return record

    def owns(self, run: str, name: str, *, strict: bool = True) -> bool:
        """Tells whether a record is of the run that was started here.

        Args:
            run: What the record says; empty in those of releases before it was said,
                which are taken, with a word, in a run that such a release started.
            name: What a message calls the record.
            strict: Whether another run is an error.

        Raises:
            RecordError: It is of another run, and that is an error.
        """
        if not self.run or run == self.run:
            return True
        if not run:
            if self._mark.format >= run_file.SEALED_FORMAT:
                raise records.RecordError(name, "it does not say of which run it is")
            _say_once(
                f"note: {self.path} has records of an earlier release, which do not "
                "say which run they are of; they are taken as they are."
            )
            return True
        if strict:
            raise records.RecordError(name, "it is of another run")
        return False

    def record_files(self) -> list[epath.Path]:
        """Returns the files of records of any job; others that lie there are none."""
        place = self.path / "records"
        if not place.exists():
            return []
        return sorted(
            path
            for of_dataset in place.iterdir()
            # No id has a name that begins with a dot, as those of file managers do.
            if not of_dataset.name.startswith(".") and of_dataset.is_dir()
            for path in of_dataset.iterdir()
            if not path.name.startswith(".") and path.suffix in (".json", ".jsonl")
        )

    def _newest(self) -> dict[tuple[str, str], tuple[int, epath.Path]]:
        """Returns number and file of the last attempt, by names of files."""
        newest: dict[tuple[str, str], tuple[int, epath.Path]] = {}
        for path in self.record_files():
            stem, _, attempt = path.name.removesuffix(".jsonl").rpartition(".")
            key = path.parent.name, stem
            if path.suffix == ".jsonl" and attempt.isdecimal():
                newest[key] = max((int(attempt), path), newest.get(key, (0, path)))
        return newest

    def _record_path(self, dataset: str, image_id: str, attempt: int) -> epath.Path:
        name = f"{file_name(image_id)}.{attempt}.jsonl"
        return self.path / "records" / file_name(dataset) / name

    def _read(self, path: epath.Path) -> records.ImageRecord:
        """Reads a record, and makes sure that it lies where its image belongs."""
        record = records.from_lines(read_record(path), str(path))
        place = self._record_path(record.dataset, record.image_id, record.attempt)
        if place != path:
            what = f"it is of {record.dataset}/{record.image_id}"
            raise records.RecordError(str(path), f"{what}, attempt {record.attempt}")
        return record

    def artifacts(self, dataset: str, image_id: str) -> epath.Path:
        """Returns the folder that pictures of an image belong in."""
        return self.path / "artifacts" / file_name(dataset) / file_name(image_id)


def any_results(
    paths: Iterable[epath.Path], is_ok: Callable[[epath.Path], bool]
) -> bool:
    """Tells whether a record says `ok`; those that are damaged say nothing.

    Args:
        paths: Records.
        is_ok: Reads one; may raise `RecordError`.
    """
    for path in paths:
        with contextlib.suppress(records.RecordError):
            if is_ok(path):
                return True
    return False


def read_record(path: epath.Path) -> str:
    """Returns the text of a record.

    Raises:
        RecordError: It cannot be read.
    """
    try:
        return path.read_text()
    except (OSError, ValueError) as error:
        raise records.RecordError(str(path), why_unreadable(error)) from error


@functools.cache
def _say_once(text: str) -> None:
    print(text, file=sys.stderr)


def _owner(path: epath.Path) -> str:
    """Returns the run that a record of any job says it is of; empty if none."""
    try:
        first, _, _ = path.read_text().partition("\n")
        return records.run_of(json.loads(first))
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""
