"""Rollouts of several objects of one photograph, played together round by round.

Questions of one kind that wait are answered in one batch: first all for maps, then all
for draws, and the segmenter when nothing else is asked. So objects advance in lockstep,
and none knows of the others.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np

from rclicks_jax.benchmark import questions, rollout
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.benchmark.rollout import PlayedObject
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.clicks import click_models, sampling
from rclicks_jax.segmenters import base
from rclicks_jax.types import Clicks, ImageExample, InstanceExample

Rollout = questions.Coroutine[PlayedObject]
# Where a rollout stands: what it has to know next, or its result.
State = questions.Question | PlayedObject
Q = TypeVar("Q", bound=questions.Question)


def play(
    example: ImageExample,
    instances: Sequence[InstanceExample],
    start: base.Start,
    click_model: click_models.ClickModel | None,
    setup: Setup,
    clock: Clock,
    watched: Collection[tuple[str, int]] = (),
    advance: Callable[[int], None] = lambda clicks: None,
) -> list[PlayedObject]:
    """Plays every strategy on some objects of a photograph.

    Args:
        example: The photograph.
        instances: Some of its objects; they advance together.
        start: Starts trajectories of the segmenter on the encoded photograph.
        click_model: Where people click; may be None if no group is played.
        setup: Setup of the run.
        clock: Takes the time.
        watched: Strategies and groups whose masks of all rounds are kept.
        advance: Called after each round with the number of clicks that were answered.

    Returns:
        What was played, in the order of `instances`.

    Raises:
        SegmenterError: The segmenter failed.
        DataError: The click model gave something else than click maps.
    """
    trajectories = len(setup.trajectory_keys())
    gt_masks = [instance.gt_mask for instance in instances for _ in range(trajectories)]
    session = start(gt_masks)
    photograph = _Photograph(session, trajectories, click_model, setup, clock, advance)
    rollouts = [
        rollout.rollout(example, instance, setup, clock, watched)
        for instance in instances
    ]
    states = [_step(coroutine) for coroutine in rollouts]
    while (
        _answer(rollouts, states, questions.MapQuestion, photograph.click_maps)
        or _answer(rollouts, states, questions.DrawQuestion, photograph.pixels)
        or _answer(rollouts, states, questions.SegmenterQuestion, photograph.masks)
    ):
        pass
    return [state for state in states if isinstance(state, PlayedObject)]


def _answer(
    rollouts: Sequence[Rollout],
    states: list[State],
    kind: type[Q],
    answer: Callable[[Mapping[int, Q]], questions.Answers],
) -> bool:
    """Answers all questions of a kind at once; their rollouts go on.

    Args:
        rollouts: All of them.
        states: Where each stands, which is brought up to date.
        kind: The kind of question.
        answer: From questions, by the number of their rollout, to the answers to all
            items of the first, then of the second, and so on.

    Returns:
        Whether there was such a question.
    """
    waiting = {
        number: state for number, state in enumerate(states) if isinstance(state, kind)
    }
    if not waiting:
        return False
    answers = answer(waiting)
    first = 0
    for number, question in waiting.items():
        own = answers[first : first + len(question)]
        states[number] = _step(rollouts[number], own)
        first += len(question)
    assert first == len(answers), "every item has an answer"
    return True


def _step(coroutine: Rollout, answers: questions.Answers | None = None) -> State:
    """Starts a rollout, or goes on with answers, up to its next question or its end."""
    try:
        return next(coroutine) if answers is None else coroutine.send(answers)
    except StopIteration as end:
        return end.value


@dataclasses.dataclass(frozen=True)
class _Photograph:
    """Answers questions about the objects of one photograph.

    Attributes:
        session: The segmenter's, with the rows of all objects one after the other.
        trajectories: Rows of each object.
        click_model: Where people click; None if no group is played.
        setup: Setup of the run.
        clock: Takes the time.
        advance: Is told how many clicks were answered.
    """

    session: base.Session
    trajectories: int
    click_model: click_models.ClickModel | None
    setup: Setup
    clock: Clock
    advance: Callable[[int], None]

    def click_maps(
        self, waiting: Mapping[int, questions.MapQuestion]
    ) -> list[np.ndarray]:
        """Asks the click model; returns `f32[h w]` for each query."""
        assert self.click_model is not None
        queries = [query for question in waiting.values() for query in question.queries]
        with self.clock.measure("simulate"):
            return click_models.maps_of(self.click_model, queries)

    def pixels(self, waiting: Mapping[int, questions.DrawQuestion]) -> list[np.ndarray]:
        """Draws clicks; returns `i32[g]` for each draw."""
        draws = [draw for question in waiting.values() for draw in question.draws]
        cut, on_device = self.setup.protocol.group_cut, self.setup.on_device
        with self.clock.measure("simulate"):
            return sampling.draw_all(draws, cut=cut, on_device=on_device)

    def masks(
        self, waiting: Mapping[int, questions.SegmenterQuestion]
    ) -> list[np.ndarray]:
        """Asks the segmenter; returns `bool[h w]` for each row."""
        with self.clock.measure("predict"):
            rows = [
                number * self.trajectories + question.rows
                for number, question in waiting.items()
            ]
            arrays = zip(*(each.clicks for each in waiting.values()), strict=True)
            clicks = Clicks(*map(np.concatenate, arrays))
            masks = self.session.predict(np.concatenate(rows), clicks)
        self.advance(len(masks))
        return list(masks)
