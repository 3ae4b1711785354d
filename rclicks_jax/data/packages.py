"""Packaged datasets: built once from raw files into a cache, then read at random.

The builders of `rclicks_jax.datasets` write array_record files with TFDS, without
TensorFlow. Beside them lies `index.json`: which image is where, what could not be
used, and a checksum of everything.
"""

import contextlib
import dataclasses
import hashlib
import importlib
import io
import json
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import tqdm

from rclicks_jax import errors, files, hosts
from rclicks_jax.data import packaging, raw, specs
from rclicks_jax.data.raw import clicks_csv, layouts, sources

Kind = Literal["instances", "clicks"]
INDEX_NAME = "index.json"
_FORMAT = 4
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
    """

    split: str
    position: int
    name: str
    instance_ids: tuple[str, ...]
    click_type: str
    input_device: str
    problem: str


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
        """Opens what `prepare` built in `folder`."""
        index = json.loads((folder / INDEX_NAME).read_text())
        self.dataset = dataset
        self.checksum: str = index["checksum"]
        self.notes: list[str] = index["notes"]
        self.rows = [
            Row(**{**row, "instance_ids": tuple(row["instance_ids"])})
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
        if row.split not in self._sources:
            self._sources[row.split] = _open_split(self._folder, row.split)
        features = self._sources[row.split][row.position]
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
    """Packages photographs and, where there are any, clicks; says what came of it."""
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
        yield from (f"{spec.name}: {note}" for note in package.notes)


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
    parent = (cache or hosts.cache_dir()) / "data"
    root = parent / f"{spec.name}-{fingerprint(spec)}"
    builder = _builder(kind, spec, root)
    folder = pathlib.Path(builder.data_dir)
    if (folder / INDEX_NAME).exists():
        return folder
    try:
        with hosts.exclusive(root):
            if not (folder / INDEX_NAME).exists():
                _build(builder, kind, spec)
                _write_index(kind, spec, folder, builder)
    except OSError as error:
        raise errors.DataError(
            f"{spec.name} cannot be packaged in {root}: {files.explain(error)} "
            f"${hosts.CACHE_VARIABLE} names another folder for the cache."
        ) from error
    return folder


def fingerprint(spec: specs.DataSpec) -> str:
    """Returns a hash of names, sizes and times of every file a dataset is made of."""
    digest = hashlib.sha256(f"{_FORMAT}/{spec.kind}/{spec.name}".encode())
    for path in _files(spec):
        stat = path.stat()
        described = f"{path.resolve()}/{stat.st_size}/{stat.st_mtime_ns}\n"
        digest.update(described.encode())
    if spec.kind == "sample":
        for path in _sample_files():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sample_files() -> Iterator[pathlib.Path]:
    """Yields the outlines, and the code that synthetic clicks and masks follow from."""
    for name in ("raw.sample", "distortions", "synthetic_clicks"):
        module = importlib.import_module(f"rclicks_jax.data.{name}")
        yield pathlib.Path(module.__file__ or "")
    package = importlib.import_module("rclicks_jax.datasets.sample")
    yield from sorted(pathlib.Path(package.__path__[0]).glob("*.json"))


def _files(spec: specs.DataSpec) -> Iterator[pathlib.Path]:
    if spec.folder is None:
        return
    if spec.json_path is not None:
        yield spec.json_path
    yield from sorted(path for path in spec.folder.rglob("*") if path.is_file())
    above = spec.folder.resolve().parent
    lists = (*above.glob("*.csv"), *above.glob("*_train.txt"), *above.glob("*_val.txt"))
    yield from sorted(lists)
    yield from sorted(above.glob("SUBSEC_MASKS/**/*.png"))


def _builder(kind: Kind, spec: specs.DataSpec, root: pathlib.Path) -> Any:
    name = f"rclicks_{kind}"
    module = importlib.import_module(
        f"rclicks_jax.datasets.{name}.{name}_dataset_builder"
    )
    config = spec.kind
    if spec.json_path is not None:
        common = importlib.import_module("rclicks_jax.datasets.common")
        config = common.Config(
            name=f"coco_{spec.name}", kind="coco", json_path=str(spec.json_path)
        )
    return module.Builder(config=config, data_dir=str(root), file_format="array_record")


def _build(builder: Any, kind: Kind, spec: specs.DataSpec) -> None:
    # TFDS takes seconds to import.
    import tensorflow_datasets as tfds

    where = f"Packaging {spec.name} ({kind}) into {builder.data_dir}"
    print(where, file=sys.stderr, flush=True)
    manual_dir = str(spec.folder) if spec.folder else None
    download_config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    # The builders show their own progress, by image.
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):
        builder.download_and_prepare(download_config=download_config)


def _write_index(
    kind: Kind, spec: specs.DataSpec, folder: pathlib.Path, builder: Any
) -> None:
    """Reads the whole package once for its index and its checksums."""
    rows: list[dict[str, Any]] = []
    objects: list[tuple[str, str]] = []
    # Several tasks share an image and what is noted of it.
    noted: dict[raw.Note, None] = {}
    digest = hashlib.sha256()
    for split in sorted(builder.info.splits):
        source = _open_split(folder, split)
        for position in tqdm.trange(len(source), desc=f"Checking {split}", leave=False):
            features = source[position]
            packaging.update_digest(digest, features)
            rows.append(packaging.index_row(features, kind, split, position))
            objects += packaging.mask_digests(features)
            noted |= dict.fromkeys(packaging.notes_of(features))
    layout = layouts.LAYOUTS.get(spec.kind)
    source = sources.open_source(spec)
    notes = raw.describe([*source.notes, *noted])
    if layout is not None and kind == "instances":
        images = sum(not row["problem"] for row in rows)
        notes += layout.judge(images, len(objects), layouts.joint_digest(objects))
    if kind == "clicks":
        recorded = getattr(source, "clicks", {})
        notes += clicks_csv.notes_of(recorded[row["name"]] for row in rows if recorded)
    index = {
        "format": _FORMAT,
        "checksum": digest.hexdigest(),
        "notes": notes,
        "rows": rows,
    }
    files.write_atomically(folder / INDEX_NAME, json.dumps(index))


def notes(opened: Iterable[Package]) -> list[str]:
    """Returns what packages note, and prints it to stderr."""
    noted = [f"{one.dataset}: {note}" for one in opened for note in one.notes]
    for note in noted:
        print(f"note: {note}", file=sys.stderr)
    return noted


def _open_split(folder: pathlib.Path, split: str) -> Sequence[Any]:
    """Opens one split for reading at random; photographs stay encoded."""
    import tensorflow_datasets as tfds

    builder: Any = tfds.builder_from_directory(str(folder))
    skip = {"image": tfds.decode.SkipDecoding()}
    return builder.as_data_source(split=split, decoders=skip)
