"""First clicks of people, and as many sampled ones, each alone on an object."""

import dataclasses
from typing import NamedTuple

import numpy as np

from rclicks_jax.benchmark import device_scoring, mistakes, questions, scoring
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.clicks import groups, simulate, strategies
from rclicks_jax.jobs import scheduler
from rclicks_jax.ops import bit_masks
from rclicks_jax.segmenters import base
from rclicks_jax.types import Clicks, InstanceExample, Trajectory

# Clicks that are played in one call of the segmenter.
_BATCH = 64


class FirstClicks(NamedTuple):
    """What first clicks achieved.

    Attributes:
        trajectories: One for each click, those of people first.
        mean_mask: Share of people's clicks whose mask has a pixel, `f32[h w]`; None if
            nobody clicked.
    """

    trajectories: tuple[Trajectory, ...]
    mean_mask: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Photograph:
    """A photograph that a segmenter has encoded.

    Attributes:
        start: Starts trajectories of the segmenter on it.
        lane: The lane of the segmenter that has it.
        setup: Setup of the run.
        clock: Takes the time.
    """

    start: base.Start
    lane: int
    setup: Setup
    clock: Clock


def play_all(
    name: str,
    instance: InstanceExample,
    first_map: np.ndarray | None,
    photograph: Photograph,
) -> scheduler.Coroutine[FirstClicks]:
    """Plays people's first clicks on an object, and as many sampled from a map.

    Args:
        name: Dataset and instance, separated by a slash; names the draws.
        instance: The object.
        first_map: Where people click first, `f32[h w]`; None to sample none.
        photograph: The photograph.
    """
    clicks_yx = instance.user_clicks_yx
    if not len(clicks_yx):
        return FirstClicks((), None)
    users, total = yield from play(strategies.USER, clicks_yx, instance, photograph)
    sampled: tuple[Trajectory, ...] = ()
    if first_map is not None:
        yx = sample(name, instance, first_map, photograph.setup)
        sampled, _ = yield from play(strategies.SAMPLED_USER, yx, instance, photograph)
    return FirstClicks(users + sampled, total / np.float32(len(clicks_yx)))


def sample(
    name: str, instance: InstanceExample, first_map: np.ndarray, setup: Setup
) -> np.ndarray:
    """Draws as many first clicks as people made from a whole map, `i32[u 2]`."""
    levels = simulate.drawable_levels(first_map, instance.gt_mask, setup.protocol)
    return simulate.draw(
        levels,
        instance.gt_mask,
        groups.WHOLE,
        len(instance.user_clicks_yx),
        seed=setup.seed,
        name=name,
        protocol=setup.protocol,
    )


def play(
    strategy: str,
    clicks_yx: np.ndarray,
    instance: InstanceExample,
    photograph: Photograph,
) -> scheduler.Coroutine[tuple[tuple[Trajectory, ...], np.ndarray]]:
    """Plays first clicks on an object, each alone.

    Args:
        strategy: What records call them.
        clicks_yx: The clicks, `i32[u 2]`.
        instance: The object.
        photograph: The photograph.

    Returns:
        Their trajectories, and how many masks have each pixel, `i32[h w]`.
    """
    target = scoring.target_of(instance)
    total = np.zeros(instance.gt_mask.shape, np.int32)
    trajectories: list[Trajectory] = []
    counter = device_scoring.counter(on_device=photograph.setup.on_device)
    for first in range(0, len(clicks_yx), _BATCH):
        yx = clicks_yx[first : first + _BATCH]
        session = photograph.start([instance.gt_mask] * len(yx))
        positive = np.ones((len(yx), 1), bool)
        count = np.ones(len(yx), np.int32)
        clicks = Clicks(yx[:, None].astype(np.int32), positive, count)
        rows = np.arange(len(yx), dtype=np.int32)
        question = questions.to_segmenter(photograph.lane, session, rows, clicks)
        answers: list[np.ndarray] = yield question
        photograph.clock.add("predict", question.seconds)
        with photograph.clock.measure("score"):
            pred_bits = bit_masks.pack_all(answers)
            areas = mistakes.areas(target, pred_bits, counter)
            for answer in answers:
                total += answer
        played = zip(yx.tolist(), areas.tolist(), strict=True)
        for number, ((y, x), of_click) in enumerate(played, first + 1):
            columns = ([area] for area in of_click)
            clicked = [(y, x, True)]
            trajectories.append(Trajectory(strategy, number, 0, clicked, *columns))
    return tuple(trajectories), total
