"""Queries as they go to devices: packed, at static shapes, in rows of a pass."""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from rclicks_jax import errors
from rclicks_jax.clicks.map_clicks import Query
from rclicks_jax.networks.passes import Plan
from rclicks_jax.ops import buckets, letterbox, packed_masks, taps
from rclicks_jax.ops.taps import Axes

# Larger photographs would need more memory than is left beside a pass.
LARGEST_SIDE = 8192
# Pixels of the photographs that a program of a device works on at a time.
_PIXELS_TOGETHER = 1 << 22
# Clicked pixels are padded to a multiple of this.
_CLICKS_STEP = 32


class Prepared(NamedTuple):
    """A query as it goes to a device.

    Attributes:
        image: The photograph, `u8[h w 3]`.
        gt_mask: The target, `bool[h w]`.
        region: The region to mend in the static shape, by `packed_masks.pack`.
        place: Taps into the square.
        restore: Taps to native size.
        clicked_yx: Pixels that are not clicked again, `i32[n 2]`; beyond the static
            shape where it is padded.
        group_numbers: Clicking groups, padded by repeating the last, `i32[g]`.
        keys: Halves of their random bits, `u32[g 2]`.
        wants_map: Whether the map is wanted.
    """

    image: np.ndarray
    gt_mask: np.ndarray
    region: np.ndarray
    place: Axes
    restore: Axes
    clicked_yx: np.ndarray
    group_numbers: np.ndarray
    keys: np.ndarray
    wants_map: bool

    @property
    def shape(self) -> tuple[int, int]:
        """The static shape."""
        return len(self.restore.rows.lower), len(self.restore.columns.lower)

    @property
    def program(self) -> tuple[object, ...]:
        """What its programs depend on; queries that have it in common share them."""
        clicks = self.clicked_yx.shape, self.group_numbers.shape
        return (self.shape, self.region.dtype, *clicks)


def prepare(query: Query, size: int) -> Prepared:
    """Packs a query.

    Args:
        query: The query; if it draws, its region is not soft.
        size: Side of the squares.

    Raises:
        DataError: The photograph is larger than a static shape allows.
    """
    height, width = query.gt_mask.shape
    if max(height, width) > LARGEST_SIDE:
        raise errors.DataError(
            f"The photograph has {height}x{width} pixels; click maps of an "
            f"accelerator have at most {LARGEST_SIDE} on a side. Set max_side to "
            f"{LARGEST_SIDE} or less (--max_side for click maps of datasets, "
            "--config.max_side elsewhere)."
        )
    shape = buckets.static_shape((height, width))
    place, restore = _taps((height, width), size)
    drawn = len(query.group_numbers)
    # Draws whose pixels are not used fill the static number of draws.
    more = buckets.bucket_length(drawn) - drawn if drawn else 0
    group_numbers = np.pad(query.group_numbers, (0, more), "edge")
    bits = np.pad(query.bits, (0, more))
    keys = np.stack([bits >> np.uint64(32), bits & np.uint64(0xFFFFFFFF)], axis=-1)
    clicks = -(-max(len(query.clicked_yx), 1) // _CLICKS_STEP) * _CLICKS_STEP
    clicked_yx = np.full((clicks, 2), max(shape), np.int32)
    clicked_yx[: len(query.clicked_yx)] = query.clicked_yx
    return Prepared(
        image=query.image,
        gt_mask=query.gt_mask,
        region=packed_masks.pack(query.region, shape),
        place=place,
        restore=restore,
        clicked_yx=clicked_yx,
        group_numbers=group_numbers.astype(np.int32),
        keys=keys.astype(np.uint32),
        wants_map=query.wants_map,
    )


@functools.lru_cache(maxsize=256)
def _taps(shape: tuple[int, int], size: int) -> tuple[Axes, Axes]:
    box = letterbox.fit(shape, size)
    return taps.place(box), taps.restore(box, buckets.static_shape(shape))


class Arrays(NamedTuple):
    """Arrays of several queries, with a leading axis that is divided among devices.

    Attributes:
        rows: Row of the pass on its device, `i32[n]`; where there is no query, one that
            is not there: it is placed nowhere, and what is drawn for it is not used.
        region: As in `Prepared`; so are all below.
        place: Taps into the square.
        restore: Taps to native size.
        clicked_yx: Pixels that are not clicked again.
        group_numbers: Clicking groups.
        keys: Halves of their random bits.
    """

    rows: Any
    region: Any
    place: Any
    restore: Any
    clicked_yx: Any
    group_numbers: Any
    keys: Any

    @property
    def drawn_from(self) -> tuple[Any, ...]:
        """What a draw needs beside the maps, in the order of `draw`."""
        draws = self.clicked_yx, self.group_numbers, self.keys
        return (self.rows, self.region, self.restore, *draws)


class Chunk(NamedTuple):
    """Queries that the same program works on at a time, as many on each device.

    Attributes:
        queries: Number of each query, by its place in the arrays.
        arrays: The arrays in host memory.
    """

    queries: dict[int, int]
    arrays: Arrays


def device_and_row(number: int, plan: Plan) -> tuple[int, int]:
    """Returns the device of a query of a pass, and its row there."""
    # Neighbours are on different devices, so that all have work in a pass of few.
    row, device = divmod(number, plan.mesh.size)
    return device, row


def chunks(prepared: Sequence[Prepared], plan: Plan) -> list[Chunk]:
    """Divides the queries of a pass by their programs, and by memory."""
    by_program: dict[Any, list[list[int]]] = {}
    for number, each in enumerate(prepared):
        device, _ = device_and_row(number, plan)
        lists = by_program.setdefault(each.program, [[] for _ in range(plan.mesh.size)])
        lists[device].append(number)
    made: list[Chunk] = []
    for lists in by_program.values():
        filler = next(numbers[0] for numbers in lists if numbers)
        pixels = math.prod(prepared[filler].shape)
        together = max(1, min(plan.batch, _PIXELS_TOGETHER // pixels))
        for first in range(0, max(map(len, lists)), together):
            queries = {
                device * together + place: number
                for device, numbers in enumerate(lists)
                for place, number in enumerate(numbers[first : first + together])
            }
            places = [queries.get(place) for place in range(plan.mesh.size * together)]
            rows = [
                plan.batch if number is None else device_and_row(number, plan)[1]
                for number in places
            ]
            numbers = [filler if number is None else number for number in places]
            arrays = _stacked(rows, [prepared[number] for number in numbers])
            made.append(Chunk(queries, arrays))
    return made


def _stacked(rows: Sequence[int], prepared: Sequence[Prepared]) -> Arrays:
    entries = [
        Arrays(
            np.int32(row),
            each.region,
            each.place,
            each.restore,
            each.clicked_yx,
            each.group_numbers,
            each.keys,
        )
        for row, each in zip(rows, prepared, strict=True)
    ]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *entries)
