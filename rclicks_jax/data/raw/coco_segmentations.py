"""Draws COCO segmentations: polygons, and run lengths, compressed or not.

Files come from many programs, so everything is checked before it reaches the C code of
pycocotools, which checks nothing. Run lengths are drawn here.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import values

_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")
# Limit on coordinates, in longest sides of the image; and a limit in pixels, since
# pycocotools holds five times a coordinate in 32 bits.
_FARTHEST = 10
_LARGEST = 400_000_000
# Limit on the outline of one object, pixels; pycocotools keeps five points for each.
_LONGEST_OUTLINE = 4_000_000
# Largest number of characters of a compressed run length; each holds five bits.
_LONGEST_NUMBER = 7

FEW_POINTS = "parts of polygons have fewer than three points and are left out"
FLAT = "segmentations are one list of numbers and are read as one polygon"
PAIRS = "polygons are lists of points instead of lists of numbers and are read as such"
BEYOND = "polygons reach beyond the photograph and end at its edge"


def decode(
    segmentation: object, shape: tuple[int, int]
) -> tuple[np.ndarray, list[str]]:
    """Draws a segmentation.

    Args:
        segmentation: The value in the file.
        shape: Height and width of the image.

    Returns:
        The mask `u8[h w]` of `OBJECT` and `BACKGROUND`, and kinds of notes on what was
        decided.

    Raises:
        DataError: The segmentation is missing (`raw.NO_MASK`), broken, or does not fit
            the image.
    """
    if _is_missing(segmentation):
        raise errors.DataError(raw.NO_MASK)
    if isinstance(segmentation, dict):
        return _painted(_from_runs(segmentation, shape)), []
    if not isinstance(segmentation, list):
        raise errors.DataError(
            f"the segmentation is {values.shown(segmentation)}, neither a list of "
            "polygons nor run lengths"
        )
    if all(isinstance(part, dict) for part in segmentation):
        inside = np.zeros(shape, bool)
        for part in segmentation:
            inside |= _from_runs(part, shape)
        return _painted(inside), []
    polygons, notes = _polygons(segmentation)
    _check_polygons(polygons, shape)
    height, width = shape
    listed = [polygon.ravel().tolist() for polygon in polygons]
    runs: Any = coco_mask.merge(coco_mask.frPyObjects(listed, height, width))
    points = np.concatenate(polygons)
    beyond = (points < -1) | (points > (width + 1, height + 1))
    if beyond.any():
        notes.append(BEYOND)
    return _painted(coco_mask.decode(runs) > 0), notes


def _painted(inside: np.ndarray) -> np.ndarray:
    return np.where(inside, np.uint8(raw.OBJECT), np.uint8(raw.BACKGROUND))


def _is_missing(segmentation: object) -> bool:
    """Tells whether a segmentation is empty; programs write that in many ways."""
    if isinstance(segmentation, dict):
        return not segmentation or segmentation.get("counts", 0) in (None, "", b"", [])
    if isinstance(segmentation, list):
        return all(part in ([], {}, None, "") for part in segmentation)
    return segmentation is None or segmentation == ""


def _polygons(parts: list[Any]) -> tuple[list[np.ndarray], list[str]]:
    """Returns the polygons of an object, `f64[n 2]` of (x, y), and kinds of notes."""
    notes = []
    if not any(isinstance(part, (list, dict)) for part in parts):
        notes.append(FLAT)
        parts = [parts]
    polygons = []
    for part in parts:
        if not isinstance(part, list):
            raise errors.DataError(
                f"a part of the segmentation is {values.shown(part)}, no polygon"
            )
        if part and all(isinstance(point, list) and len(point) == 2 for point in part):
            notes.append(PAIRS)
            part = [number for point in part for number in point]
        coordinates = [_coordinate(value) for value in part]
        if len(coordinates) % 2:
            raise errors.DataError(
                f"a polygon has {len(coordinates)} numbers: an x or a y is missing"
            )
        if len(coordinates) >= 6:
            polygons.append(np.array(coordinates).reshape(-1, 2))
        elif coordinates:
            notes.append(FEW_POINTS)
    if not polygons:
        raise errors.DataError(
            "no polygon of the segmentation has three points, which are six numbers "
            "x, y, x, y, ..."
        )
    return polygons, list(dict.fromkeys(notes))


def _coordinate(value: Any) -> float:
    number = values.is_number(value)
    text = isinstance(value, str) and _NUMBER.fullmatch(value.strip())
    try:
        coordinate = float(value) if number or text else np.nan
    except OverflowError:
        coordinate = np.inf
    if not np.isfinite(coordinate):
        raise errors.DataError(
            f"a polygon has the coordinate {values.shown(value)}, which is no number "
            "of pixels"
        )
    return coordinate


def _check_polygons(polygons: Sequence[np.ndarray], shape: tuple[int, int]) -> None:
    """Raises `DataError` unless polygons are in pixels of an image of this shape."""
    height, width = shape
    points = np.concatenate(polygons)
    size = f"{width}x{height} (width x height)"
    if max(shape) > 2 and points.min() >= -0.05 and 0 < points.max() <= 1.05:
        raise errors.DataError(
            "all coordinates lie between 0 and 1, so they are shares of the image's "
            "sides; COCO has pixels: multiply x by the width and y by the height"
        )
    if np.abs(points).max() > min(_FARTHEST * max(shape), _LARGEST):
        far = points.ravel()[np.abs(points).argmax()]
        raise errors.DataError(
            f"a polygon has the coordinate {far:g}, far from the image of {size}"
        )
    if (points.max(axis=0) < 0).any() or (points.min(axis=0) > (width, height)).any():
        raise errors.DataError(f"all polygons lie outside of the image of {size}")
    steps = [np.abs(np.diff(p, axis=0, append=p[:1])).max(axis=1) for p in polygons]
    outline = float(sum(step.sum() for step in steps))
    if outline > _LONGEST_OUTLINE:
        raise errors.DataError(
            f"the polygons' outline is {outline:.0f} pixels long; at most "
            f"{_LONGEST_OUTLINE} are drawn"
        )


def _from_runs(described: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """Draws run lengths, `bool[h w]`: column by column, ground and object in turn."""
    size: Any = described.get("size")
    counts: Any = described.get("counts")
    height, width = shape
    is_pair = isinstance(size, (list, tuple)) and len(size) == 2
    if not is_pair or not all(map(values.is_number, size)):
        raise errors.DataError(
            f"run lengths have the size {values.shown(size)} instead of [height, width]"
        )
    if list(size) != [height, width]:
        raise errors.DataError(
            f"run lengths have the size {values.shown(size)}, the image "
            f"[{height}, {width}] (height, width)"
        )
    if isinstance(counts, (str, bytes)):
        runs = _uncompressed(counts)
    elif isinstance(counts, (list, tuple)):
        runs = _checked_runs(counts, height * width)
    else:
        raise errors.DataError(
            f"run lengths are {values.shown(counts)}, neither a list nor text"
        )
    if (runs < 0).any():
        raise errors.DataError(f"a run length is negative: {runs.min()}")
    covered = int(runs.sum())
    if covered != height * width:
        what = "stop early" if covered < height * width else "are too long"
        raise errors.DataError(
            f"run lengths {what}: they cover {covered} pixels, the image has "
            f"{height * width}"
        )
    inside = np.repeat(np.arange(len(runs)) % 2 > 0, runs)
    return inside.reshape(shape, order="F")


def _checked_runs(counts: Sequence[Any], most: int) -> np.ndarray:
    for count in counts:
        # Larger numbers are refused before they are added up.
        if not values.is_number(count) or not -1 <= count <= most + 1 or count % 1:
            raise errors.DataError(
                f"a run length is {values.shown(count)}; allowed are whole numbers "
                f"from 0 to the {most} pixels of the image"
            )
    return np.array(counts, np.int64)


def _uncompressed(counts: str | bytes) -> np.ndarray:
    """Returns compressed run lengths as numbers, `i64[n]`.

    Each character holds five bits of a number, low bits first, and a bit that says
    whether more follow. From the fourth number on, a number is the difference from the
    number two before it.

    Source: cocodataset/cocoapi, common/maskApi.c, `rleFrString`.

    Raises:
        DataError: The text is not compressed run lengths.
    """
    broken = f"compressed run lengths are broken: {values.shown(counts)}"
    try:
        text = counts if isinstance(counts, bytes) else counts.encode("ascii")
    except UnicodeEncodeError:
        raise errors.DataError(broken) from None
    codes = np.frombuffer(text, np.uint8).astype(np.int64) - ord("0")
    ends = np.flatnonzero((codes & 32) == 0)
    if (
        (codes < 0).any()
        or (codes > 63).any()
        or ends[-1:].tolist() != [len(codes) - 1]
    ):
        raise errors.DataError(broken)
    starts = np.append(0, ends[:-1] + 1)
    lengths = ends + 1 - starts
    if lengths.max() > _LONGEST_NUMBER:
        raise errors.DataError(broken)
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    runs = np.add.reduceat((codes & 31) << (5 * place), starts)
    runs -= np.where(codes[ends] & 16, 1 << (5 * lengths), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs
