"""Lists a folder of images or masks: files by identity, folders and other files."""

import dataclasses
import os
import pathlib

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import identities

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
# Files and folders that operating systems make.
_JUNK = {
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "@eadir",
    "#recycle",
    "__macosx",
    "lost+found",
    "$recycle.bin",
    "system volume information",
}


@dataclasses.dataclass(frozen=True)
class Listing:
    """The content of a folder.

    Attributes:
        folder: The folder.
        files: Files of the kinds that are read, by identity, in order of their names.
            Several have one identity if their names differ only in the suffix or in the
            way an accented letter is written.
        folders: Folders in the folder, by identity; several as for files.
        others: Names of files of other kinds.
        hidden: Names of hidden files and folders, except those of operating systems.
    """

    folder: pathlib.Path
    files: dict[str, list[pathlib.Path]]
    folders: dict[str, list[pathlib.Path]]
    others: list[str]
    hidden: list[str]

    def notes(self, *, folders_are_read: bool) -> list[raw.Note]:
        """Returns notes on all that is left out."""
        name = self.folder.name
        notes = []
        for other in self.others:
            suffix = pathlib.PurePath(other).suffix.lower()
            ending = f"files that end in {suffix}" if suffix else "files without suffix"
            known = ", ".join(sorted(IMAGE_SUFFIXES))
            kind = f"{name}/ has {ending}, which are not read ({known} are)"
            notes.append(raw.Note(kind, other))
        if not folders_are_read:
            kind = f"{name}/ has folders, which are not looked into"
            notes += [raw.Note(kind, inside) for inside in self.folders]
        kind = f"{name}/ has hidden files, which are not read"
        return [*notes, *(raw.Note(kind, hidden) for hidden in self.hidden)]


def is_junk(name: str) -> bool:
    """Tells whether a file is the operating system's, such as `._a.png`."""
    return (
        name.startswith("._")
        or name in (".DS_Store", ".directory", ".ipynb_checkpoints", ".git")
        or name.startswith((".nfs", ".fuse_hidden", ".smbdelete", ".Trash"))
        or name.lower() in _JUNK
    )


def read(folder: pathlib.Path) -> Listing:
    """Lists a folder.

    Raises:
        DataError: The folder cannot be listed; the message says why.
    """
    content = Listing(folder, {}, {}, [], [])
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise errors.DataError(
            f"{folder} cannot be listed: {error.strerror or error}."
        ) from error
    for entry in entries:
        path = folder / entry.name
        if is_junk(entry.name):
            continue
        if entry.name.startswith("."):
            content.hidden.append(identities.shown(entry.name))
        elif _is_folder(entry):
            name = identities.shown(entry.name)
            content.folders.setdefault(name, []).append(path)
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            content.files.setdefault(identities.stem_of(path), []).append(path)
        else:
            content.others.append(identities.shown(entry.name))
    return content


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link in a circle counts as a file, which then cannot be read.
        return False


def names(paths: list[pathlib.Path]) -> str:
    """Returns the names of files as text."""
    return ", ".join(identities.shown(path.name) for path in paths)
