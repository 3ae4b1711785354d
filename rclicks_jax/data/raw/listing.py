"""What a folder of images or masks holds: files by their identity, and what is left."""

import dataclasses
import os
import pathlib

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import identities

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
# What systems put into folders beside the user's files.
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
        files: Files of the kinds that are read, by identity, in order of their names;
            several where names differ in nothing but the suffix, or the way an
            accented letter is written.
        folders: Folders in it, by identity; several as for files.
        others: Names of files of other kinds.
        hidden: Names of hidden files and folders that no system is known to make.
    """

    folder: pathlib.Path
    files: dict[str, list[pathlib.Path]]
    folders: dict[str, list[pathlib.Path]]
    others: list[str]
    hidden: list[str]

    def notes(self, *, folders_are_read: bool) -> list[raw.Note]:
        """Says what is left out, by kind."""
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
        return [*notes, *(raw.Note(kind, each) for each in self.hidden)]


def is_junk(name: str) -> bool:
    """Tells whether a system made a file for itself, such as `._a.png`, `.DS_Store`."""
    return (
        name.startswith("._")
        or name in (".DS_Store", ".directory", ".ipynb_checkpoints", ".git")
        or name.startswith((".nfs", ".fuse_hidden", ".smbdelete", ".Trash"))
        or name.lower() in _JUNK
    )


def read(folder: pathlib.Path) -> Listing:
    """Lists a folder.

    Raises:
        DataError: It cannot be listed; the message says why.
    """
    found = Listing(folder, {}, {}, [], [])
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
            found.hidden.append(identities.shown(entry.name))
        elif _is_folder(entry):
            name = identities.shown(entry.name)
            found.folders.setdefault(name, []).append(path)
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            found.files.setdefault(identities.stem_of(path), []).append(path)
        else:
            found.others.append(identities.shown(entry.name))
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads in a circle is a file that cannot be read.
        return False


def names(paths: list[pathlib.Path]) -> str:
    """Writes the names of files as text."""
    return ", ".join(identities.shown(path.name) for path in paths)
