"""Rounds of clicks on one object, all strategies together, as a coroutine.

A round: where a robot would click; for group trajectories a click drawn from a click
map of the wrong region; the segmenter's answers to the newest clicks; what is wrong in
them: areas for IoU, and what the next clicks mend. Clicks of people, answers and
mistakes are questions to whoever runs the rollout. The first round's map is the same
for all groups and is asked for once.
"""

import dataclasses
import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.benchmark import mistakes, questions, scoring, trajectories
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.benchmark.mistakes import Mend
from rclicks_jax.benchmark.setup import Setup, TrajectoryKey
from rclicks_jax.benchmark.trajectories import LiveTrajectories
from rclicks_jax.clicks import error_masks, map_clicks, strategies
from rclicks_jax.ops import bit_masks
from rclicks_jax.ops.bit_masks import BitMask
from rclicks_jax.settings.protocols import Protocol
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
        Questions; a round has at most one of clicks, one to the segmenter, and one of
        mistakes, in this order. The first of mistakes is before the first round.

    Returns:
        What was played.
    """
    protocol = setup.protocol
    with clock.measure("simulate"):
        name = f"{example.dataset}/{instance.instance_id}"
        shape = instance.gt_mask.shape
        live = trajectories.start(name, shape, setup, watched)
        target = scoring.target_of(instance)
        before = bit_masks.empty(shape).bits
    rows = np.arange(len(live.keys))
    bits = np.broadcast_to(before, (len(rows), *before.shape))
    found = yield from _mistakes(target, live, rows, bits, protocol, clock)
    first_map: np.ndarray | None = None
    blank: list[bool] = []
    for clicks_left in range(protocol.max_clicks - 1, -1, -1):
        with clock.measure("simulate"):
            mends = _next_clicks(target, live, rows, found.mends)
            if not protocol.clicks_after_perfect:
                wrong = [mend.is_wrong for mend in mends]
                rows = trajectories.left(live, rows, np.array(wrong, bool))
                mends = list(itertools.compress(mends, wrong))
        del found
        if not rows.size:
            break
        people = yield from _people_click(
            example.image, instance, live, rows, mends, clock, wants_map
        )
        del mends
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
            bits = bit_masks.pack_all(answers)
            del answers
        found = yield from _mistakes(
            target, live, rows, bits, protocol, clock, is_last=not clicks_left
        )
        with clock.measure("score"):
            trajectories.add_answers(live, rows, bits, found.areas)
            rows = trajectories.unsolved(live, rows, protocol.stop_at)
    return PlayedObject(
        trajectories.to_records(live),
        first_map,
        live.pred_masks,
        trajectories.seen_rounds(live),
        blank=bool(blank) and all(blank),
    )


class _Mistakes(NamedTuple):
    """What is wrong in some trajectories.

    Attributes:
        areas: Intersection and union, of masks and of boundary bands, `i64[r 4]`.
        mends: The next click of the baseline, or the region that people mend, by row.
    """

    areas: np.ndarray
    mends: Mapping[int, Mend]


def _mistakes(
    target: scoring.Target,
    live: LiveTrajectories,
    rows: np.ndarray,
    pred_bits: np.ndarray,
    protocol: Protocol,
    clock: Clock,
    *,
    is_last: bool = False,
) -> questions.Coroutine[_Mistakes]:
    """Asks what is wrong with predictions.

    Args:
        target: The object.
        live: Its trajectories.
        rows: Those of the predictions, `int[r]`.
        pred_bits: Bits of the predictions, `u64[r H W/64]`.
        protocol: Says when a trajectory ends.
        clock: Takes the time.
        is_last: Whether no further click is wanted.
    """
    numbers: list[int] = rows.tolist()
    query = mistakes.Query(
        target,
        pred_bits,
        live.clicks.yx[rows, : live.clicks.count[rows[0]]],
        [mistakes.Wanted.NOTHING if is_last else live.wanted[row] for row in numbers],
        protocol.stop_at,
    )
    question = questions.MistakesQuestion(query)
    answers: list[mistakes.Mistakes] = yield question
    (found,) = answers
    clock.add("score", found.score_seconds)
    clock.add("simulate", question.seconds - found.score_seconds)
    mends = {numbers[place]: mend for place, mend in found.mends.items()}
    return _Mistakes(found.areas, mends)


def _next_clicks(
    target: scoring.Target,
    live: LiveTrajectories,
    rows: np.ndarray,
    mends: Mapping[int, Mend],
) -> list[Mend]:
    """Returns the next clicks of robots; of people, only the region that they mend.

    Args:
        target: The object.
        live: Its trajectories.
        rows: Those that click, `int[r]`.
        mends: Clicks of all but further robots, by row.
    """
    return [
        mends[row] if row in mends else _further_robot_click(target, live, row)
        for row in rows.tolist()
    ]


def _further_robot_click(
    target: scoring.Target, live: LiveTrajectories, row: int
) -> Mend:
    """Returns the next click of a robot of `strategies.ROBOTS`."""
    clicked_yx = trajectories.clicked_yx(live, row)
    bits = int(live.bits[row, len(clicked_yx)])
    wrong = error_masks.find(target.gt_mask, live.pred_masks[row], target.counted_mask)
    click = strategies.ROBOTS[live.keys[row].strategy].click(wrong, clicked_yx, bits)
    return Mend(click, click.error_mask.any())


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
    mends: Sequence[Mend],
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
        mends: A robot's click for each of them, and the region that people mend.
        clock: Takes the time.
        wants_map: Whether the map of the first round is wanted.
    """
    keys: list[TrajectoryKey] = [live.keys[row] for row in rows.tolist()]
    clicks = [mend.click for mend in mends]
    round_index = int(live.clicks.count[rows[0]])
    is_first = round_index == 0
    sharing = places_by_map(keys, mends, is_first=is_first)
    if not sharing:
        return PeopleClicks(clicks, None, None)
    clicked_yx = live.clicks.yx[rows, :round_index]
    groups = np.array([key.group for key in keys], np.int32)
    bits = live.bits[rows, round_index]

    def query(places: list[int]) -> map_clicks.Query:
        first = places[0]
        # A slice is no copy.
        drawn = places if is_first else slice(first, first + 1)
        return map_clicks.Query(
            image,
            instance.gt_mask,
            clicks[first].error_mask,
            clicked_yx[first],
            groups[drawn],
            bits[drawn],
            wants_map=is_first and wants_map,
        )

    question = questions.ClickQuestion(list(map(query, sharing)))
    answers: list[map_clicks.MapClicks] = yield question
    clock.add("simulate", question.seconds)
    for places, answer in zip(sharing, answers, strict=True):
        if answer.yx is None:
            with clock.measure("simulate"):
                place = places[0]
                deepest = strategies.deepest(clicks[place], clicked_yx[place])
                answer_yx = [(deepest.y, deepest.x)] * len(places)
        else:
            answer_yx = answer.yx.tolist()
        for place, (y, x) in zip(places, answer_yx, strict=True):
            clicks[place] = clicks[place]._replace(y=y, x=x)
    blank = all(answer.is_blank for answer in answers)
    return PeopleClicks(clicks, answers[0].click_map, blank)


def places_by_map(
    keys: Sequence[TrajectoryKey], mends: Sequence[Mend], *, is_first: bool
) -> list[list[int]]:
    """Returns for each click map of a round who draws from it.

    Before the first click nothing tells the groups of an object apart: they share a
    map. Where nothing is wrong, nothing is drawn.

    Args:
        keys: The trajectories that click, in the order of their rows.
        mends: A robot's click for each of them.
        is_first: Whether it is their first click.

    Returns:
        Places in `keys`, in order, of group trajectories.
    """
    places = [
        place
        for place, (key, mend) in enumerate(zip(keys, mends, strict=True))
        if key.strategy == strategies.GROUP and mend.is_wrong
    ]
    if is_first:
        return [places] if places else []
    return [[place] for place in places]
