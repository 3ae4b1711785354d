"""Reads `pace.json`: how fast the people of a study were, and makes a table of it.

`rclicks-collect export` writes the file. Nothing in it is believed unseen.
"""

import json
import math
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from rclicks_jax import errors, files
from rclicks_jax.metrics import intervals
from rclicks_jax.metrics.intervals import Interval
from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.results.paces import Seconds
from rclicks_jax.types import is_json_object

FORMAT = 1
PEOPLE, BOTS = SOURCES = ("people", "bots")
_PROTOCOLS = ("timed", "self_paced", "live")
# What an estimate needs; whether each may be 0.
_SECONDS = {"click": False, "inspection": True, "instance": True}
_MEASURED = {
    "first_click": "first click",
    "later_click": "each further click",
    "last_look": "last look",
}
# More than a click or an object takes anybody, in seconds.
_MOST = 1e6
_LEVEL = 0.95


class Part(NamedTuple):
    """How fast people were, on one device and in one display mode, or all together.

    Attributes:
        device: Input device; empty for all.
        mode: Display mode; empty for all.
        people: Number of people.
        objects: Number of objects, each counted once a person.
        seconds: Means, and how unsure they are over people, by fields of `paces.Pace`.
        measured: The same as it was measured: `first_click`, `later_click`,
            `last_look`; what was not measured is left out.
    """

    device: str
    mode: str
    people: int
    objects: int
    seconds: dict[str, Seconds]
    measured: dict[str, Seconds]

    @property
    def name(self) -> str:
        """Name of the part, as `--pace_of` takes it."""
        return ",".join(filter(None, (self.device, self.mode)))


class MeasuredPace(NamedTuple):
    """The content of `pace.json`.

    Attributes:
        path: The file.
        source: `people` or `bots`.
        protocol: Pace of the study: `self_paced` or `live`.
        counted: What the seconds are of, in words; empty in files of before they had
            any.
        whole: All people together.
        parts: Each device with each display mode.
    """

    path: str
    source: str
    protocol: str
    counted: str
    whole: Part
    parts: list[Part]

    def part(self, name: str) -> Part:
        """Returns a part by its name; all people together if it is empty.

        Raises:
            UnknownNameError: There is no such part, or several.
        """
        if not name:
            return self.whole
        names = [part.name for part in self.parts]
        device = [part for part in self.parts if name in (part.name, part.device)]
        if len(device) != 1:
            raise errors.UnknownNameError(
                f"device and display mode in {self.path}", name, names
            )
        return device[0]

    def notes(self) -> list[str]:
        """Returns sentences on whom the seconds are of, and what they count."""
        lines = [self.counted] if self.counted else []
        if self.source == BOTS:
            lines.insert(0, "Seconds are of bots, not of people: they say nothing.")
        return lines


class _WrongError(Exception):
    """What is wrong with a file, to be said with its name."""


def read(path: str) -> MeasuredPace:
    """Reads a file of seconds.

    Raises:
        DataError: It is no such file, has values that cannot be, or no seconds; the
            message says which.
    """
    try:
        content = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise errors.DataError(f"--pace: {files.explain(error)}") from error
    try:
        return _parsed(json.loads(content, parse_constant=_refuse_constant), path)
    except _WrongError as error:
        raise errors.DataError(f"--pace: {path}: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise errors.DataError(
            f"--pace: {path} is not the JSON that `rclicks-collect export` writes as "
            f"pace.json: {files.why_unreadable(error)}."
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise _WrongError(f"it has {name}, which is no number")


def _parsed(content: Any, path: str) -> MeasuredPace:
    if not is_json_object(content) or content.get("kind") != "pace":
        raise _WrongError("it is no file of seconds: its kind must be pace")
    number = content.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise _WrongError(f"its format is {number!r}, which must be 1 to {FORMAT}")
    if number > FORMAT:
        raise _WrongError(
            f"it is of format {number}; this release reads formats up to {FORMAT}"
        )
    source = _choice(content, "source", SOURCES)
    protocol = _choice(content, "protocol", _PROTOCOLS)
    if not content.get("seconds"):
        why = _text(content, "why_not") or "it does not say why"
        raise _WrongError(f"it has no seconds: {why.rstrip('.')}")
    parts: Any = content.get("parts", [])
    if not isinstance(parts, list) or not all(map(is_json_object, parts)):
        raise _WrongError("parts must be a list of objects")
    return MeasuredPace(
        path=path,
        source=source,
        protocol=protocol,
        counted=_text(content, "counted"),
        whole=_part(content, "it"),
        parts=[
            _part(part, f"part {number}")._replace(
                device=_text(part, "device"), mode=_text(part, "mode")
            )
            for number, part in enumerate(parts, 1)
        ],
    )


def _part(content: Any, where: str) -> Part:
    seconds = _several(content, "seconds", where, tuple(_SECONDS))
    for name, may_be_none in _SECONDS.items():
        if name not in seconds:
            raise _WrongError(f"{where} has no seconds.{name}")
        mean, spread = seconds[name]
        if mean == 0 and (spread or not may_be_none):
            raise _WrongError(f"seconds.{name} of {where} is {mean:g} ± {spread:g}")
    return Part(
        device="",
        mode="",
        people=_count(content, "people", where),
        objects=_count(content, "objects", where),
        seconds=seconds,
        measured=_several(content, "measured", where, tuple(_MEASURED)),
    )


def _several(
    content: Any, key: str, where: str, names: Sequence[str]
) -> dict[str, Seconds]:
    values: Any = content.get(key) or {}
    if not is_json_object(values):
        raise _WrongError(f"{key} of {where} must be an object")
    unknown = sorted({*values} - {*names})
    if unknown:
        raise _WrongError(
            f"{key} of {where} has {', '.join(unknown)}; known: {', '.join(names)}"
        )
    return {
        name: _seconds(value, f"{key}.{name} of {where}")
        for name, value in values.items()
        if value is not None
    }


def _seconds(value: Any, what: str) -> Seconds:
    is_pair = isinstance(value, list) and len(value) == 2
    if not is_pair or not all(map(_is_duration, value)):
        raise _WrongError(
            f"{what} is {errors.printable(repr(value))[:60]}; it must be the mean and "
            f"its standard error, each a number of 0 to {_MOST:g}"
        )
    return Seconds(float(value[0]), float(value[1]))


def _is_duration(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= _MOST


def _count(content: Any, key: str, where: str) -> int:
    value = content.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _WrongError(f"{key} of {where} is {value!r}; it must be 1 or more")
    return value


def _choice(content: Any, key: str, known: Sequence[str]) -> str:
    value = _text(content, key)
    if value not in known:
        raise _WrongError(f"{key} is {value!r}; it must be {' or '.join(known)}")
    return value


def _text(content: Any, key: str) -> str:
    value = content.get(key, "")
    if not isinstance(value, str):
        raise _WrongError(f"{key} must be text")
    return errors.printable(value)


def table(pace: MeasuredPace) -> Table:
    """Makes the table of seconds by input device and display mode, with intervals."""
    columns = {
        "device": ("Clicks by", "s"),
        "mode": ("Display mode", "s"),
        "people": ("people", "d"),
        "objects": ("objects", "d"),
    }
    parts = [*pace.parts] if len(pace.parts) > 1 else []
    rows: list[Row] = []
    for part in [pace.whole._replace(device="all", mode="all"), *parts]:
        row: Row = {key: getattr(part, key) for key in columns}
        row |= {
            name: _interval(seconds, part.people)
            for name, seconds in part.measured.items()
        }
        rows.append(row)
    columns |= {
        name: (f"{words}, s", ".2f")
        for name, words in _MEASURED.items()
        if any(name in row for row in rows)
    }
    title = f"Seconds of {pace.source}, {pace.protocol.replace('_', '-')}"
    notes = [*pace.notes(), "Intervals are over people, who each count by their mean."]
    return Table("pace", title, columns, rows, tuple(notes), "people")


def _interval(seconds: Seconds, people: int) -> Interval:
    """Returns a mean with its interval over people; without ends for very few."""
    if people < intervals.FEWEST:
        return Interval(seconds.mean, math.nan, math.nan)
    # Importing SciPy's distributions takes a second.
    from scipy.special import stdtrit

    half = float(stdtrit(people - 1, (1 + _LEVEL) / 2)) * seconds.spread
    low, high = max(0.0, seconds.mean - half), seconds.mean + half
    return intervals.between(seconds.mean, low, high, people)
