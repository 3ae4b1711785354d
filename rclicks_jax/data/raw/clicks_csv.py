"""Reads real clicks from the tables of RClicks: `clicks.csv` and `previews.csv`.

Source: emb-ai/rclicks, rclicks/rclicks/clickmap.py, `Clicks`.
"""

import csv
import functools
import io
import math
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data.raw import files, identities, texts
from rclicks_jax.data.raw.click_sets import ClickSet, Key

# Columns of identities, which stay as they are written, and columns of words.
_STEMS = ("image_stem", "object_stem", "full_stem")
_LABELS = ("dataset", "click_type", "model_type", "device")
_NUMBERS = ("x", "y", "w", "h")
COLUMNS = ("dataset", *_STEMS, "click_type", "model_type", "device", *_NUMBERS)
# A column that a table may have, which says who clicked; the published ones do not.
PERSON = "person"
CLICK_TYPES = ("first", "fn", "fp")
_SEPARATOR = re.compile(r"sep=.?[ \t]*(\r\n|\r|\n)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@functools.lru_cache(maxsize=4)
def _read(path: pathlib.Path, stamp: tuple[int, ...]) -> dict[str, dict[Key, ClickSet]]:
    del stamp  # Part of the key: a changed file is read again.
    rows_of: dict[tuple[str, str, str], list[_Row]] = {}
    for row in _rows(path):
        key = row.texts["dataset"], row.texts["full_stem"], row.texts["click_type"]
        rows_of.setdefault(key, []).append(row)
    _check_pixels(path, [row for rows in rows_of.values() for row in rows])
    sets: dict[str, dict[Key, ClickSet]] = {}
    for (dataset, *key), rows in rows_of.items():
        sets.setdefault(dataset, {})[key[0], key[1]] = _click_set(rows, path.name)
    return sets


def _check_pixels(path: pathlib.Path, rows: Sequence["_Row"]) -> None:
    """Raises `DataError` if clicks of a dataset are shares of the sides, not pixels."""
    of_dataset: dict[str, list[float]] = {}
    for row in rows:
        of_dataset.setdefault(row.texts["dataset"], []).append(row.largest)
    for dataset, largest in of_dataset.items():
        if max(largest) <= 1 and any(0 < number < 1 for number in largest):
            raise errors.DataError(
                f"{path}: x and y of all clicks of {dataset} lie between 0 and 1, so "
                "they are shares of the photograph's sides; they must be pixels: "
                "multiply x by w and y by h."
            )


class _Row(NamedTuple):
    """A line of the table.

    Attributes:
        line: Number of the line, from 1.
        texts: Values of the columns with text, by name.
        numbers: Values of x, y, w and h.
        largest: Larger number of x and y as they are written, with fractions.
    """

    line: int
    texts: dict[str, str]
    numbers: tuple[int, int, int, int]
    largest: float


def _click_set(rows: Sequence[_Row], table: str) -> ClickSet:
    first = rows[0].texts
    problem = ""
    for row in rows:
        for column in ("image_stem", "object_stem"):
            if row.texts[column] != first[column] and not problem:
                problem = (
                    f"lines {rows[0].line} and {row.line} of {table} have one "
                    f"full_stem but {column} {first[column]!r} and "
                    f"{row.texts[column]!r}"
                )
    numbers = np.array([row.numbers for row in rows], np.int64)
    devices = [row.texts["device"] for row in rows]
    return ClickSet(
        full_stem=first["full_stem"],
        image_stem=first["image_stem"],
        object_stem=first["object_stem"],
        click_type=first["click_type"],
        mask_source="+".join(sorted({row.texts["model_type"] for row in rows})),
        input_device="+".join(sorted(set(devices))),
        clicks_yx=numbers[:, 1::-1],
        frames=numbers[:, :1:-1],
        lines=np.array([row.line for row in rows], np.int64),
        device_of_each=np.array(devices, str),
        person_of_each=np.array([row.texts[PERSON] for row in rows], str),
        problem=problem,
        table=table,
    )


def _rows(path: pathlib.Path) -> Iterator[_Row]:
    """Yields the lines of the table; empty lines are passed over.

    Raises:
        DataError: The file is not such a table; the message names the line.
    """
    text = texts.decode(files.read(path), str(path))
    # Excel's declaration of the separator may stand before the table.
    declaration = _SEPARATOR.match(text)
    text = text[declaration.end() :] if declaration else text
    above = 1 if declaration else 0
    header = text[: text.find("\n")] if "\n" in text else text
    lines = csv.reader(
        io.StringIO(text, newline=""),
        strict=True,
        # A program that writes a blank after each comma does so in the header too.
        skipinitialspace=", " in header,
    )
    try:
        columns = _columns(path, header, next(lines, []))
        last = max(columns.values())
        started = lines.line_num + 1
        for cells in lines:
            line, started = started + above, lines.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) <= last:
                raise errors.DataError(
                    f"{path}, line {line}: {len(cells)} values; the first line has "
                    f"{last + 1} columns or more. Put double quotes around a value "
                    "with a comma."
                )
            yield _row(path, line, {name: cells[at] for name, at in columns.items()})
    except csv.Error as error:
        raise errors.DataError(
            f"{path}, line {lines.line_num + above}: this is not CSV ({error})."
        ) from error


def _columns(path: pathlib.Path, header: str, names: Sequence[str]) -> dict[str, int]:
    """Returns the position of each column.

    Raises:
        DataError: A column is missing or occurs twice.
    """
    known = [name.strip().lower() for name in names]
    if not any(known):
        raise errors.DataError(
            f"{path} is empty, or its first line is; that must name the columns "
            f"{', '.join(COLUMNS)}."
        )
    missing = [column for column in COLUMNS if column not in known]
    if missing:
        for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if header.count(mark) >= len(COLUMNS) - 1:
                raise errors.DataError(
                    f"{path} has {name} between its values. They must be commas: save "
                    "it as comma-separated values, with points in numbers."
                )
        if len(missing) == len(COLUMNS):
            raise errors.DataError(
                f"{path}: the first line names no column of the table. It must name "
                f"{', '.join(COLUMNS)}, separated by commas."
            )
        raise errors.DataError(
            f"{path} lacks the columns {', '.join(missing)}; it must have "
            f"{', '.join(COLUMNS)}."
        )
    columns = [*COLUMNS, *([PERSON] if PERSON in known else [])]
    twice = [column for column in columns if known.count(column) > 1]
    if twice:
        raise errors.DataError(f"{path} has the columns {', '.join(twice)} twice.")
    return {column: known.index(column) for column in columns}


def _row(path: pathlib.Path, line: int, cells: Mapping[str, str]) -> _Row:
    """Checks a line.

    Raises:
        DataError: A value is not allowed.
    """
    x, y, w, h = (_number(path, line, column, cells[column]) for column in _NUMBERS)
    if w < 1 or h < 1:
        raise errors.DataError(
            f"{path}, line {line}: w is {cells['w']!r}, h is {cells['h']!r}; they are "
            "the sides of the frame that x and y refer to, each 1 pixel or more."
        )
    named = {name: identities.normal(cells[name]) for name in _STEMS}
    named |= {
        name: identities.normal(cells.get(name, "").strip())
        for name in (*_LABELS, PERSON)
    }
    if named["click_type"] not in CLICK_TYPES:
        raise errors.DataError(
            f"{path}, line {line}: unknown click type {named['click_type']!r}; "
            f"allowed: {', '.join(CLICK_TYPES)}."
        )
    largest = max(float(cells["x"]), float(cells["y"]))
    return _Row(line, named, (x, y, w, h), largest)


def _number(path: pathlib.Path, line: int, column: str, text: str) -> int:
    """Returns a number without its fraction, as the original does."""
    if len(text) < 10 and text.isascii() and text.isdigit():
        return int(text)
    value = float(text) if _NUMBER.fullmatch(text.strip()) else math.inf
    if abs(value) >= np.iinfo(np.int32).max:
        raise errors.DataError(
            f"{path}, line {line}: {column} is {text!r}, not a number of pixels."
        )
    return int(value)


def read_all(path: pathlib.Path) -> dict[str, dict[Key, ClickSet]]:
    """Reads the click sets of every dataset, by its name, full stem and click type.

    In `previews.csv` the column of datasets holds the display modes of the ablation.

    Raises:
        DataError: The file is not such a table.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise errors.DataError(f"{path} cannot be read: {error.strerror}.") from error
    return _read(path, (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino))


def read(path: pathlib.Path, dataset: str) -> dict[Key, ClickSet]:
    """Reads the click sets of one dataset; empty if the file has none of it.

    `COCO_MVal` has the name `COCO` in the published file.

    Returns:
        Click sets by full stem and click type.

    Raises:
        DataError: The file is not such a table.
    """
    sets, dataset = read_all(path), dataset.strip()
    aliases = [dataset, "COCO"] if dataset == "COCO_MVal" else [dataset]
    matching = [sets[alias] for alias in aliases if alias in sets]
    return matching[0] if matching else {}
