"""Opens datasets with the reader for their kind."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator

from rclicks_jax import errors
from rclicks_jax.data import raw, specs
from rclicks_jax.data.raw import coco, folders, layouts, sample


def open_source(spec: specs.DataSpec) -> raw.RawSource:
    """Returns the reader of a dataset.

    Raises:
        DataError: The folder does not have the layout of the dataset.
    """
    if spec.kind == "sample":
        return sample.SampleSource(spec.max_side)
    assert spec.folder is not None
    if spec.kind == "coco":
        assert spec.json_path is not None
        return coco.CocoSource(
            spec.name, spec.json_path, spec.folder, longest_side=spec.max_side
        )
    return folders.FolderSource(spec.name, spec.folder, layout_of(spec))


def layout_of(spec: specs.DataSpec) -> layouts.Layout:
    """Returns the layout of a folder, with the limit of the spec on image sides.

    Raises:
        DataError: A user's folder has neither masks nor labels.
    """
    assert spec.folder is not None
    layout = layouts.LAYOUTS.get(spec.kind) or own_layout(spec.folder)
    sides = [side for side in (layout.longest_side, spec.max_side) if side]
    if not spec.max_side:
        return layout
    # The published checksum is that of masks in full size.
    return dataclasses.replace(layout, longest_side=min(sides), masks_checksum="")


_PARTS = {
    name
    for layout in (layouts.BINARY_FOLDER, layouts.LABEL_FOLDER)
    for name in (layout.images, layout.masks)
}


def own_layout(folder: pathlib.Path) -> layouts.Layout:
    """Returns the layout of a user's folder, found from the folders in it.

    Raises:
        DataError: The folder does not have `images/` with `masks/` or `labels/`.
    """
    for layout in (layouts.BINARY_FOLDER, layouts.LABEL_FOLDER):
        if all(os.path.isdir(folder / part) for part in (layout.images, layout.masks)):
            return layout
    tables = sorted(path for path in folder.glob("*.json") if path.name[0] != ".")
    hint = f" COCO files are given as coco:{tables[0]},{folder}." if tables else ""
    above = folder.resolve().parent
    if (
        folder.resolve().name in _PARTS
        and (above / layouts.BINARY_FOLDER.images).is_dir()
    ):
        hint += f" Do you mean the folder above, {above}?"
    raise errors.DataError(
        f"{folder} must have images/ and, with the same stems, masks/ (what is not 0 "
        "is the object; a folder of masks for several objects) or labels/ (each value "
        f"but 0 is an object).{hint}"
    )


def files(spec: specs.DataSpec, source: raw.RawSource) -> Iterator[pathlib.Path]:
    """Yields every file that determines the content of a dataset, in a stable order.

    Missing files that would be read are among them.
    """
    if isinstance(source, folders.FolderSource | sample.SampleSource):
        yield from source.files()
    elif spec.folder is not None and spec.json_path is not None:
        yield spec.json_path
        yield from _below(spec.folder, set())


def _below(
    folder: pathlib.Path, entered: set[tuple[int, int]]
) -> Iterator[pathlib.Path]:
    """Yields the files below a folder; links to folders are followed, each once."""
    try:
        status = os.stat(folder)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        # For a folder that cannot be listed, its permissions determine the content.
        yield folder
        return
    if (status.st_dev, status.st_ino) in entered:
        return
    entered.add((status.st_dev, status.st_ino))
    for entry in entries:
        if os.path.isdir(entry.path):
            yield from _below(folder / entry.name, entered)
        else:
            yield folder / entry.name
