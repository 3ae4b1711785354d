"""Identities of images and objects as normalised text.

File systems and spreadsheets write an accented letter as one or as two characters; both
are the same name. Numbers stay as they are written: `007` is not `7`.
"""

import os
import pathlib
import re
import unicodedata
from collections.abc import Iterable, Iterator

# Characters between a stem and a suffix that people add to it.
_JOINTS = r"_\-. "


def normal(text: str) -> str:
    """Returns a name in the form for comparisons: composed characters (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def forms(name: str) -> list[str]:
    """Returns the forms of a name in file systems: composed and decomposed."""
    return list(dict.fromkeys((normal(name), unicodedata.normalize("NFD", name))))


def shown(name: str) -> str:
    r"""Returns a file name as text that can be written anywhere.

    Bytes that are not UTF-8 become `\xe9` and the like.
    """
    try:
        stored = os.fsencode(name)
    except UnicodeEncodeError:
        # No file can have this name, but a user can type it.
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
    """Returns the identity from a file's name: the name without the last suffix."""
    return shown(path.stem)


def is_file_name(name: str) -> bool:
    """Tells whether a name is a file name, which cannot lead out of its folder."""
    return bool(name) and name not in (".", "..") and not {"/", "\0"} & set(name)


def meant(names: Iterable[str], stems: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Finds the stems that a table probably means by unknown names.

    Args:
        names: Unknown names: perhaps a stem in another case, with blanks, folders or a
            suffix, or a number without its zeros.
        stems: The known stems.

    Yields:
        Each name, and the stem; empty if no stem or several are similar.
    """
    by_bare: dict[str, set[str]] = {}
    for stem in stems:
        by_bare.setdefault(_bare(stem), set()).add(stem)
    for name in names:
        last = re.split(r"[/\\]", name)[-1]
        matches: set[str] = set()
        for written in (last, pathlib.PurePath(last).stem):
            matches = matches or by_bare.get(_bare(written), set())
        yield name, min(matches) if len(matches) == 1 else ""


def _bare(name: str) -> str:
    return name.strip().casefold().lstrip("0")


def alike(stem: str, names: Iterable[str]) -> str:
    """Finds a file that was probably meant for a stem; case does not matter.

    Args:
        stem: The stem without a file.
        names: Names of the existing files and folders.

    Returns:
        Its name with STEM in place of the stem, so that the same slip gives the same
        text for many files: `STEM_mask.png`; empty if no name resembles the stem.
    """
    own_word = re.compile(
        rf"(?<![^{_JOINTS}]){re.escape(stem)}(?![^{_JOINTS}])", re.IGNORECASE
    )
    folded = stem.casefold()
    for name in names:
        match = own_word.search(name) if folded in name.casefold() else None
        if match is not None:
            return f"{name[: match.start()]}STEM{name[match.end() :]}"
    return ""
