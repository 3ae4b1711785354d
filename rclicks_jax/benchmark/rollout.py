"""Rounds of clicks on one object, all strategies together, as a coroutine.

A round: what is wrong in each trajectory; where a robot would click; for group
trajectories a click map of the wrong region, and a click drawn from it; the segmenter's
answers to the newest clicks; areas for IoU. Maps, draws and answers are questions to
whoever runs the rollout (`lockstep`). The first round's map is the same for all groups
and is asked for once.
"""

import dataclasses
import itertools
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.benchmark import questions, scoring, trajectories
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.benchmark.setup import Setup, TrajectoryKey
from rclicks_jax.benchmark.trajectories import LiveTrajectories
from rclicks_jax.clicks import (
    click_models,
    error_masks,
    groups,
    sampling,
    strategies,
)
from rclicks_jax.ops import masks
from rclicks_jax.types import ClickQuery, ImageExample, InstanceExample, Trajectory


@dataclasses.dataclass(frozen=True)
class PlayedObject:
    """What a rollout gives of its object.

    Attributes:
        trajectories: Trajectories in the order of `Setup.trajectory_keys`.
        first_map: Click map of the first round, `f32[h w]`; None if no group played.
        last_masks: Last mask of each trajectory, in the same order.
        rounds: Masks of all rounds of those that were watched, by their number in that
            order, `u32[h w]`; see `trajectories.LiveTrajectories`.
        blank: Whether there were click maps and all of them were zero everywhere, so
            that no click is people's.
    """

    trajectories: tuple[Trajectory, ...]
    first_map: np.ndarray | None
    last_masks: list[np.ndarray]
    rounds: dict[int, np.ndarray]
    blank: bool = False


def rollout(
    example: ImageExample,
    instance: InstanceExample,
    setup: Setup,
    clock: Clock,
    watched: Collection[tuple[str, int]] = (),
) -> questions.Coroutine[PlayedObject]:
    """Plays every strategy on an object.

    Args:
        example: The photograph.
        instance: The object.
        setup: Setup of the run.
        clock: Takes the time of what is done here, not of what is waited for.
        watched: Strategies and groups whose masks of all rounds are kept.

    Yields:
        Questions; a round has at most one of maps, one of draws, and one to the
        segmenter, in this order.

    Returns:
        What was played.
    """
    protocol = setup.protocol
    with clock.measure("simulate"):
        name = f"{example.dataset}/{instance.instance_id}"
        shape = instance.gt_mask.shape
        live = trajectories.start(name, shape, setup, watched)
        target = scoring.target_of(instance)
    rows = np.arange(len(live.keys))
    first_map: np.ndarray | None = None
    blank: list[bool] = []
    for _ in range(protocol.max_clicks):
        with clock.measure("simulate"):
            clicks = [robot_click(instance, live, row) for row in rows.tolist()]
            if not protocol.clicks_after_perfect:
                wrong = [bool(click.error_mask.any()) for click in clicks]
                rows = rows[np.array(wrong, bool)]
                clicks = list(itertools.compress(clicks, wrong))
        if not rows.size:
            break
        people = yield from _people_click(
            example.image, instance, live, rows, clicks, setup, clock
        )
        if people.first_map is not None:
            first_map = people.first_map
        if people.blank is not None:
            blank.append(people.blank)
        trajectories.add_clicks(live, rows, people.clicks)
        answers = yield questions.SegmenterQuestion(rows, live.clicks.rows(rows))
        with clock.measure("score"):
            areas = scoring.areas(target, answers, on_device=setup.on_device)
            trajectories.add_answers(live, rows, answers, areas)
        rows = trajectories.unsolved(live, rows, protocol.stop_at)
    return PlayedObject(
        trajectories.to_records(live),
        first_map,
        live.pred_masks,
        live.rounds,
        blank=bool(blank) and all(blank),
    )


def robot_click(
    instance: InstanceExample, live: LiveTrajectories, row: int
) -> strategies.NextClick:
    """Returns the next click of a robot; of people, what the baseline would click.

    Args:
        instance: The object.
        live: Its trajectories.
        row: One of them.
    """
    wrong = error_masks.find(
        instance.gt_mask, live.pred_masks[row], instance.ignore_mask
    )
    robot = strategies.ROBOTS.get(live.keys[row].strategy)
    if robot is None:
        return strategies.baseline_click(wrong, live.not_clicked[row])
    bits = int(live.bits[row, live.clicks.count[row]])
    return robot.click(wrong, live.not_clicked[row], bits)


class PeopleClicks(NamedTuple):
    """Clicks of a round, those of groups where people would click.

    Attributes:
        clicks: The click of each row that clicks.
        first_map: Click map of the first round, `f32[h w]`; None in later rounds, or if
            no group clicks.
        blank: Whether all its maps are zero everywhere; None if there is no map.
    """

    clicks: list[strategies.NextClick]
    first_map: np.ndarray | None
    blank: bool | None


def _people_click(
    image: np.ndarray,
    instance: InstanceExample,
    live: LiveTrajectories,
    rows: np.ndarray,
    clicks: list[strategies.NextClick],
    setup: Setup,
    clock: Clock,
) -> questions.Coroutine[PeopleClicks]:
    """Puts the clicks of group trajectories where click maps draw them.

    A click stays where the robot puts it if the map has no mass in the wrong region.

    Args:
        image: `u8[h w 3]`.
        instance: The object.
        live: Its trajectories.
        rows: The rows that click, `int[r]`.
        clicks: A robot's click for each of them.
        setup: Setup of the run.
        clock: Takes the time of what is done here.
    """
    keys: list[TrajectoryKey] = [live.keys[row] for row in rows.tolist()]
    round_index = int(live.clicks.count[rows[0]])
    with clock.measure("simulate"):
        sharing = places_by_map(keys, clicks, is_first=round_index == 0)
    if not sharing:
        return PeopleClicks(clicks, None, None)
    regions = [clicks[places[0]].error_mask for places in sharing]
    maps = yield questions.MapQuestion(
        tuple(ClickQuery(image, instance.gt_mask, region) for region in regions)
    )
    with clock.measure("simulate"):
        # Looks no further than the first map that has mass.
        blank = all(map(click_models.is_blank, maps))
        parts = [
            part_to_draw_from(
                click_map,
                region,
                live.not_clicked[rows[places[0]]],
                [keys[place].group for place in places],
                live.bits[rows[places], round_index],
                setup.protocol.empty_map,
            )
            for click_map, region, places in zip(maps, regions, sharing, strict=True)
        ]
    pixels = yield questions.DrawQuestion(tuple(part.draw for part in parts))
    moved = list(clicks)
    for places, part, drawn in zip(sharing, parts, pixels, strict=True):
        for place, pixel in zip(places, drawn.tolist(), strict=True):
            moved[place] = part.moved(clicks[place], pixel)
    return PeopleClicks(moved, None if round_index else maps[0], blank)


def places_by_map(
    keys: Sequence[TrajectoryKey],
    clicks: Sequence[strategies.NextClick],
    *,
    is_first: bool,
) -> list[list[int]]:
    """Returns for each click map of a round who draws from it.

    Before the first click nothing tells the groups of an object apart: they share a
    map. Where nothing is wrong, nothing is drawn.

    Args:
        keys: The trajectories that click, in the order of their rows.
        clicks: A robot's click for each of them.
        is_first: Whether it is their first click.

    Returns:
        Places in `keys`, in order, of group trajectories.
    """
    places = [
        place
        for place, (key, click) in enumerate(zip(keys, clicks, strict=True))
        if key.strategy == strategies.GROUP and click.error_mask.any()
    ]
    if is_first:
        return [places] if places else []
    return [[place] for place in places]


class MapPart(NamedTuple):
    """The part of a click map that clicks are drawn from.

    Attributes:
        draw: What is drawn.
        top: Row of the photograph where the part begins.
        left: Column of the photograph where the part begins.
    """

    draw: sampling.Draw
    top: int
    left: int

    def moved(self, click: strategies.NextClick, pixel: int) -> strategies.NextClick:
        """Returns a click at a pixel of the part; as it was if there is none.

        Args:
            click: A robot's click in the same region.
            pixel: Row-major index in the part; -1 for none.
        """
        if pixel < 0:
            return click
        y, x = divmod(pixel, self.draw.levels.shape[1])
        return click._replace(y=self.top + y, x=self.left + x)


def part_to_draw_from(
    click_map: np.ndarray,
    error_mask: np.ndarray,
    not_clicked: np.ndarray,
    group_numbers: Sequence[int],
    bits: np.ndarray,
    empty_map: groups.EmptyMap,
) -> MapPart:
    """Returns the box of the wrong region in a map: outside, nothing can be drawn.

    Args:
        click_map: `f32[h w]`.
        error_mask: The region, with a pixel, `bool[h w]`.
        not_clicked: Pixels without a click so far, `bool[h w]`.
        group_numbers: Clicking groups that draw a click each, 1..10.
        bits: Random bits for each of them, `u64[g]`.
        empty_map: What is drawn from if the map has no mass in the region.
    """
    box = masks.bounding_box(error_mask)
    assert box is not None
    top, bottom, left, right = box
    inside = np.s_[top:bottom, left:right]
    levels = groups.drawable(
        click_map[inside],
        error_mask[inside] & not_clicked[inside],
        empty_map=empty_map,
    )
    numbers = np.array(group_numbers, np.int32)
    return MapPart(sampling.Draw(levels, top, left, numbers, bits), top, left)
