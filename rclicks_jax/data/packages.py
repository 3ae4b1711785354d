"""Packaged datasets: built once from raw files into a cache, then read at random.

The builders of `rclicks_jax.datasets` write array_record files with TFDS, without
TensorFlow. Beside them lies `index.json`: which image is where, what could not be
used, and a checksum of everything.
"""

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import importlib
import io
import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from rclicks_jax import cache as user_cache
from rclicks_jax import distributed, errors, files
from rclicks_jax.data import package_index, packaging, raw, specs, split_files
from rclicks_jax.data.package_index import INDEX_NAME as INDEX_NAME
from rclicks_jax.data.raw import clicks_csv, layouts, sources
from rclicks_jax.data.readers import fingerprint as fingerprint

Kind = Literal["instances", "clicks"]
# Of the builders; part of the folder that TFDS makes.
_BUILDERS_VERSION = "1.0.0"
# Bytes of a dataset's name in the name of its package, which file systems limit.
_LONGEST_NAME = 100
_DECODE: dict[Kind, Callable[[Any, str], Any]] = {
    "instances": packaging.image_example,
    "clicks": packaging.click_example,
}


@dataclasses.dataclass(frozen=True)
class Row:
    """Where one packaged example lies and what is in it.

    Attributes:
        split: Of the package.
        position: In the split.
        name: Image id or click set id.
        instance_ids: Of all its objects, usable or not; empty for click tasks.
        click_type: `first`, `fn` or `fp`; empty for images.
        input_device: What made the clicks of a task; empty for images.
        problem: Why it cannot be used; empty if it can.
        problems: The same of each of its objects, or of the task.
    """

    split: str
    position: int
    name: str
    instance_ids: tuple[str, ...]
    click_type: str
    input_device: str
    problem: str
    problems: tuple[str, ...]


class Package:
    """A packaged dataset, read at random.

    Attributes:
        dataset: Name of the dataset.
        rows: Every example, in a stable order.
        checksum: SHA-256 of all that is packaged.
        notes: What a user should know of the data, in words: what the readers decided
            or left out, in what it differs from what was published, and clicks that
            lie off their photograph.
    """

    def __init__(self, kind: Kind, dataset: str, folder: pathlib.Path) -> None:
        """Opens what `prepare` built in `folder`.

        Raises:
            DataError: It is no package.
        """
        index = package_index.read(folder)
        if index is None:
            raise errors.DataError(f"{folder} is no whole package: package it again.")
        self.dataset = dataset
        self.checksum: str = index["checksum"]
        self.notes: list[str] = index["notes"]
        self.rows = [
            Row(
                **{
                    **row,
                    "instance_ids": tuple(row["instance_ids"]),
                    "problems": tuple(row["problems"]),
                }
            )
            for row in index["rows"]
        ]
        self._kind: Kind = kind
        self._folder = folder
        self._sources: dict[str, Any] = {}

    def select(self, split: str) -> list[Row]:
        """Returns the rows of a split, of `all` splits, or of what is `held_out`.

        Raises:
            BadValueError: The package has no such split.
        """
        known = sorted({row.split for row in self.rows})
        splits = raw.splits_of(self.dataset, known, split)
        return [row for row in self.rows if row.split in splits]

    def read(self, row: Row) -> Any:
        """Returns the example of a row: `ImageExample` or `ClickExample`.

        Raises:
            DataError: It cannot be used; the message says why.
        """
        try:
            if row.split not in self._sources:
                self._sources[row.split] = split_files.open_split(
                    self._folder, row.split
                )
            features = self._sources[row.split][row.position]
        except MemoryError:
            raise
        except Exception as error:
            # TFDS and array_record raise whatever they meet.
            raise errors.DataError(
                f"the package in {self._folder} is damaged ({error}). Remove that "
                "folder: it is made again"
            ) from error
        return _DECODE[self._kind](features, self.dataset)

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out open files, so that a package can go to another process."""
        return {**self.__dict__, "_sources": {}}


def open_instances(spec: specs.DataSpec) -> Package:
    """Opens the photographs and objects of a dataset, packaging them on first use."""
    return _open("instances", spec)


def open_clicks(spec: specs.DataSpec) -> Package:
    """Opens the click tasks of a dataset, packaging them on first use.

    Raises:
        DataError: The dataset has no clicks.
    """
    return _open("clicks", spec)


def _open(kind: Kind, spec: specs.DataSpec) -> Package:
    return Package(kind, spec.name, prepare(kind, spec))


def prepare_all(spec: specs.DataSpec) -> Iterator[str]:
    """Packages photographs and, where there are any, clicks; says what came of it.

    Raises:
        DataError: It cannot be packaged, or has no object that can be used.
    """
    kinds: list[Kind] = ["instances"]
    if sources.open_source(spec).has_clicks:
        kinds.append("clicks")
    for kind in kinds:
        package = _open(kind, spec)
        broken = sum(bool(row.problem) for row in package.rows)
        yield (
            f"{spec.name} {kind}: {len(package.rows)} packaged, {broken} of them "
            f"unusable; checksum {package.checksum[:12]}"
        )
        if kind == "instances":
            yield f"{spec.name}: {count(package.rows).text()}"
        yield from (f"{spec.name}: {note}" for note in package.notes)
        require_usable(spec.name, package.rows)


def count(rows: Iterable[Row]) -> raw.Counts:
    """Counts the objects of packaged images, or tasks, by what becomes of them."""
    return raw.count(row.problems for row in rows)


def require_usable(dataset: str, rows: Sequence[Row]) -> None:
    """Makes sure that something can be used.

    Args:
        dataset: What an error calls it.
        rows: What is to be worked on.

    Raises:
        DataError: Nothing can.
    """
    counts = count(rows)
    if not counts.ok:
        first = next((each for row in rows for each in row.problems), "no image")
        raise errors.DataError(
            f"{dataset} has nothing that can be used: {counts.text()}; the first "
            f"problem: {first}. rclicks-data doctor lists all."
        )


def prepare(
    kind: Kind, spec: specs.DataSpec, cache: pathlib.Path | None = None
) -> pathlib.Path:
    """Packages a dataset unless the cache has it as it is now; returns the folder.

    A changed, added or removed file makes another package; nothing is overwritten.

    Args:
        kind: What to package.
        spec: The dataset.
        cache: Where packages are kept; the user's cache if None.

    Raises:
        DataError: The dataset's folders are not as they must be.
    """
    source = sources.open_source(spec)
    if kind == "clicks" and not source.has_clicks:
        raise errors.DataError(
            f"{spec.name} has no clicks: no clicks.csv with rows for it is in "
            f"{spec.folder} or the folder above."
        )
    key = fingerprint(spec, source)
    root = (cache or user_cache.cache_dir()) / "data" / _root_name(spec, key)
    folder = root / f"rclicks_{kind}" / _config_name(spec) / _BUILDERS_VERSION
    if package_index.read(folder) is not None:
        return folder
    try:
        with user_cache.exclusive(root):
            if package_index.read(folder) is None:
                _make(kind, spec, key, folder)
    except OSError as error:
        raise errors.DataError(
            f"{spec.name} cannot be packaged in {root}: {files.explain(error)} "
            f"${user_cache.VARIABLE} names another folder for the cache."
        ) from error
    return folder


def _root_name(spec: specs.DataSpec, key: str) -> str:
    name = spec.name.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{name}-max{spec.max_side}-{key}" if spec.max_side else f"{name}-{key}"


def _config_name(spec: specs.DataSpec) -> str:
    """Returns what TFDS calls the configuration: the kind, where that says all."""
    name = "coco_file" if spec.json_path is not None else spec.kind
    return f"{name}_max{spec.max_side}" if spec.max_side else name


def _make(kind: Kind, spec: specs.DataSpec, key: str, folder: pathlib.Path) -> None:
    """Packages a dataset; what a killed process left is thrown away first.

    Raises:
        DataError: The dataset changed meanwhile.
    """
    _sweep(folder.parents[3], own=folder.parents[2])
    if folder.exists():
        shutil.rmtree(folder)
    builder = _builder(kind, spec, folder.parents[2])
    assert pathlib.Path(builder.data_dir) == folder
    _build(builder, kind, spec)
    index = _described(kind, spec, folder, builder)
    if fingerprint(spec) != key:
        shutil.rmtree(folder)
        raise errors.DataError(
            f"{spec.name} changed while it was packaged. Run again when nothing writes "
            f"into {spec.folder}."
        )
    package_index.write(folder, index)


def _sweep(parent: pathlib.Path, own: pathlib.Path) -> None:
    """Removes what killed processes left half packaged.

    Args:
        parent: The folder of all packages.
        own: The package that this process holds the lock of.
    """
    for left in parent.glob("*/rclicks_*/*/incomplete.*"):
        root = left.parents[2]
        if root == own:
            shutil.rmtree(left, ignore_errors=True)
            continue
        # Not emptied: it says who holds it, for those who wait.
        with (
            contextlib.suppress(OSError),
            (root / user_cache.LOCK_NAME).open("ab") as lock,
        ):
            # One that is being packaged is locked.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)


def _builder(kind: Kind, spec: specs.DataSpec, root: pathlib.Path) -> Any:
    name = f"rclicks_{kind}"
    place = f"rclicks_jax.datasets.{name}.{name}_dataset_builder"
    module = importlib.import_module(place)
    config = _config_name(spec)
    if config not in specs.KINDS:
        common = importlib.import_module("rclicks_jax.datasets.common")
        config = common.Config(
            name=config,
            kind=spec.kind,
            json_path=str(spec.json_path or ""),
            max_side=spec.max_side,
        )
    return module.Builder(config=config, data_dir=str(root), file_format="array_record")


def _build(builder: Any, kind: Kind, spec: specs.DataSpec) -> None:
    # TFDS takes seconds to import.
    import tensorflow_datasets as tfds

    where = f"Packaging {spec.name} ({kind}) into {builder.data_dir}"
    print(errors.printable(where), file=sys.stderr, flush=True)
    manual_dir = str(spec.folder) if spec.folder else None
    download_config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    # The builders show their own progress, by image.
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            builder.download_and_prepare(download_config=download_config)
        except (RuntimeError, OSError) as error:
            # What array_record and TFDS say of a disk that is full is text alone.
            said = str(error)
            known = [n for n in errno.errorcode if os.strerror(n) in said]
            if isinstance(error, OSError) and "Not enough disk space" in said:
                known, said = [errno.ENOSPC], os.strerror(errno.ENOSPC)
            if not known or getattr(error, "errno", None):
                raise
            raise OSError(known[0], said) from error


def _described(
    kind: Kind, spec: specs.DataSpec, folder: pathlib.Path, builder: Any
) -> dict[str, Any]:
    """Reads the whole package once for its index and its checksums."""
    rows: list[dict[str, Any]] = []
    objects: list[tuple[str, str]] = []
    # Several tasks share an image and what is noted of it.
    noted: dict[raw.Note, None] = {}
    digest = hashlib.sha256()
    for split, position, encoded in split_files.read_back(
        folder, sorted(builder.info.splits)
    ):
        features = packaging.with_masks(encoded)
        packaging.update_digest(digest, features)
        rows.append(packaging.index_row(features, kind, split, position))
        objects += packaging.mask_digests(features)
        noted |= dict.fromkeys(packaging.notes_of(features))
    source = sources.open_source(spec)
    notes = raw.describe([*source.notes, *noted])
    if spec.kind in layouts.LAYOUTS and kind == "instances":
        layout = sources.layout_of(spec)
        images = sum(not row["problem"] for row in rows)
        notes += layout.judge(images, len(objects), layouts.joint_digest(objects))
    if kind == "clicks":
        recorded = getattr(source, "clicks", {})
        notes += clicks_csv.notes_of(recorded[row["name"]] for row in rows if recorded)
    return {
        "checksum": digest.hexdigest(),
        "notes": notes,
        "rows": rows,
    }


def notes(opened: Iterable[Package]) -> list[str]:
    """Returns what packages note; the first process prints it to stderr."""
    return say([f"{one.dataset}: {note}" for one in opened for note in one.notes])


def say(noted: list[str]) -> list[str]:
    """Returns notes; the first process prints them to stderr."""
    for note in noted if distributed.is_first() else ():
        print(f"note: {errors.printable(note)}", file=sys.stderr)
    return noted
