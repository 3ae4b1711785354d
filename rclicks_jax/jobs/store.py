"""A run folder: its settings, and a file for each attempt at a unit of work.

    run.json                              kind of job, identity and provenance
    records/DATASET/NAME.ATTEMPT.jsonl    results of a unit; whole or not at all
    artifacts/DATASET/NAME/...            pictures and other files of a unit
    attempts/...                          the command of each start
    utilisation/...                       how busy each start was
    tables/, report.html                  made from the above; can be made again

Nothing is deleted. A folder with another identity is refused, and so are records of
another run: each record holds the hash of its run.
"""

import contextlib
import dataclasses
import functools
import itertools
import json
import pathlib
import sys
import time
from collections.abc import Collection, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from etils import epath

from rclicks_jax import cache, errors, files
from rclicks_jax.files import remove_leftovers, why_unreadable
from rclicks_jax.jobs import formats, identity, provenance, records, run_files

# Users of run folders need `file_name` too.
from rclicks_jax.jobs.run_files import file_name as file_name
from rclicks_jax.types import JsonObject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RUN_NAME = "run.json"
# Another process that starts at the same moment may still be writing `run.json`.
_READS, _PAUSE_SECONDS = 20, 0.1


@dataclasses.dataclass(frozen=True)
class RunInfo:
    """The content of `run.json`.

    Attributes:
        kind: The kind of job.
        format: Number of the format in which the run was started.
        hash: Hash of kind and identity; each record of the run holds it.
        identity: JSON values; `identity.from_json` makes the job's dataclass of them.
        provenance: JSON values of `provenance.Provenance`.
    """

    kind: str
    format: int
    hash: str
    identity: JsonObject
    provenance: JsonObject


def key_of(dataset: str, name: str) -> tuple[str, str]:
    """Returns the names of folder and file for a unit."""
    return file_name(dataset), file_name(name)


class RunFolder:
    """One run on disk or in a bucket.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: epath.PathLike) -> None:
        """Takes the path of the folder; nothing is read or written."""
        self.path = epath.Path(path)

    def begin(
        self,
        kind: str,
        values: "DataclassInstance",
        origin: provenance.Provenance,
        *,
        mendable: Collection[str] = (),
    ) -> None:
        """Starts the run, or checks that the folder holds this run.

        If several processes start at once, one starts the run, and others compare.

        Args:
            kind: The kind of job.
            values: Its identity, a dataclass of all values that can change a number.
            origin: Its provenance.
            mendable: Fields of the identity that may change as long as no object is
                `ok`: a broken adapter can be mended and the same folder goes on.

        Raises:
            RunFolderError: The folder holds another run, or cannot be written.
        """
        now = identity.to_json(values)
        described: dict[str, Any] = {
            "format": formats.RUN,
            "kind": kind,
            "hash": identity.hash_of({"kind": kind, **now}),
            "identity": now,
            "provenance": dataclasses.asdict(origin),
        }
        content = (json.dumps(described, indent=2, default=str) + "\n").encode()
        path = self.path / RUN_NAME
        if not self.exists():
            self._check_orphans(described["hash"])
            if run_files.create(path, content):
                self._started = _info_of(described)
                return
        before = self._begun()
        if before.kind != kind:
            raise errors.RunFolderError(
                f"{self.path} holds a run of something else: {_words(before.kind)}, "
                f"not {_words(kind)}. Take another folder."
            )
        changed = self._changes(before, values)
        if changed and {*changed} <= {*mendable} and self._is_in_vain(before):
            # If several processes start with changes at once, one replaces the run.
            with self._alone():
                first, before = before, self._begun()
                if first.hash == before.hash:
                    files.write_output(path, content)
                    before = _info_of(described)
                    print(
                        f"{self.path}: {' and '.join(sorted(changed))} changed. "
                        "Nothing was ok before, so the run starts again here.",
                        file=sys.stderr,
                    )
            changed = self._changes(before, values)
        if changed:
            lines = ", ".join(itertools.chain.from_iterable(changed.values()))
            raise errors.RunFolderError(
                f"{self.path} holds a run of something else: {lines}. Take another "
                "folder, or the same settings, data and weights."
            )
        self._started = before
        if "://" not in str(self.path):
            remove_leftovers(pathlib.Path(self.path))
        if means := _other_means(before.provenance, described["provenance"]):
            print(f"note: {self.path} goes on with {means}", file=sys.stderr)

    def _changes(
        self, before: RunInfo, values: "DataclassInstance"
    ) -> dict[str, list[str]]:
        now = identity.to_json(values)
        return identity.changes(type(values), before.identity, now, str(self.path))

    def _is_in_vain(self, before: RunInfo) -> bool:
        """Tells whether the run here has records, and no object of them is `ok`.

        A run without records may have been started a moment ago.
        """
        known = ("", before.hash)
        tried = any(_owner(path) in known for path in self.record_files())
        return tried and not self.has_results()

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """Locks the folder for this process; a bucket has no locks."""
        if "://" in str(self.path):
            yield
            return
        with cache.exclusive(pathlib.Path(self.path)):
            yield

    def _begun(self) -> RunInfo:
        """Reads `run.json`, and waits if another process may still be writing it."""
        for _ in range(_READS):
            try:
                return self.info()
            except errors.RunFolderError:
                time.sleep(_PAUSE_SECONDS)
        return self.info()

    def _check_orphans(self, run: str) -> None:
        """Checks that records without `run.json` belong to the run to be started.

        Raises:
            RunFolderError: They belong to another run, or do not name their run.
        """
        owners = [_owner(path) for path in self.record_files()]
        others = sum(owner != run for owner in owners)
        if others:
            raise errors.RunFolderError(
                f"{self.path} has {len(owners)} records but no {RUN_NAME}; {others} of "
                "them belong to another run or do not name their run. Take another "
                "folder, or move the records away."
            )
        if owners:
            print(
                f"{self.path} has lost its {RUN_NAME}; its {len(owners)} records "
                "belong to this run, which goes on.",
                file=sys.stderr,
            )

    def exists(self) -> bool:
        """Tells whether a run was started here."""
        return (self.path / RUN_NAME).exists()

    def info(self) -> RunInfo:
        """Returns the content of `run.json`.

        Raises:
            RunFolderError: The file is missing or broken, or a later release wrote it.
        """
        path = self.path / RUN_NAME
        try:
            described = json.loads(run_files.read_text(path))
        except FileNotFoundError as error:
            missing = RUN_NAME if self.path.exists() else "such folder"
            raise errors.RunFolderError(
                f"{self.path} is not a run folder: there is no {missing}."
            ) from error
        except (OSError, *records.BROKEN) as error:
            raise errors.RunFolderError(
                f"{self.path} is not a run folder: {path} cannot be read "
                f"({why_unreadable(error)})."
            ) from error
        return _info_of(formats.run_info(described, str(path)))

    @functools.cached_property
    def _started(self) -> RunInfo | None:
        """The run of this folder as `begin` found it; later changes do not count."""
        return self.info() if self.exists() else None

    @property
    def run(self) -> str:
        """The hash of the run in this folder; empty if there is none."""
        return self._started.hash if self._started else ""

    @property
    def kind(self) -> str:
        """The kind of job of the run in this folder; empty if there is none."""
        return self._started.kind if self._started else ""

    def write(self, record: records.Record) -> None:
        """Writes the record of an attempt at a unit.

        Raises:
            RunFolderError: The record cannot be written.
        """
        path = self._record_path(record.dataset, record.name, record.attempt)
        owned = dataclasses.replace(record, run=self.run)
        files.write_output(path, records.to_lines(owned, self.kind).encode())

    def read_all(self) -> Iterator[records.Record]:
        """Yields the newest record of every unit, ordered by dataset and name.

        A record of another run is left out if it has no result: it was written before a
        broken adapter was mended.

        Raises:
            RecordError: A record is damaged, or has results of another run.
        """
        for _, (_, path) in sorted(self.newest().items()):
            record = self._read(path)
            if self._owns(record, str(path), strict=record.has_results):
                yield record

    def has_results(self) -> bool:
        """Tells whether an object of any run is `ok`; passes over damaged records."""
        for _, path in self.newest().values():
            with contextlib.suppress(records.RecordError):
                if self._read(path).has_results:
                    return True
        return False

    def read(self, path: epath.Path) -> records.Record:
        """Reads the record in one of the files that `newest` returns.

        Raises:
            RecordError: It is damaged, or belongs to another run.
        """
        record = self._read(path)
        self._owns(record, str(path), strict=True)
        return record

    def _owns(self, record: records.Record, name: str, *, strict: bool) -> bool:
        """Tells whether a record belongs to the run in this folder.

        Raises:
            RecordError: It belongs to another run, and `strict` is set; or it does not
                name its run although its format requires it.
        """
        if not self.run or record.run == self.run:
            return True
        if not record.run:
            if self._started is not None and self._started.format >= formats.SEALED:
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
        """Returns the files of records; other files there are passed over."""
        place = self.path / "records"
        if not place.exists():
            return []
        return sorted(
            path
            for of_dataset in place.iterdir()
            # Files of file managers begin with a dot; names of records never do.
            if not of_dataset.name.startswith(".") and of_dataset.is_dir()
            for path in of_dataset.iterdir()
            if not path.name.startswith(".") and _attempt_of(path.name)
        )

    def newest(self) -> dict[tuple[str, str], tuple[int, epath.Path]]:
        """Returns number and file of the last attempt of each unit, by `key_of`."""
        newest: dict[tuple[str, str], tuple[int, epath.Path]] = {}
        for path in self.record_files():
            stem, attempt = _attempt_of(path.name) or ("", 0)
            key = path.parent.name, stem
            newest[key] = max((attempt, path), newest.get(key, (0, path)))
        return newest

    def _record_path(self, dataset: str, name: str, attempt: int) -> epath.Path:
        folder, stem = key_of(dataset, name)
        return self.path / "records" / folder / f"{stem}.{attempt}.jsonl"

    def _read(self, path: epath.Path) -> records.Record:
        """Reads a record, and checks that its path is that of its unit."""
        try:
            text = run_files.read_text(path)
        except (OSError, ValueError) as error:
            raise records.RecordError(str(path), why_unreadable(error)) from error
        record = formats.record(text, str(path), self.kind)
        place = path.parent.name, *(_attempt_of(path.name) or ("", 0))
        if place != (*key_of(record.dataset, record.name), record.attempt):
            what = f"it is of {record.dataset}/{record.name}"
            raise records.RecordError(str(path), f"{what}, attempt {record.attempt}")
        return record

    def artifacts(self, dataset: str, name: str) -> epath.Path:
        """Returns the folder for pictures and other files of a unit."""
        folder, stem = key_of(dataset, name)
        return self.path / "artifacts" / folder / stem


def _attempt_of(name: str) -> tuple[str, int] | None:
    """Returns unit and attempt from a file name; None if no record has such a name.

    Before format 3 an evaluation or click maps had one file for each unit, `NAME.json`.
    """
    if name.endswith(".json"):
        return name.removesuffix(".json"), 1
    stem, _, attempt = name.removesuffix(".jsonl").rpartition(".")
    named = name.endswith(".jsonl") and attempt.isdecimal()
    return (stem, int(attempt)) if named else None


@functools.cache
def _say_once(text: str) -> None:
    print(text, file=sys.stderr)


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _owner(path: epath.Path) -> str:
    """Returns the hash of the run that a record names; empty if it names none."""
    try:
        return formats.owner(run_files.read_text(path))
    except (OSError, ValueError):
        return ""


def _info_of(described: Mapping[str, Any]) -> RunInfo:
    fields = {field.name for field in dataclasses.fields(RunInfo)}
    return RunInfo(**{key: described[key] for key in fields})


def _other_means(before: JsonObject, now: JsonObject) -> str:
    """Returns a note if the machine changed so that last bits can differ, else ""."""
    changed = [
        line
        for key in provenance.OF_LAST_BITS
        if key in before and key in now
        for line in identity.differences(before[key], now[key], key)
    ]
    if not changed:
        return ""
    return (
        f"other means: {', '.join(changed)}. Click maps may differ in their last bits, "
        "and with them a share of the clicks; what is finished stays as it is."
    )
