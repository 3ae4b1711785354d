"""People's whole trajectories on an object, click by click.

A person's clicks are given to the segmenter under test in their order, whatever it
answers: these people saw the answers of another one, unless it is the same. A replay
ends with the last click, with the protocol's last click, or at its `stop_at`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.benchmark import device_scoring, mistakes, questions, scoring
from rclicks_jax.benchmark.first_clicks import Photograph
from rclicks_jax.benchmark.records import Person
from rclicks_jax.clicks import strategies
from rclicks_jax.data.recorded_trajectories import RecordedTrajectory
from rclicks_jax.jobs import scheduler
from rclicks_jax.metrics import interaction
from rclicks_jax.ops import bit_masks
from rclicks_jax.types import Clicks, InstanceExample, Trajectory

# People whose clicks are played in one call of the segmenter.
_BATCH = 64


class Replays(NamedTuple):
    """What people's trajectories achieved.

    Attributes:
        trajectories: One for each person. Their areas end with their last click.
        people: Who made each.
    """

    trajectories: tuple[Trajectory, ...] = ()
    people: tuple[Person, ...] = ()


def play_all(
    recorded: Sequence[RecordedTrajectory],
    instance: InstanceExample,
    photograph: Photograph,
) -> scheduler.Coroutine[Replays]:
    """Replays people's trajectories on an object.

    Args:
        recorded: The trajectories, each with a click or more.
        instance: The object.
        photograph: The photograph.
    """
    played: list[Trajectory] = []
    for first in range(0, len(recorded), _BATCH):
        part = recorded[first : first + _BATCH]
        areas = yield from _play(part, instance, photograph)
        for number, (each, of_person) in enumerate(
            zip(part, areas, strict=True), first + 1
        ):
            count = len(of_person)
            places = each.in_shape(instance.gt_mask.shape)[:count].tolist()
            signs = each.positive[:count].tolist()
            clicks = [(y, x, s) for (y, x), s in zip(places, signs, strict=True)]
            columns = np.array(of_person, np.int64).T.tolist()
            played.append(
                Trajectory(strategies.USER_TRAJECTORY, number, 0, clicks, *columns)
            )
    return Replays(tuple(played), tuple(map(_person, recorded)))


def _play(
    recorded: Sequence[RecordedTrajectory],
    instance: InstanceExample,
    photograph: Photograph,
) -> scheduler.Coroutine[list[list[np.ndarray]]]:
    """Returns intersections and unions after each click of each person, `i64[4]`."""
    protocol, shape = photograph.setup.protocol, instance.gt_mask.shape
    target = scoring.target_of(instance)
    counter = device_scoring.counter(on_device=photograph.setup.on_device)
    session = photograph.start([instance.gt_mask] * len(recorded))
    places = [each.in_shape(shape) for each in recorded]
    most = min(protocol.max_clicks, max(map(len, places)))
    yx = np.zeros((len(recorded), most, 2), np.int32)
    positive = np.zeros((len(recorded), most), bool)
    areas: list[list[np.ndarray]] = [[] for _ in recorded]
    rows = np.arange(len(recorded), dtype=np.int32)
    for slot in range(most):
        rows = rows[np.array([len(places[row]) > slot for row in rows], bool)]
        if not rows.size:
            break
        for row in rows:
            yx[row, slot] = places[row][slot]
            positive[row, slot] = recorded[row].positive[slot]
        count = np.full(len(rows), slot + 1, np.int32)
        clicks = Clicks(yx[rows], positive[rows], count)
        question = questions.to_segmenter(photograph.lane, session, rows, clicks)
        answers: list[np.ndarray] = yield question
        photograph.clock.add("predict", question.seconds)
        with photograph.clock.measure("score"):
            counted = mistakes.areas(target, bit_masks.pack_all(answers), counter)
        for row, of_row in zip(rows, counted, strict=True):
            areas[row].append(of_row)
        if protocol.stop_at:
            rows = rows[~interaction.reached(*counted.T[:2], protocol.stop_at)]
    return areas


def _person(recorded: RecordedTrajectory) -> Person:
    return Person(
        name=recorded.person,
        input_device=recorded.input_device,
        mode=recorded.mode,
        ended=recorded.ended,
        clicks=len(recorded.clicks_yx),
        undone=recorded.undone,
        intersection=list(recorded.intersection),
        union=list(recorded.union),
    )
