"""Rounds of clicks on one object, all strategies together, as a coroutine.

A round: what is wrong in each trajectory; where a robot would click; for group
trajectories a click drawn from a click map of the wrong region; the segmenter's answers
to the newest clicks; areas for IoU. Regions, clicks of people and answers are questions
to whoever runs the rollout. The first round's map is the same for all groups and is
asked for once.
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
from rclicks_jax.clicks import error_masks, map_clicks, region_search, strategies
from rclicks_jax.ops import bit_masks
from rclicks_jax.ops.bit_masks import BitMask
from rclicks_jax.types import ImageExample, InstanceExample, Trajectory


@dataclasses.dataclass(frozen=True)
class PlayedObject:
    """What a rollout gives of its object.

    Attributes:
        trajectories: Trajectories in the order of `Setup.trajectory_keys`.
        first_map: Click map of the first round, `f32[h w]`; None if no group played, or
            if it was not wanted.
        last_masks: Last mask of each trajectory, in the same order.
        rounds: Masks of all rounds of those that were watched, by their number in that
            order, `u32[h w]`; see `trajectories.LiveTrajectories`.
        blank: Whether there were click maps and all of them were zero everywhere, so
            that no click is people's.
    """

    trajectories: tuple[Trajectory, ...]
    first_map: np.ndarray | None
    last_masks: list[BitMask]
    rounds: dict[int, np.ndarray]
    blank: bool = False


def rollout(
    example: ImageExample,
    instance: InstanceExample,
    setup: Setup,
    clock: Clock,
    watched: Collection[tuple[str, int]] = (),
    *,
    wants_map: bool = True,
) -> questions.Coroutine[PlayedObject]:
    """Plays every strategy on an object.

    Args:
        example: The photograph.
        instance: The object.
        setup: Setup of the run.
        clock: Takes the time.
        watched: Strategies and groups whose masks of all rounds are kept.
        wants_map: Whether the click map of the first round is wanted.

    Yields:
        Questions; a round has at most one of regions, one of clicks and one to the
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
        clicks = yield from _robots_click(target, live, rows, clock)
        with clock.measure("simulate"):
            if not protocol.clicks_after_perfect:
                wrong = [click.error_mask.any() for click in clicks]
                rows = rows[np.array(wrong, bool)]
                clicks = list(itertools.compress(clicks, wrong))
        if not rows.size:
            break
        people = yield from _people_click(
            example.image, instance, live, rows, clicks, clock, wants_map
        )
        del clicks
        if people.first_map is not None:
            first_map = people.first_map
        if people.blank is not None:
            blank.append(people.blank)
        trajectories.add_clicks(live, rows, people.clicks)
        question = questions.SegmenterQuestion(rows, live.clicks.rows(rows))
        answers: list[np.ndarray] = yield question
        clock.add("predict", question.seconds)
        with clock.measure("score"):
            # The only place where a round packs: all that follows works on bits.
            pred_masks = [bit_masks.pack(answer) for answer in answers]
            del answers
            areas = scoring.areas(target, pred_masks, on_device=setup.on_device)
            trajectories.add_answers(live, rows, pred_masks, areas)
        rows = trajectories.unsolved(live, rows, protocol.stop_at)
    return PlayedObject(
        trajectories.to_records(live),
        first_map,
        live.pred_masks,
        trajectories.seen_rounds(live),
        blank=bool(blank) and all(blank),
    )


def _robots_click(
    target: scoring.Target, live: LiveTrajectories, rows: np.ndarray, clock: Clock
) -> questions.Coroutine[list[strategies.NextClick]]:
    """Returns the next clicks of robots; of people, only the region that they mend.

    Args:
        target: The object.
        live: Its trajectories.
        rows: Those that click, `int[r]`.
        clock: Takes the time.
    """
    clicks: dict[int, strategies.NextClick] = {}
    numbers: list[int] = rows.tolist()
    others = [row for row in numbers if live.keys[row].strategy in strategies.ROBOTS]
    with clock.measure("simulate"):
        for row in others:
            clicks[row] = _further_robot_clicks(target, live, row)
    mending = [row for row in numbers if row not in clicks]
    if mending:
        query = region_search.Query(
            target.gt_mask,
            target.counted_mask,
            [live.pred_masks[row] for row in mending],
            [trajectories.clicked_yx(live, row) for row in mending],
            [live.keys[row].strategy == strategies.BASELINE for row in mending],
        )
        question = questions.RegionQuestion(query)
        answers: list[list[strategies.NextClick]] = yield question
        clock.add("simulate", question.seconds)
        clicks |= dict(zip(mending, answers[0], strict=True))
    return [clicks[row] for row in numbers]


def _further_robot_clicks(
    target: scoring.Target, live: LiveTrajectories, row: int
) -> strategies.NextClick:
    """Returns the next click of a robot of `strategies.ROBOTS`."""
    clicked_yx = trajectories.clicked_yx(live, row)
    bits = int(live.bits[row, len(clicked_yx)])
    wrong = error_masks.find(target.gt_mask, live.pred_masks[row], target.counted_mask)
    return strategies.ROBOTS[live.keys[row].strategy].click(wrong, clicked_yx, bits)


class PeopleClicks(NamedTuple):
    """Clicks of a round, those of groups where people would click.

    Attributes:
        clicks: The click of each row that clicks.
        first_map: Click map of the first round, `f32[h w]`; None in later rounds, if no
            group clicks, or if it is not wanted.
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
    clock: Clock,
    wants_map: bool,
) -> questions.Coroutine[PeopleClicks]:
    """Puts the clicks of group trajectories where click maps draw them.

    If the map has no mass in the wrong region, people click where the baseline would.

    Args:
        image: `u8[h w 3]`.
        instance: The object.
        live: Its trajectories.
        rows: The rows that click, `int[r]`.
        clicks: A robot's click for each of them, and the region that people mend.
        clock: Takes the time.
        wants_map: Whether the map of the first round is wanted.
    """
    keys: list[TrajectoryKey] = [live.keys[row] for row in rows.tolist()]
    round_index = int(live.clicks.count[rows[0]])
    is_first = round_index == 0
    sharing = places_by_map(keys, clicks, is_first=is_first)
    if not sharing:
        return PeopleClicks(clicks, None, None)
    question = questions.ClickQuestion(
        [
            map_clicks.Query(
                image,
                instance.gt_mask,
                clicks[places[0]].error_mask,
                trajectories.clicked_yx(live, rows[places[0]]),
                np.array([keys[place].group for place in places], np.int32),
                live.bits[rows[places], round_index],
                wants_map=is_first and wants_map,
            )
            for places in sharing
        ]
    )
    answers: list[map_clicks.MapClicks] = yield question
    clock.add("simulate", question.seconds)
    moved = list(clicks)
    for places, answer in zip(sharing, answers, strict=True):
        if answer.yx is None:
            with clock.measure("simulate"):
                clicked_yx = trajectories.clicked_yx(live, rows[places[0]])
                deepest = strategies.deepest(clicks[places[0]], clicked_yx)
                answer_yx = [(deepest.y, deepest.x)] * len(places)
        else:
            answer_yx = answer.yx.tolist()
        for place, (y, x) in zip(places, answer_yx, strict=True):
            moved[place] = clicks[place]._replace(y=y, x=x)
    blank = all(answer.is_blank for answer in answers)
    return PeopleClicks(moved, answers[0].click_map, blank)


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
