"""A run folder: what was asked, and a file for each attempt at a unit of work.

    run.json                              which job, its identity and provenance
    records/DATASET/NAME.ATTEMPT.jsonl    what became of a unit; whole or not at all
    artifacts/DATASET/NAME/...            pictures and other files of a unit
    attempts/...                          the command of each start
    tables/, report.html                  made of the above, and made again at will

Nothing is deleted. A folder of another identity is refused, and so are records of
another run: each says whose it is.
"""

import contextlib
import dataclasses
import functools
import json
import pathlib
import sys
import time
from collections.abc import Collection, Iterator
from typing import Any

from etils import epath

from rclicks_jax import cache, errors, files
from rclicks_jax.files import remove_leftovers, why_unreadable
from rclicks_jax.jobs import formats, identity, provenance, records, run_files

# Names and whole files are used with every folder.
from rclicks_jax.jobs.run_files import file_name as file_name

RUN_NAME = "run.json"
# A process that starts at the same moment may still be writing `run.json`.
_READS, _PAUSE_SECONDS = 20, 0.1


@dataclasses.dataclass(frozen=True)
class RunInfo:
    """What `run.json` says.

    Attributes:
        kind: The job.
        format: In which it was started.
        hash: Of the run; its records say it.
        identity: JSON values; `identity.from_json` makes the job's dataclass of them.
        provenance: JSON values of `provenance.Provenance`.
    """

    kind: str
    format: int
    hash: str
    identity: dict[str, Any]
    provenance: dict[str, Any]


def key_of(dataset: str, name: str) -> tuple[str, str]:
    """Returns what files of a unit are called."""
    return file_name(dataset), file_name(name)


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
        kind: str,
        values: Any,
        noted: provenance.Provenance,
        *,
        mendable: Collection[str] = (),
    ) -> None:
        """Starts the run, or makes sure that it is the one that was started here.

        Of several processes that start at once, one does; the others compare.

        Args:
            kind: The job.
            values: Its identity, a dataclass of all that can change a number.
            noted: What is good to know.
            mendable: Fields of the identity that may change while nothing is `ok`: an
                adapter that failed everywhere is mended, and the same folder goes on.

        Raises:
            RunFolderError: The folder holds another run, or cannot be written.
        """
        now = identity.to_json(values)
        described = {
            "format": formats.RUN,
            "kind": kind,
            "hash": identity.hash_of({"kind": kind, **now}),
            "identity": now,
            "provenance": dataclasses.asdict(noted),
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
            # Of several that were mended and start at once, one takes the place.
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
            lines = ", ".join(line for found in changed.values() for line in found)
            raise errors.RunFolderError(
                f"{self.path} holds a run of something else: {lines}. Take another "
                "folder, or the same settings, data and weights."
            )
        self._started = before
        if "://" not in str(self.path):
            remove_leftovers(pathlib.Path(self.path))
        if means := _other_means(before.provenance, described["provenance"]):
            print(f"note: {self.path} goes on with {means}", file=sys.stderr)

    def _changes(self, before: RunInfo, values: Any) -> dict[str, list[str]]:
        now = identity.to_json(values)
        return identity.changes(type(values), before.identity, now, str(self.path))

    def _is_in_vain(self, before: RunInfo) -> bool:
        """Tells whether the run here has tried something, and nothing was ok.

        One without any record may have been started a moment ago.
        """
        known = ("", before.hash)
        tried = any(_owner(path) in known for path in self.record_files())
        return tried and not self.has_results()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other processes from starting a run here; a bucket has no locks."""
        if "://" in str(self.path):
            yield
            return
        with cache.exclusive(pathlib.Path(self.path)):
            yield

    def _begun(self) -> RunInfo:
        """Returns `run.json` of a process that may be writing it at this moment."""
        for _ in range(_READS):
            try:
                return self.info()
            except errors.RunFolderError:
                time.sleep(_PAUSE_SECONDS)
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

    def info(self) -> RunInfo:
        """Returns the content of `run.json`.

        Raises:
            RunFolderError: There is none, it is broken, or of a later release.
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
        """The run of this folder: what `begin` found, whatever becomes of the file."""
        return self.info() if self.exists() else None

    @property
    def run(self) -> str:
        """The hash of the run that was started here; empty if none was."""
        return self._started.hash if self._started else ""

    @property
    def kind(self) -> str:
        """The job whose run was started here; empty if none was."""
        return self._started.kind if self._started else ""

    def write(self, record: records.Record) -> None:
        """Writes the record of an attempt at a unit.

        Raises:
            RunFolderError: It cannot be written.
        """
        path = self._record_path(record.dataset, record.name, record.attempt)
        owned = dataclasses.replace(record, run=self.run)
        files.write_output(path, records.to_lines(owned, self.kind).encode())

    def read_all(self) -> Iterator[records.Record]:
        """Yields the newest record of every unit, ordered by dataset and name.

        A record of another run without results is left out: before an adapter was
        mended, all there was failed.

        Raises:
            RecordError: A record is damaged, or of another run.
        """
        for _, (_, path) in sorted(self.newest().items()):
            record = self._read(path)
            if self._owns(record, str(path), strict=record.has_results):
                yield record

    def has_results(self) -> bool:
        """Tells whether an object of any record is `ok`, whichever run it is of.

        Records that are damaged say nothing.
        """
        for _, path in self.newest().values():
            with contextlib.suppress(records.RecordError):
                if self._read(path).has_results:
                    return True
        return False

    def read(self, path: epath.Path) -> records.Record:
        """Reads a record that `newest` named.

        Raises:
            RecordError: It is damaged, or of another run.
        """
        record = self._read(path)
        self._owns(record, str(path), strict=True)
        return record

    def _owns(self, record: records.Record, name: str, *, strict: bool) -> bool:
        """Tells whether a record is of the run that was started here.

        Raises:
            RecordError: It is of another run, and that is an error.
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
        """Returns the files of records; others that lie there are none."""
        place = self.path / "records"
        if not place.exists():
            return []
        return sorted(
            path
            for of_dataset in place.iterdir()
            # No id has a name that begins with a dot, as those of file managers do.
            if not of_dataset.name.startswith(".") and of_dataset.is_dir()
            for path in of_dataset.iterdir()
            if not path.name.startswith(".") and _attempt_of(path.name)
        )

    def newest(self) -> dict[tuple[str, str], tuple[int, epath.Path]]:
        """Returns number and file of each unit's last attempt, by `key_of` the unit."""
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
        """Reads a record, and makes sure that it lies where its unit belongs."""
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
        """Returns the folder that files of a unit belong in."""
        folder, stem = key_of(dataset, name)
        return self.path / "artifacts" / folder / stem


def _attempt_of(name: str) -> tuple[str, int] | None:
    """Returns unit and attempt of the name of a record's file; None if it is none.

    Before format 3 evaluations and click maps had one record a unit, `NAME.json`.
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
    """Returns the run that a record of any job says it is of; empty if none."""
    try:
        return formats.owner(run_files.read_text(path))
    except (OSError, ValueError):
        return ""


def _info_of(described: dict[str, Any]) -> RunInfo:
    fields = {field.name for field in dataclasses.fields(RunInfo)}
    return RunInfo(**{key: described[key] for key in fields})


def _other_means(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Says so if a run goes on where last bits of numbers can differ; else empty."""
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
