"""Opens what `--data` names with the reader that understands it."""

import pathlib

from rclicks_jax import errors
from rclicks_jax.data import raw, specs
from rclicks_jax.data.raw import coco, folders, layouts, sample


def open_source(spec: specs.DataSpec) -> raw.RawSource:
    """Returns the reader of a dataset.

    Raises:
        DataError: The folder is not laid out as the dataset's must be.
    """
    if spec.kind == "sample":
        return sample.SampleSource()
    assert spec.folder is not None
    if spec.kind == "coco":
        assert spec.json_path is not None
        return coco.CocoSource(spec.name, spec.json_path, spec.folder)
    layout = layouts.LAYOUTS.get(spec.kind) or own_layout(spec.folder)
    return folders.FolderSource(spec.name, spec.folder, layout)


def own_layout(folder: pathlib.Path) -> layouts.Layout:
    """Returns the layout of a user's folder, from the folders it has.

    Raises:
        DataError: It has neither `masks/` nor `labels/` beside `images/`.
    """
    for layout in (layouts.BINARY_FOLDER, layouts.LABEL_FOLDER):
        if (folder / layout.images).is_dir() and (folder / layout.masks).is_dir():
            return layout
    raise errors.DataError(
        f"{folder} must have images/ and, with the same stems, masks/ (what is not 0 "
        "is the object; a folder of masks for several objects) or labels/ (each value "
        "but 0 is an object)."
    )
