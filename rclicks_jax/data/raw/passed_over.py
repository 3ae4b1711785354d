"""Notes on files of a dataset's folder that look as if they were read, but are not."""

import os
import pathlib
import re
from collections.abc import Iterator

from rclicks_jax.data import raw
from rclicks_jax.data.raw import identities, layouts

_READ = {"clicks.csv", "previews.csv", "train.txt", "val.txt"}
# Names that people give to files of lists and tables, in lower case.
_LIST = re.compile(
    r"(train|training|val|valid|validation)(\.(txt|lst|list|csv|json))*|"
    r"(clicks|previews)\.(csv|tsv|txt|xlsx?|ods|json|csv\.txt)"
)
_LISTS = (
    "files look like lists or tables but are not read (train.txt, val.txt, clicks.csv "
    "and previews.csv are)"
)


def notes(
    name: str, folder: pathlib.Path, layout: layouts.Layout
) -> Iterator[raw.Note]:
    """Yields notes on files and folders that a user may expect to be read.

    Args:
        name: Name of the dataset.
        folder: Folder of the dataset.
        layout: Layout of the dataset.
    """
    own = layouts.BINARY_FOLDER.masks, layouts.LABEL_FOLDER.masks
    for masks in own if layout.own else ():
        if masks != layout.masks and os.path.isdir(folder / masks):
            kind = f"{layout.masks}/ is read, and {masks}/ beside it is not"
            yield raw.Note(kind, f"{masks}/")
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return  # Listing the images reports the missing folder.
    for entry in entries:
        plain = entry.name.casefold().removeprefix(f"{name}_".casefold())
        is_read = entry.name.removeprefix(f"{name}_") in _READ
        if _LIST.fullmatch(plain) and not is_read and not os.path.isdir(entry.path):
            yield raw.Note(_LISTS, identities.shown(entry.name))
