"""Reads the lists of photographs for training and for validation."""

import pathlib
import re
from collections.abc import Collection, Iterable, Mapping

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import files, identities, listing, texts

_LINE_END = re.compile(r"\r\n|\r|\n")
# Number of photographs that an error names.
_SHOWN = 5


def splits(
    stems: Collection[str], paths: Mapping[str, pathlib.Path]
) -> tuple[dict[str, str], list[raw.Note]]:
    """Returns the split of each photograph, and notes on names without a photograph.

    A line is a stem. If there is no such stem, folder and suffix are left out:
    `images/a.jpg` means `a`. Empty lines and lines that begin with `#` do not count.

    Args:
        stems: Stems of the photographs.
        paths: Path of the list, by split.

    Raises:
        DataError: A list is not text, or two name the same photograph.
    """
    listed: dict[str, str] = {}
    notes = []
    known = set(stems)
    folded = {stem.casefold() for stem in known}
    twice = []
    for split, path in paths.items():
        entries = list(_entries(path))
        if all(e.startswith("#") and _match(e, known) is None for e in entries):
            notes.append(raw.Note("lists are empty", path.name))
        for entry in entries:
            stem = _match(entry, known)
            if stem is None:
                if entry.startswith("#"):
                    continue
                kind = f"{path.name} names photographs that are not there"
                if entry.casefold() in folded:
                    kind += " but in another case"
                notes.append(raw.Note(kind, entry))
            elif listed.setdefault(stem, split) != split:
                twice.append(stem)
    if twice:
        raise errors.DataError(
            f"{' and '.join(map(str, paths.values()))} both name "
            f"{errors.few(twice, _SHOWN)}. A photograph is in one split only: "
            "take it out of one list."
        )
    return {stem: listed.get(stem, raw.UNLISTED) for stem in stems}, notes


def _entries(path: pathlib.Path) -> Iterable[str]:
    text = texts.decode(files.read(path), str(path))
    # Concatenated files have byte order marks inside.
    lines = (line.replace("\ufeff", "").strip() for line in _LINE_END.split(text))
    return dict.fromkeys(identities.normal(line) for line in lines if line)


def _match(entry: str, known: Collection[str]) -> str | None:
    last = re.split(r"[/\\]", entry)[-1]
    for name in (entry, last):
        path = pathlib.PurePath(name)
        for stem in (name, path.stem if _has_suffix(path) else name):
            if stem in known:
                return stem
    return None


def _has_suffix(path: pathlib.PurePath) -> bool:
    """Tells whether a name ends as images do; `a.b` may be a stem with a point."""
    return path.suffix.lower() in listing.IMAGE_SUFFIXES
