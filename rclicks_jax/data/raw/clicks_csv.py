"""Reads real clicks from the tables of RClicks: `clicks.csv` and `previews.csv`.

Source: emb-ai/rclicks, rclicks/rclicks/clickmap.py, `Clicks`.
"""

import csv
import dataclasses
import functools
import io
import math
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data.raw import files, identities, texts

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


@dataclasses.dataclass(frozen=True)
class ClickSet:
    """The clicks of one task, in the frames in which they were recorded.

    Attributes:
        full_stem: Name of image, object and, in later rounds, previous mask.
        image_stem: Stem of the image.
        object_stem: Id of the object in its label image; empty for all labels but 0.
        click_type: `first`, `fn` or `fp`.
        mask_source: Sources of the previous mask, joined by `+`; empty for first
            clicks.
        input_device: `pc`, `mobile` or `synthetic`; several are joined by `+`.
        clicks_yx: The recorded positions, `i64[n 2]`; they may lie outside the frame.
        frames: Height and width of the frame of each click, `i64[n 2]`, positive.
        lines: Line of each click in the file, `i64[n]`, from 1.
        device_of_each: Device of each click, `str[n]`.
        person_of_each: Name of the person who made each click, `str[n]`; empty where
            the table does not say.
        problem: Reason why the set cannot be used; empty if it can.
        table: Name of the file, for messages.
    """

    full_stem: str
    image_stem: str
    object_stem: str
    click_type: str
    mask_source: str
    input_device: str
    clicks_yx: np.ndarray
    frames: np.ndarray
    lines: np.ndarray
    device_of_each: np.ndarray
    person_of_each: np.ndarray
    problem: str = ""
    table: str = "clicks.csv"

    def of_device(self, device: str) -> "ClickSet":
        """Returns the clicks of one kind of device."""
        inside = self.device_of_each == device
        return dataclasses.replace(
            self,
            input_device=device,
            clicks_yx=self.clicks_yx[inside],
            frames=self.frames[inside],
            lines=self.lines[inside],
            device_of_each=self.device_of_each[inside],
            person_of_each=self.person_of_each[inside],
        )

    @property
    def people(self) -> tuple[str, ...]:
        """Who made each click; empty unless that is known of every click."""
        names: list[str] = self.person_of_each.tolist()
        return tuple(names) if all(names) else ()

    def outside(self) -> int:
        """Returns the number of clicks outside their frame."""
        outside = (self.clicks_yx < 0) | (self.clicks_yx >= self.frames)
        return int(outside.any(axis=1).sum())

    def problem_in(self, shape: tuple[int, int]) -> str:
        """Returns why the clicks cannot be moved to a photograph; empty if they can.

        A frame may be that of the photograph, also at another scale: then both its
        sides are those of the photograph times one number, give or take a pixel by
        rounding.

        Args:
            shape: Height and width of the photograph.
        """
        if self.problem:
            return self.problem
        wrong = np.flatnonzero(~is_of_shape(self.frames, shape))
        if not len(wrong):
            return ""
        frame = self.frames[wrong[:1]]
        turned = "; w and h are exchanged" * bool(is_of_shape(frame, shape[::-1])[0])
        return (
            f"line {self.lines[wrong[0]]} of {self.table} has a frame of another "
            f"shape: w={frame[0, 1]}, h={frame[0, 0]}; the photograph has "
            f"{shape[1]}x{shape[0]} pixels{turned}"
        )

    def in_shape(self, shape: tuple[int, int]) -> np.ndarray:
        """Returns the clicks clipped to their frames and moved to a photograph.

        Args:
            shape: Height and width of the photograph, perhaps scaled.

        Returns:
            The positions, `i32[n 2]`; coordinates are cut, not rounded, as in the
            original.
        """
        clipped = np.clip(self.clicks_yx, 0, self.frames - 1)
        # This is exact if the frame is that of the photograph.
        return (clipped * np.array(shape) / self.frames).astype(np.int32)


def is_of_shape(frames: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Tells which frames `i64[n 2]` fit a photograph at some scale, `bool[n]`."""
    sides = np.array(shape)
    with np.errstate(divide="ignore"):
        least = (frames - 1) / (sides + 1)
        most = (frames + 1) / (sides - 1)
    # A frame of a single pixel would fit any photograph.
    tells = (frames.max(axis=1) > 1) | (sides.max() == 1)
    return (least.max(axis=1) <= most.min(axis=1)) & tells


# Full stem and click type.
Key = tuple[str, str]


def sets_by_id(sets: Mapping[Key, ClickSet]) -> dict[str, ClickSet]:
    """Names click sets by their full stem, and by their type if several types share it.

    First clicks keep the full stem, which is also the name of their object.

    Args:
        sets: Click sets by full stem and click type.

    Raises:
        DataError: Two sets would have the same name.
    """
    types: dict[str, list[str]] = {}
    for full_stem, click_type in sets:
        types.setdefault(full_stem, []).append(click_type)
    named: dict[str, ClickSet] = {}
    for (full_stem, click_type), click_set in sets.items():
        alone = len(types[full_stem]) == 1 or click_type == "first"
        name = full_stem if alone else f"{full_stem}_{click_type}"
        if name in named or (not alone and name in types):
            raise errors.DataError(
                f"{click_set.table} has two tasks that would be called {name}: give "
                "each click type of an object a full_stem of its own."
            )
        named[name] = click_set
    return named


def notes_of(sets: Iterable[ClickSet]) -> list[str]:
    """Returns a note on the number of clicks outside their frame, if there are any."""
    click_sets = list(sets)
    off = [click_set.outside() for click_set in click_sets]
    if not any(off):
        return []
    return [
        f"{sum(off)} of {sum(len(s.clicks_yx) for s in click_sets)} clicks, in "
        f"{sum(map(bool, off))} tasks, lie off their photograph: they count as at its "
        "edge, as in the original"
    ]


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
