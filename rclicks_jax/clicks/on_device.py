"""Where people click, answered on devices: maps and levels never leave them.

A photograph and a target go up once while they are in play, a region as bits. Squares,
the network, the map at native size, its levels, and the clicks of all groups are
programs of the devices, at few static shapes: one of the network, and a few for each
bucket of sizes of photographs. Clicks come back, and maps only where they are wanted.
Jobs that need whole maps (click maps, evaluations) ask the same programs and draw no
click there.

The pixels are those of `map_clicks.OnHost`, but where rounding of the letterbox moves a
level (docs/deviations.md says how often).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from rclicks_jax import errors
from rclicks_jax.clicks import (
    click_models,
    device_rows,
    groups,
    map_clicks,
    sampling,
)
from rclicks_jax.clicks.device_rows import Arrays, Chunk, Prepared
from rclicks_jax.clicks.map_clicks import MapClicks, Query
from rclicks_jax.networks import device_letterbox, infer, passes
from rclicks_jax.networks.passes import DIVIDED, on_each
from rclicks_jax.ops import buckets, packed_masks
from rclicks_jax.ops.taps import Axes
from rclicks_jax.types import ClickQuery

_NO_CLICKS, _NO_GROUPS = np.zeros((0, 2), np.int32), np.zeros(0, np.int32)
_NO_BITS = np.zeros(0, np.uint64)
# Native maps of a pass that wait on each device to be fetched, bytes.
_MAPS_BYTES = 1 << 30


def is_at_hand() -> bool:
    """Tells whether JAX has an accelerator, so that pixels are worked on there."""
    return jax.default_backend() != "cpu"


def lost(error: Exception) -> errors.DeviceError | None:
    """Returns the loss of a device, if that is what an error of XLA says.

    Passes of a network say it themselves. This is for whatever else runs on devices,
    such as draws and areas.
    """
    if not passes.is_of_device(error):
        return None
    line = str(error).partition("\n")[0]
    return errors.DeviceError(
        f"A device failed or was lost ({line}). What is finished is kept: run the same "
        "command again."
    )


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


def map_stages(
    click_model: click_models.ClickModel, *, on_device: bool
) -> click_models.Stages:
    """Returns the stages of a click model whose whole maps are wanted.

    Args:
        click_model: The click model.
        on_device: Whether there is an accelerator. Photographs and masks then go there
            as bytes and bits, and maps of a network come back at native size.
    """
    if not (on_device and isinstance(click_model, infer.ClickabilityModel)):
        return click_models.stages(click_model)
    network = click_model
    # How clicks are drawn does not matter, as none are.
    devices = OnDevice(network, cut="mass", empty_map="uniform")

    def prepare(queries: Sequence[ClickQuery]) -> list[Prepared]:
        return devices.prepare(list(map(_map_query, queries)))

    def finish(queries: Sequence[ClickQuery], raw: Sequence[Raw]) -> list[np.ndarray]:
        answered = devices.finish(list(map(_map_query, queries)), raw)
        maps = [answer.click_map for answer in answered]
        return [network.rescaled(made) for made in maps if made is not None]

    return click_models.Stages(
        devices.batch, prepare, devices.send, devices.answer, finish
    )


def _map_query(query: ClickQuery) -> Query:
    """Returns the query that asks for a map and no click."""
    return Query(*query, _NO_CLICKS, _NO_GROUPS, _NO_BITS, wants_map=True)


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


class Sent(NamedTuple):
    """A pass under way.

    Attributes:
        chunks: Its queries.
        drawn: What the device draws for each chunk.
        native: Maps of each at native size; None where none is wanted.
    """

    chunks: Sequence[Chunk]
    drawn: Sequence[Any]
    native: Sequence[Any]


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
        return [device_rows.prepare(query, self._size) for query in queries]

    def send(self, prepared: Sequence[Prepared]) -> "Sent":
        """Starts a pass for at most `batch` queries of any objects.

        Two threads may call it: while one waits for its pass, the other packs the next
        and sends it after.

        Raises:
            DeviceMemoryError: The pass needs more memory than a device has.
            DeviceError: A device is lost.
        """
        chunks = device_rows.chunks(prepared, self._passes.plan)
        sent = self._passes.send([chunk.arrays for chunk in chunks])
        with self._passes.preparing():
            maps = self._maps(prepared, sent)
            drawn = [self._draw(maps, *arrays.drawn_from) for arrays in sent]
            wanted = [
                any(prepared[number].wants_map for number in chunk.queries.values())
                for chunk in chunks
            ]
            return Sent(chunks, drawn, self._native(maps, sent, wanted))

    def answer(self, sent: "Sent") -> list[Raw]:
        """Waits for a pass; raises as `send`."""
        raw: dict[int, Raw] = {}
        fetched = self._passes.fetch((sent.drawn, sent.native))
        for chunk, arrays, click_maps in zip(sent.chunks, *fetched, strict=True):
            pixels, wrong, lowest, highest = arrays
            for place, number in chunk.queries.items():
                raw[number] = Raw(
                    pixels[place],
                    int(wrong[place]),
                    float(lowest[place]),
                    float(highest[place]),
                    None if click_maps is None else click_maps[place],
                )
        return [raw[number] for number in sorted(raw)]

    def _maps(self, prepared: Sequence[Prepared], sent: Sequence[Arrays]) -> jax.Array:
        """Starts the pass of the network; returns the maps of the squares."""
        network = self._passes
        regions = self._no_regions()
        for arrays in sent:
            regions = self._letterbox.place(
                regions, arrays.rows, arrays.region, arrays.place
            )
        put_image = functools.partial(device_letterbox.put_image, network.plan)
        put_mask = functools.partial(device_letterbox.put_mask, network.plan)
        image_slots, target_slots = np.zeros((2, network.plan.rows), np.int32)
        for number, each in enumerate(prepared):
            device, row = device_rows.device_and_row(number, network.plan)
            at = device * network.plan.batch + row
            image_slots[at] = network.images.find(each.image, put_image)
            target_slots[at] = network.targets.find(each.gt_mask, put_mask)
        return network.start(image_slots, target_slots, regions)

    def _native(
        self, maps: jax.Array, sent: Sequence[Arrays], wanted: Sequence[bool]
    ) -> list[Any]:
        """Starts maps at native size where they are wanted, and None elsewhere.

        Large ones come back before the next are made, so that few are on a device.
        """
        most = _MAPS_BYTES * self._passes.plan.mesh.size
        native: list[Any] = []
        bytes_there = 0
        for arrays, is_wanted in zip(sent, wanted, strict=True):
            if not is_wanted:
                native.append(None)
                continue
            if bytes_there > most:
                native, bytes_there = self._passes.fetch(native), 0
            native.append(self._letterbox.restore(maps, arrays.rows, arrays.restore))
            bytes_there += native[-1].nbytes
        return native

    def finish(self, queries: Sequence[Query], raw: Sequence[Raw]) -> list[MapClicks]:
        """Makes clicks of pixels; called from several threads.

        Raises:
            DataError: The network gave something else than click maps.
        """
        return [_finished(*each) for each in zip(queries, raw, strict=True)]


def _finished(query: Query, raw: Raw) -> MapClicks:
    click_models.check_values(raw.wrong, raw.lowest)
    height, width = query.gt_mask.shape
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
    region: jax.Array,
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
        region: The region of each, packed.
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
    # A soft region comes without groups, and then nothing is drawn.
    regions = packed_masks.unpack(region).astype(bool)
    free = jax.vmap(_without)(regions, clicked_yx)
    to_levels = functools.partial(drawable, empty_map=empty_map)
    levels = jax.vmap(to_levels)(click_maps, free)
    count, height, width = levels.shape
    every_row = jnp.arange(height, dtype=jnp.uint32)[None, :, None]
    every_column = jnp.arange(width, dtype=jnp.uint32)[None, None, :]
    # `functools.partial` loses the type of what `jax.jit` makes.
    pixels = cast(
        jax.Array,
        sampling.draw_maps(
            levels,
            jnp.broadcast_to(every_row, (count, height, 1)),
            jnp.broadcast_to(every_column, (count, 1, width)),
            group_numbers,
            keys,
            cut=cut,
        ),
    )
    return (pixels, *_checked(click_maps))


def _checked(click_maps: jax.Array) -> tuple[jax.Array, ...]:
    """Returns what is checked of maps, `f32[n h w]`, in one reading of them.

    Returns:
        Number of values that are no finite numbers, least and largest value, `[n]`.
    """

    def of_both(first: Sequence[jax.Array], second: Sequence[jax.Array]) -> Any:
        return (
            first[0] + second[0],
            jax.lax.min(first[1], second[1]),
            jax.lax.max(first[2], second[2]),
        )

    wrong = (~jnp.isfinite(click_maps)).astype(jnp.int32)
    start = np.int32(0), np.float32(np.inf), np.float32(-np.inf)
    return jax.lax.reduce((wrong, click_maps, click_maps), start, of_both, (1, 2))


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
    # The level of the peak is then above 0.
    has_mass = peak > groups.SMALLEST_PEAK
    scale = jnp.where(has_mass, groups.TOP_LEVEL / peak, 0)
    levels = jnp.rint(masked * scale).astype(jnp.uint16)
    if empty_map == "baseline":
        return levels
    everywhere = jnp.where(region, jnp.uint16(groups.TOP_LEVEL), jnp.uint16(0))
    return jnp.where(has_mass, levels, everywhere)
