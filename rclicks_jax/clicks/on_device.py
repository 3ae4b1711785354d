"""Where people click, answered on devices: maps and levels never leave them.

A photograph and a target go up once while they are in play, a region as bits. Squares,
the network, the map at native size, its levels, and the clicks of all groups are
programs of the devices, at few static shapes: one of the network, and a few for each
bucket of sizes of photographs. Clicks come back, and maps only where they are wanted.

The pixels are those of `map_clicks.OnHost`, but where rounding of the letterbox moves a
level (docs/deviations.md says how often).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from rclicks_jax import errors
from rclicks_jax.clicks import click_models, groups, map_clicks, sampling
from rclicks_jax.clicks.map_clicks import MapClicks, Query
from rclicks_jax.networks import device_letterbox, infer
from rclicks_jax.networks.passes import DIVIDED, Plan, on_each
from rclicks_jax.ops import buckets, letterbox, packed_masks, taps
from rclicks_jax.ops.taps import Axes

# Larger photographs would need more memory than is left beside a pass.
LARGEST_SIDE = 8192
# Pixels of the photographs that a program of a device works on at a time.
_PIXELS_TOGETHER = 1 << 22
# Clicked pixels are padded to a multiple of this.
_CLICKS_STEP = 32


def answers(
    click_model: click_models.ClickModel,
    *,
    cut: groups.Cut,
    empty_map: groups.EmptyMap,
    on_device: bool,
) -> map_clicks.Answers:
    """Returns whatever says where people click by a click model.

    Args:
        click_model: The click model.
        cut: How groups are cut.
        empty_map: What is drawn from if a map has no mass in the region.
        on_device: Whether there is an accelerator. The maps of a network then stay
            there; those of other models are drawn from there.
    """
    if on_device and isinstance(click_model, infer.ClickabilityModel):
        return OnDevice(click_model, cut=cut, empty_map=empty_map)
    return map_clicks.OnHost(
        click_model, cut=cut, empty_map=empty_map, on_device=on_device
    )


class Prepared(NamedTuple):
    """A query as it goes to a device.

    Attributes:
        image: The photograph, `u8[h w 3]`.
        gt_mask: The target, `bool[h w]`.
        bits: The region to mend, in bits of the static shape, `u8[H W/8]`.
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
    bits: np.ndarray
    place: Axes
    restore: Axes
    clicked_yx: np.ndarray
    group_numbers: np.ndarray
    keys: np.ndarray
    wants_map: bool

    @property
    def program(self) -> tuple[tuple[int, ...], ...]:
        """The shapes; those of equal shapes share programs."""
        return self.bits.shape, self.clicked_yx.shape, self.group_numbers.shape


class Raw(NamedTuple):
    """What comes back from the devices for a query.

    Attributes:
        pixels: Row-major indices in the static shape, `i32[g]`; -1 for none.
        wrong: Number of values of the map that are no finite numbers.
        lowest: Least value of the map, or 0.
        highest: Largest value of the map, or 0.
        click_map: The map in its static shape, `f32[H W]`, if it came back.
    """

    pixels: np.ndarray
    wrong: int
    lowest: float
    highest: float
    click_map: np.ndarray | None


class OnDevice:
    """Answers queries on the devices of a click model; see `map_clicks.Answers`.

    Attributes:
        batch: Queries of a pass on all devices.
    """

    def __init__(
        self,
        click_model: infer.ClickabilityModel,
        *,
        cut: groups.Cut,
        empty_map: groups.EmptyMap,
    ) -> None:
        """Takes what all queries share; the arguments are those of `OnHost`."""
        self.batch = click_model.rows
        self._passes = click_model.passes
        self._size = click_model.card.size
        plan = self._passes.plan
        self._letterbox = device_letterbox.programs(plan.mesh)
        self._draw = _draw_program(plan.mesh, cut, empty_map)
        self._no_regions = _zeros_program(plan.rows, plan.size, plan.divided)

    def prepare(self, queries: Sequence[Query]) -> list[Prepared]:
        """Packs the queries of one object; called from several threads.

        Raises:
            DataError: The photograph is larger than a static shape allows.
        """
        return [self._prepared(query) for query in queries]

    def _prepared(self, query: Query) -> Prepared:
        image, gt_mask, error_mask = query.click_query
        height, width = error_mask.shape
        if max(height, width) > LARGEST_SIDE:
            raise errors.DataError(
                f"The photograph has {height}x{width} pixels; click maps of an "
                f"accelerator have at most {LARGEST_SIDE} on a side. Set "
                f"--config.max_side={LARGEST_SIDE}."
            )
        shape = buckets.static_shape(error_mask.shape)
        place, restore = _taps((height, width), self._size)
        drawn = len(query.group_numbers)
        # Draws whose pixels are not used fill the static number of draws.
        more = buckets.bucket_length(drawn) - drawn
        group_numbers = np.pad(query.group_numbers, (0, more), "edge")
        bits = np.pad(query.bits, (0, more))
        keys = np.stack([bits >> np.uint64(32), bits & np.uint64(0xFFFFFFFF)], axis=-1)
        clicks = -(-max(len(query.clicked_yx), 1) // _CLICKS_STEP) * _CLICKS_STEP
        clicked_yx = np.full((clicks, 2), max(shape), np.int32)
        clicked_yx[: len(query.clicked_yx)] = query.clicked_yx
        return Prepared(
            image=image,
            gt_mask=gt_mask,
            bits=packed_masks.pack(error_mask, shape),
            place=place,
            restore=restore,
            clicked_yx=clicked_yx,
            group_numbers=group_numbers.astype(np.int32),
            keys=keys.astype(np.uint32),
            wants_map=query.wants_map,
        )

    def answer(self, prepared: Sequence[Prepared]) -> list[Raw]:
        """Answers at most `batch` queries of any objects in one pass.

        Raises:
            DeviceError: A device is lost.
        """
        chunks = _chunks(prepared, self._passes.plan)
        with self._passes.preparing():
            sent = [self._sent(chunk.arrays) for chunk in chunks]
            maps = self._maps(prepared, sent)
            drawn = [self._draw(maps, *arrays.drawn_from) for arrays in sent]
            native = [
                self._letterbox.restore(maps, arrays.rows, arrays.restore)
                if any(prepared[number].wants_map for number in chunk.queries.values())
                else None
                for chunk, arrays in zip(chunks, sent, strict=True)
            ]
        raw: dict[int, Raw] = {}
        for chunk, arrays, on_device in zip(chunks, drawn, native, strict=True):
            pixels, wrong, lowest, highest = map(self._passes.fetch, arrays)
            click_maps = None if on_device is None else self._passes.fetch(on_device)
            for place, number in chunk.queries.items():
                raw[number] = Raw(
                    pixels[place],
                    int(wrong[place]),
                    float(lowest[place]),
                    float(highest[place]),
                    None if click_maps is None else click_maps[place],
                )
        return [raw[number] for number in range(len(prepared))]

    def _sent(self, arrays: "_Arrays") -> "_Arrays":
        """Sends arrays to the devices, divided among them."""
        return jax.device_put(arrays, self._passes.plan.divided)

    def _maps(
        self, prepared: Sequence[Prepared], sent: Sequence["_Arrays"]
    ) -> jax.Array:
        """Starts the pass of the network; returns the maps of the squares."""
        passes = self._passes
        regions = self._no_regions()
        for arrays in sent:
            regions = self._letterbox.place(
                regions, arrays.rows, arrays.bits, arrays.place
            )
        put_image = functools.partial(device_letterbox.put_image, passes.plan)
        put_mask = functools.partial(device_letterbox.put_mask, passes.plan)
        image_slots, target_slots = np.zeros((2, passes.plan.rows), np.int32)
        for number, each in enumerate(prepared):
            device, row = _device_and_row(number, passes.plan)
            at = device * passes.plan.batch + row
            image_slots[at] = passes.images.find(each.image, put_image)
            target_slots[at] = passes.targets.find(each.gt_mask, put_mask)
        return passes.start(image_slots, target_slots, regions)

    def finish(self, queries: Sequence[Query], raw: Sequence[Raw]) -> list[MapClicks]:
        """Makes clicks of pixels; called from several threads.

        Raises:
            DataError: The network gave something else than click maps.
        """
        return [_finished(*each) for each in zip(queries, raw, strict=True)]


class _Arrays(NamedTuple):
    """Arrays of several queries, with a leading axis that is divided among devices.

    Attributes:
        rows: Row of the pass on its device, `i32[n]`; where there is no query, one that
            is not there: it is placed nowhere, and what is drawn for it is not used.
        bits: As in `Prepared`; so are all below.
        place: Taps into the square.
        restore: Taps to native size.
        clicked_yx: Pixels that are not clicked again.
        group_numbers: Clicking groups.
        keys: Halves of their random bits.
    """

    rows: Any
    bits: Any
    place: Any
    restore: Any
    clicked_yx: Any
    group_numbers: Any
    keys: Any

    @property
    def drawn_from(self) -> tuple[Any, ...]:
        """What a draw needs beside the maps, in the order of `draw`."""
        draws = self.clicked_yx, self.group_numbers, self.keys
        return (self.rows, self.bits, self.restore, *draws)


class _Chunk(NamedTuple):
    """Queries that the same program works on at a time, as many on each device.

    Attributes:
        queries: Number of each query, by its place in the arrays.
        arrays: The arrays in host memory.
    """

    queries: dict[int, int]
    arrays: _Arrays


def _device_and_row(number: int, plan: Plan) -> tuple[int, int]:
    """Returns the device of a query of a pass, and its row there."""
    # Neighbours are on different devices, so that all have work in a pass of few.
    row, device = divmod(number, plan.mesh.size)
    return device, row


def _chunks(prepared: Sequence[Prepared], plan: Plan) -> list[_Chunk]:
    """Divides the queries of a pass by their programs, and by memory."""
    by_program: dict[Any, list[list[int]]] = {}
    for number, each in enumerate(prepared):
        device, _ = _device_and_row(number, plan)
        lists = by_program.setdefault(each.program, [[] for _ in range(plan.mesh.size)])
        lists[device].append(number)
    chunks: list[_Chunk] = []
    for lists in by_program.values():
        filler = next(numbers[0] for numbers in lists if numbers)
        pixels = prepared[filler].bits.size * 8
        together = max(1, min(plan.batch, _PIXELS_TOGETHER // pixels))
        for first in range(0, max(map(len, lists)), together):
            queries = {
                device * together + place: number
                for device, numbers in enumerate(lists)
                for place, number in enumerate(numbers[first : first + together])
            }
            places = [queries.get(place) for place in range(plan.mesh.size * together)]
            rows = [
                plan.batch if number is None else _device_and_row(number, plan)[1]
                for number in places
            ]
            numbers = [filler if number is None else number for number in places]
            arrays = _stacked(rows, [prepared[number] for number in numbers])
            chunks.append(_Chunk(queries, arrays))
    return chunks


def _stacked(rows: Sequence[int], prepared: Sequence[Prepared]) -> _Arrays:
    entries = [
        _Arrays(
            np.int32(row),
            each.bits,
            each.place,
            each.restore,
            each.clicked_yx,
            each.group_numbers,
            each.keys,
        )
        for row, each in zip(rows, prepared, strict=True)
    ]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *entries)


def _finished(query: Query, raw: Raw) -> MapClicks:
    click_models.check_values(raw.wrong, raw.lowest)
    height, width = query.click_query.error_mask.shape
    pixels = raw.pixels[: len(query.group_numbers)]
    yx = None
    if (pixels >= 0).all():
        columns = buckets.static_shape((height, width))[1]
        yx = np.stack(np.divmod(pixels, columns), axis=-1).astype(np.int32)
    click_map = None
    if query.wants_map and raw.click_map is not None:
        # A copy, so that the padding and the maps of others are not kept.
        click_map = raw.click_map[:height, :width].copy()
    return MapClicks(yx, bool(raw.highest <= groups.SMALLEST_PEAK), click_map)


@functools.lru_cache(maxsize=256)
def _taps(shape: tuple[int, int], size: int) -> tuple[Axes, Axes]:
    box = letterbox.fit(shape, size)
    return taps.place(box), taps.restore(box, buckets.static_shape(shape))


@functools.cache
def _zeros_program(rows: int, size: int, sharding: Any) -> Callable[[], jax.Array]:
    def zeros() -> jax.Array:
        return jnp.zeros((rows, size, size), jnp.float32)

    return jax.jit(zeros, out_shardings=sharding)


@functools.cache
def _draw_program(
    mesh: Mesh, cut: groups.Cut, empty_map: groups.EmptyMap
) -> Callable[..., tuple[jax.Array, ...]]:
    run = functools.partial(draw, cut=cut, empty_map=empty_map)
    return jax.jit(on_each(run, mesh, DIVIDED, DIVIDED))


def draw(
    maps: jax.Array,
    rows: jax.Array,
    bits: jax.Array,
    axes: Axes,
    clicked_yx: jax.Array,
    group_numbers: jax.Array,
    keys: jax.Array,
    *,
    cut: groups.Cut,
    empty_map: groups.EmptyMap,
) -> tuple[jax.Array, ...]:
    """Draws clicks from some maps of a device.

    Args:
        maps: Maps of the squares of a pass, `f32[r s s]`.
        rows: Which of them are drawn from, `i32[n]`.
        bits: The region of each, `u8[n h w/8]`.
        axes: Taps to native size of each.
        clicked_yx: Pixels that are not clicked again, `i32[n k 2]`.
        group_numbers: Clicking groups, `i32[n g]`.
        keys: Halves of their random bits, `u32[n g 2]`.
        cut: How groups are cut.
        empty_map: What is drawn from if a map has no mass in the region.

    Returns:
        Pixels, `i32[n g]`, then number of wrong values, least and largest value, `[n]`.
    """
    click_maps = device_letterbox.restore_rows(maps, rows, axes)
    free = jax.vmap(_without)(packed_masks.unpack(bits), clicked_yx)
    to_levels = functools.partial(drawable, empty_map=empty_map)
    levels = jax.vmap(to_levels)(click_maps, free)
    count, height, width = levels.shape
    places = jnp.broadcast_to(jnp.array([[0, 0, width]], jnp.uint32), (count, 3))
    pixels: jax.Array = sampling.draw_maps(
        levels.reshape(count, height * width), places, group_numbers, keys, cut=cut
    )
    pixel_axes = (1, 2)
    return (
        pixels,
        (~jnp.isfinite(click_maps)).sum(pixel_axes, dtype=jnp.int32),
        click_maps.min(pixel_axes),
        click_maps.max(pixel_axes),
    )


def _without(region: jax.Array, clicked_yx: jax.Array) -> jax.Array:
    return region.at[clicked_yx[:, 0], clicked_yx[:, 1]].set(False, mode="drop")


def drawable(
    click_map: jax.Array, region: jax.Array, *, empty_map: groups.EmptyMap
) -> jax.Array:
    """Returns the levels from which clicks are drawn, as `groups.drawable`.

    Args:
        click_map: Click density, `f32[h w]`.
        region: Where a click may fall, `bool[h w]`.
        empty_map: What to do if the map has no mass in the region.

    Returns:
        The levels, `u16[h w]`.
    """
    usable = region & jnp.isfinite(click_map) & (click_map > 0)
    masked = jnp.where(usable, click_map, 0)
    peak = masked.max()
    scale = jnp.where(peak > groups.SMALLEST_PEAK, groups.TOP_LEVEL / peak, 0)
    levels = jnp.rint(masked * scale).astype(jnp.uint16)
    if empty_map == "baseline":
        return levels
    everywhere = jnp.where(region, jnp.uint16(groups.TOP_LEVEL), jnp.uint16(0))
    return jnp.where(levels.any(), levels, everywhere)
