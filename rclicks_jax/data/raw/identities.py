"""Identities of images and objects: text of one form, whatever wrote the name.

File systems and spreadsheets write an accented letter as one or as two characters; both
are the same name. Numbers stay as they are written: `007` is not `7`.
"""

import os
import pathlib
import re
import unicodedata
from collections.abc import Iterable, Iterator

# What stands between a stem and what people add to it.
_JOINTS = r"_\-. "


def normal(text: str) -> str:
    """Returns the form in which names are compared: composed characters (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def forms(name: str) -> list[str]:
    """Returns a name as file systems may write it: composed and decomposed."""
    return list(dict.fromkeys((normal(name), unicodedata.normalize("NFD", name))))


def shown(name: str) -> str:
    r"""Returns a file name as text that can be written anywhere.

    Bytes that are not UTF-8 become `\xe9` and the like.
    """
    try:
        stored = os.fsencode(name)
    except UnicodeEncodeError:
        # No file can be called so, but a user can write it.
        stored = name.encode("utf-8", "backslashreplace")
    return normal(stored.decode("utf-8", "backslashreplace"))


def is_text(name: str) -> bool:
    """Tells whether a file name is UTF-8, as identities have to be."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def stem_of(path: pathlib.Path) -> str:
    """Returns the identity that a file gives: its name without the last suffix."""
    return shown(path.stem)


def is_file_name(name: str) -> bool:
    """Tells whether a name stays in the folder that it is put into."""
    return bool(name) and name not in (".", "..") and not {"/", "\0"} & set(name)


def meant(names: Iterable[str], stems: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Finds the stems that a table probably means by other names.

    Args:
        names: What is not there: perhaps a stem in another case, with blanks, folders
            or a suffix, or a number without its zeros.
        stems: That are there.

    Yields:
        Each name, and the stem; empty if there is none, or several.
    """
    by_bare: dict[str, set[str]] = {}
    for stem in stems:
        by_bare.setdefault(_bare(stem), set()).add(stem)
    for name in names:
        last = re.split(r"[/\\]", name)[-1]
        found: set[str] = set()
        for written in (last, pathlib.PurePath(last).stem):
            found = found or by_bare.get(_bare(written), set())
        yield name, min(found) if len(found) == 1 else ""


def _bare(name: str) -> str:
    return name.strip().casefold().lstrip("0")


def alike(stem: str, names: Iterable[str]) -> str:
    """Finds a file that was probably meant by a stem.

    Args:
        stem: What is missing.
        names: Of the files and folders that are there.

    Returns:
        Its name with the stem written as STEM, so that the same slip in many files
        reads alike: `STEM_mask.png`; empty if no name resembles the stem. Case does
        not count.
    """
    own_word = re.compile(
        rf"(?<![^{_JOINTS}]){re.escape(stem)}(?![^{_JOINTS}])", re.IGNORECASE
    )
    folded = stem.casefold()
    for name in names:
        found = own_word.search(name) if folded in name.casefold() else None
        if found is not None:
            return f"{name[: found.start()]}STEM{name[found.end() :]}"
    return ""
