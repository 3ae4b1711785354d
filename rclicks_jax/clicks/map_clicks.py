"""Clicks drawn from click maps: the one question where people click, and its answer.

A `Query` has all that a click model and a draw need, and its answer `MapClicks` only
the clicks, so that maps can stay where they are made. `OnHost` answers in host memory,
in stages: `prepare` and `finish` may run in many threads at a time, on the queries of
one object; `send` and `answer` take a batch of any objects.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from rclicks_jax.clicks import click_models, groups, sampling
from rclicks_jax.ops.bit_masks import BitMask
from rclicks_jax.types import ClickQuery


class Query(NamedTuple):
    """A query: which pixels do people of some clicking groups click?

    Attributes:
        image: The photograph, RGB, `u8[h w 3]`.
        gt_mask: The target, `bool[h w]`.
        region: The region to mend, which has a pixel; `bool[h w]`, or soft `f32[h w]`,
            only if no click is drawn.
        clicked_yx: Pixels that were clicked, and are not clicked again, `i32[n 2]`.
        group_numbers: Clicking groups that draw a click each, 1..10, `i32[g]`.
        bits: Random bits for each of them, `u64[g]`.
        wants_map: Whether the answer has the click map.
    """

    image: np.ndarray
    gt_mask: np.ndarray
    region: BitMask | np.ndarray
    clicked_yx: np.ndarray
    group_numbers: np.ndarray
    bits: np.ndarray
    wants_map: bool

    @property
    def click_query(self) -> ClickQuery:
        """What a click model is asked; its region is unpacked."""
        region = self.region
        if isinstance(region, BitMask):
            region = region.unpack()
        return ClickQuery(self.image, self.gt_mask, region)


class MapClicks(NamedTuple):
    """The answer to a query.

    Attributes:
        yx: A pixel for each group, `i32[g 2]`; None if the map has no mass in the
            region.
        is_blank: Whether the map says that people click nowhere, in any region.
        click_map: The map, `f32[h w]`, if it was wanted.
    """

    yx: np.ndarray | None
    is_blank: bool
    click_map: np.ndarray | None


class Answers(Protocol):
    """Whatever answers queries, on the host or on a device.

    Attributes:
        batch: Queries of a pass; fewer take as long. 0 if queries are answered one by
            one.
    """

    batch: int

    def prepare(self, queries: Sequence[Query]) -> Sequence[Any]:
        """Prepares the queries of one object; called from several threads."""
        ...

    def send(self, prepared: Sequence[Any]) -> Any:
        """Begins to answer prepared queries of any objects, at most `batch`."""
        ...

    def answer(self, sent: Any) -> Sequence[Any]:
        """Answers them, of what `send` returned."""
        ...

    def finish(self, queries: Sequence[Query], raw: Sequence[Any]) -> list[MapClicks]:
        """Makes clicks of what `answer` returned; called from several threads."""
        ...


class OnHost:
    """Answers queries with maps in host memory; see `Answers`."""

    def __init__(
        self,
        click_model: click_models.ClickModel,
        *,
        cut: groups.Cut,
        empty_map: groups.EmptyMap,
        on_device: bool = False,
    ) -> None:
        """Takes what all queries share.

        Args:
            click_model: The click model.
            cut: How groups are cut.
            empty_map: What is drawn from if a map has no mass in the region.
            on_device: Whether an accelerator draws.
        """
        self._maps = click_models.stages(click_model)
        self.batch = self._maps.batch
        self._cut: groups.Cut = cut
        self._empty_map: groups.EmptyMap = empty_map
        self._on_device = on_device

    def prepare(self, queries: Sequence[Query]) -> Sequence[object]:
        """Prepares the queries of one object."""
        return self._maps.prepare([query.click_query for query in queries])

    def send(self, prepared: Sequence[object]) -> object:
        """Begins to ask the click model."""
        return self._maps.send(prepared)

    def answer(self, sent: object) -> Sequence[object]:
        """Returns what it answers."""
        return self._maps.answer(sent)

    def finish(
        self, queries: Sequence[Query], raw: Sequence[object]
    ) -> list[MapClicks]:
        """Draws from each map.

        Raises:
            DataError: The click model gave something else than click maps.
        """
        return [self._clicks(*each) for each in zip(queries, raw, strict=True)]

    def _clicks(self, query: Query, raw: object) -> MapClicks:
        (click_map,) = self._maps.finish([query.click_query], [raw])
        draw = part_to_draw_from(click_map, query, self._empty_map)
        (pixels,) = sampling.draw_all([draw], cut=self._cut, on_device=self._on_device)
        return MapClicks(
            positions(draw, pixels),
            click_models.is_blank(click_map),
            click_map if query.wants_map else None,
        )


def positions(draw: sampling.Draw, pixels: np.ndarray) -> np.ndarray | None:
    """Returns where drawn pixels are in the photograph, `i32[g 2]`.

    Args:
        draw: What was drawn.
        pixels: Row-major indices in its part, `i32[g]`; -1 if nothing was drawn.
    """
    if (pixels < 0).any():
        return None
    ys, xs = np.divmod(pixels, draw.levels.shape[1])
    return np.stack([ys + draw.top, xs + draw.left], axis=-1).astype(np.int32)


def part_to_draw_from(
    click_map: np.ndarray, query: Query, empty_map: groups.EmptyMap
) -> sampling.Draw:
    """Returns the box of the region in a map: outside, nothing can be drawn.

    Args:
        click_map: `f32[h w]`.
        query: The query that the map is for; its region is packed.
        empty_map: What is drawn from if the map has no mass in the region.
    """
    assert isinstance(query.region, BitMask)
    free, (top, left) = query.region.cropped()
    height, width = free.shape
    ys, xs = (query.clicked_yx - (top, left)).T
    inside = (ys >= 0) & (ys < height) & (xs >= 0) & (xs < width)
    free[ys[inside], xs[inside]] = False
    part = click_map[top : top + height, left : left + width]
    levels = groups.drawable(part, free, empty_map=empty_map)
    return sampling.Draw(levels, top, left, query.group_numbers, query.bits)
