"""Reads whole trajectories of people in live rounds: `trajectories.jsonl`.

`rclicks-collect export` writes the file; `collection` says what is in it. Clicks that a
person took back are left out: what stands are the clicks that the segmenter was given
when the person saw its last answer.
"""

import hashlib
import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from rclicks_jax import errors, files
from rclicks_jax.data.raw import click_sets, identities
from rclicks_jax.types import is_json_object

FILE = "trajectories.jsonl"
FORMAT = 1
BOTS = "bots"
_SOURCES = ("people", BOTS)
_ACTS = ("click", "undo", "done", "give_up")
_ENDS = ("done", "give_up", "most_clicks", "left")
_LARGEST = 2**31 - 1
_SHOWN = 3


class RecordedTrajectory(NamedTuple):
    """A person on an object.

    Attributes:
        person: Name of the person; empty if it is not known.
        instance_id: The object, in the file `full_stem`.
        mode: Display mode.
        input_device: Device of the clicks.
        wave: Wave of the study.
        frame_hw: Frame of the clicks, pixels.
        clicks_yx: Clicks that stand, in order, `i64[k 2]`; perhaps none.
        positive: Whether each says "object", `bool[k]`.
        undone: Number of clicks that were taken back.
        intersection: Pixels of mask and target after each of these clicks, of the
            segmenter of the study; None where it gave no answer.
        union: Pixels of either.
        ended: `done`, `give_up`, `most_clicks`, or `left`.
    """

    person: str
    instance_id: str
    mode: str
    input_device: str
    wave: int
    frame_hw: tuple[int, int]
    clicks_yx: np.ndarray
    positive: np.ndarray
    undone: int
    intersection: tuple[int | None, ...]
    union: tuple[int | None, ...]
    ended: str

    def fits(self, shape: Sequence[int]) -> bool:
        """Tells whether the frame is that of a photograph, perhaps at another scale."""
        return bool(click_sets.is_of_shape(np.array([self.frame_hw]), shape)[0])

    def in_shape(self, shape: Sequence[int]) -> np.ndarray:
        """Returns the clicks moved to a photograph of this shape, `i32[k 2]`."""
        scaled = self.clicks_yx * np.array(shape) / np.array(self.frame_hw)
        return scaled.astype(np.int32)


class RecordedTrajectories(NamedTuple):
    """The content of a file.

    Attributes:
        path: The file.
        checksum: SHA-256 of its content.
        source: `people` or `bots`.
        segmenter: Segmenter that answered these people.
        trajectories: All of them, in the order of the file.
    """

    path: str
    checksum: str
    source: str
    segmenter: str
    trajectories: list[RecordedTrajectory]


class _WrongError(Exception):
    """What is wrong with a line, to be said with its number."""


def read(path: str) -> RecordedTrajectories:
    """Reads a file of trajectories.

    Args:
        path: The file, or the folder of an export.

    Raises:
        DataError: It cannot be read, is no such file, or has a line that cannot be; the
            message names the line.
    """
    place = pathlib.Path(path)
    place = place / FILE if place.is_dir() else place
    try:
        content = place.read_bytes()
    except OSError as error:
        raise errors.DataError(
            f"Trajectories cannot be read: {files.explain(error)} It is the file "
            f"{FILE} of `rclicks-collect export`, for a study with live rounds."
        ) from error
    lines = content.split(b"\n")
    head, recorded = _header(_object(lines[0], place, 1), place), []
    seen: dict[tuple[str, str, int], int] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        values = _object(line, place, number)
        try:
            made = _trajectory(values)
        except _WrongError as error:
            raise _wrong(place, number, str(error)) from error
        key = made.person, made.instance_id, made.wave
        if made.person and key in seen:
            raise _wrong(
                place,
                number,
                f"{made.person} has {made.instance_id} in line {seen[key]}, too",
            )
        seen[key] = number
        recorded.append(made)
    if not recorded:
        raise errors.DataError(f"{place} has no trajectory.")
    checksum = hashlib.sha256(content).hexdigest()
    return RecordedTrajectories(str(place), checksum, *head, recorded)


def _wrong(path: pathlib.Path, number: int, problem: str) -> errors.DataError:
    return errors.DataError(f"{path}, line {number}: {errors.printable(problem)}.")


def _object(line: bytes, path: pathlib.Path, number: int) -> Mapping[str, Any]:
    try:
        values = json.loads(line, parse_constant=_refuse_constant)
    except _WrongError as error:
        raise _wrong(path, number, str(error)) from error
    except (ValueError, RecursionError) as error:
        problem = f"this is no JSON object of a trajectory ({error})"
        raise _wrong(path, number, problem) from error
    if not is_json_object(values):
        raise _wrong(path, number, "this is no JSON object of a trajectory")
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise _WrongError(f"it has {name}, which is no number")


def _header(values: Mapping[str, Any], path: pathlib.Path) -> tuple[str, str]:
    """Returns source and segmenter of a header."""
    number: Any = values.get("format")
    if values.get("kind") != "trajectories" or not _is_count(number) or number == 0:
        raise _wrong(path, 1, f"this is not the first line of a {FILE}")
    if number > FORMAT:
        raise errors.DataError(
            f"{path} is of format {number}; this release reads formats up to {FORMAT}."
        )
    source, segmenter = values.get("source"), values.get("segmenter")
    if source not in _SOURCES or not isinstance(segmenter, str):
        problem = f"source must be {' or '.join(_SOURCES)}, and segmenter text"
        raise _wrong(path, 1, problem)
    return source, errors.printable(segmenter)


def _trajectory(values: Mapping[str, Any]) -> RecordedTrajectory:
    frame = _count(values, "height", 1), _count(values, "width", 1)
    acts: Any = values.get("acts")
    areas: list[Any] = [values.get(key) for key in ("intersection", "union")]
    if not isinstance(acts, list) or not all(map(is_json_object, acts)):
        raise _WrongError("acts must be a list of objects")
    if not all(isinstance(each, list) and len(each) == len(acts) for each in areas):
        raise _WrongError("intersection and union must be lists with an entry an act")
    standing: list[int] = []
    undone = 0
    for number, act in enumerate(acts):
        name = act.get("act")
        if name not in _ACTS:
            raise _WrongError(f"act {name!r}; allowed: {', '.join(_ACTS)}")
        _expect_seconds(act.get("seconds"))
        _expect_areas(areas[0][number], areas[1][number], frame)
        if name == "click":
            _expect_click(act, frame)
            standing.append(number)
        elif name == "undo" and standing:
            standing.pop()
            undone += 1
    ended = values.get("ended")
    if ended not in _ENDS:
        raise _WrongError(f"ended {ended!r}; allowed: {', '.join(_ENDS)}")
    clicks = [acts[number] for number in standing]
    places = [(click["y"], click["x"]) for click in clicks]
    return RecordedTrajectory(
        person="" if values.get("person") is None else _text(values, "person"),
        instance_id=identities.normal(_text(values, "full_stem")),
        mode=_text(values, "mode"),
        input_device=_text(values, "device"),
        wave=_count(values, "wave", 0),
        frame_hw=frame,
        clicks_yx=np.array(places, np.int64).reshape(-1, 2),
        positive=np.array([click["positive"] for click in clicks], bool),
        undone=undone,
        intersection=tuple(areas[0][number] for number in standing),
        union=tuple(areas[1][number] for number in standing),
        ended=ended,
    )


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value or value != errors.printable(value):
        raise _WrongError(f"{key} is {value!r}; it must be text")
    return value


def _is_count(value: Any) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and 0 <= value <= _LARGEST


def _count(values: Mapping[str, Any], key: str, least: int) -> int:
    value: Any = values.get(key)
    if not _is_count(value) or value < least:
        raise _WrongError(f"{key} is {value!r}; it must be a number of {least} or more")
    return value


def _expect_seconds(value: Any) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not (0 <= value < math.inf):
        raise _WrongError(f"seconds is {value!r}; it must be 0 or more")


def _expect_areas(intersection: Any, union: Any, frame: tuple[int, int]) -> None:
    if intersection is None and union is None:
        return
    known = _is_count(intersection) and _is_count(union)
    if not known or not intersection <= union <= frame[0] * frame[1]:
        raise _WrongError(
            f"intersection {intersection!r} and union {union!r} of a photograph of "
            f"{frame[1]}x{frame[0]} pixels"
        )


def _expect_click(act: Mapping[str, Any], frame: tuple[int, int]) -> None:
    y: Any = act.get("y")
    x: Any = act.get("x")
    inside = _is_count(y) and _is_count(x) and y < frame[0] and x < frame[1]
    if not inside or not isinstance(act.get("positive"), bool):
        raise _WrongError(
            f"a click at y={y!r}, x={x!r}, positive={act.get('positive')!r}, in a "
            f"frame of {frame[1]}x{frame[0]} pixels"
        )


class Objects(NamedTuple):
    """Trajectories matched with the objects of data.

    Attributes:
        by_object: Trajectories with a click, by dataset and object.
        without_click: Number of trajectories without a click that stands.
    """

    by_object: dict[tuple[str, str], list[RecordedTrajectory]]
    without_click: int


def match(
    recorded: RecordedTrajectories,
    shapes: Mapping[str, Mapping[str, tuple[int, int]]],
) -> Objects:
    """Finds the object of each trajectory.

    Args:
        recorded: The trajectories.
        shapes: Height and width of the photograph of every object, by dataset and
            object; 0 where it cannot be read.

    Raises:
        DataError: Trajectories are of objects that no dataset has, or that several
            have, or their frame is of another shape; the message counts them.
    """
    unknown: list[RecordedTrajectory] = []
    several: list[RecordedTrajectory] = []
    misfits: list[RecordedTrajectory] = []
    by_object: dict[tuple[str, str], list[RecordedTrajectory]] = {}
    for each in recorded.trajectories:
        name = each.instance_id
        homes = [dataset for dataset, objects in shapes.items() if name in objects]
        if len(homes) != 1:
            (several if homes else unknown).append(each)
            continue
        shape = shapes[homes[0]][name]
        if all(shape) and not each.fits(shape):
            misfits.append(each)
        by_object.setdefault((homes[0], name), []).append(each)
    for wrong, what in (
        (unknown, "are of objects that the data does not have"),
        (several, "are of objects that several datasets have"),
        (misfits, "have frames of another shape than the photographs"),
    ):
        if wrong:
            names = list(dict.fromkeys(each.instance_id for each in wrong))
            raise errors.DataError(
                f"{len(wrong)} of {len(recorded.trajectories)} trajectories in "
                f"{recorded.path} {what} ({len(names)} objects: "
                f"{errors.few(names, _SHOWN)}). Give the data of the study: the folder "
                "that `rclicks-collect export` wrote has it, --data=folder:DIR."
            )
    clicked = {
        key: [each for each in every if len(each.clicks_yx)]
        for key, every in by_object.items()
    }
    with_clicks = {key: every for key, every in clicked.items() if every}
    count = sum(map(len, with_clicks.values()))
    return Objects(with_clicks, len(recorded.trajectories) - count)
