"""Descriptions of objects for the display mode Text_Description: `descriptions.csv`.

Columns: `object` (the full stem of its first clicks), `language`, `text`.
"""

import csv
import io
import pathlib
from collections.abc import Iterable, Mapping

from rclicks_jax import errors, files

FILE = "descriptions.csv"
_COLUMNS = ("object", "language", "text")
_MOST = 300


def read(folder: pathlib.Path) -> dict[str, dict[str, str]]:
    """Reads the descriptions of a study: texts by language, by object.

    Rows without a text are left out.

    Raises:
        DataError: The file is no such table, or a text is too long.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        text = path.read_text("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise errors.DataError(
            f"{path} cannot be read: {errors.reason(error)}"
        ) from error
    found: dict[str, dict[str, str]] = {}
    for line, row in enumerate(rows, start=2):
        if not set(_COLUMNS) <= set(row) or None in row.values():
            raise errors.DataError(
                f"{path}, line {line}: it must have {', '.join(_COLUMNS)}."
            )
        name, language, described = (row[key].strip() for key in _COLUMNS)
        if len(described) > _MOST or not described.isprintable():
            raise errors.DataError(
                f"{path}, line {line}: a text has at most {_MOST} characters, in one "
                "line."
            )
        if described:
            found.setdefault(name, {})[language] = described
    return found


def write(
    folder: pathlib.Path,
    names: Iterable[str],
    languages: Iterable[str],
    known: Mapping[str, str],
) -> pathlib.Path:
    """Writes a table to be filled in; returns its path.

    Args:
        folder: The study.
        names: Its objects.
        languages: Codes of its languages.
        known: Texts that the data have, such as categories, by object.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    codes = list(languages)
    for name in names:
        writer.writerows((name, code, known.get(name, "")) for code in codes)
    files.write_output(folder / FILE, buffer.getvalue())
    return folder / FILE
