"""Objects of one photograph that advance together, as one coroutine.

Questions of one kind that wait are asked in one: first all for regions, then those for
clicks, and the segmenter when nothing else is asked, so that it answers rows of all
objects in one call of their session. None of the objects knows of the others.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from rclicks_jax.benchmark import questions
from rclicks_jax.benchmark.rollout import PlayedObject
from rclicks_jax.clicks import region_search
from rclicks_jax.jobs import scheduler
from rclicks_jax.segmenters import base
from rclicks_jax.types import Clicks

Rollout = questions.Coroutine[PlayedObject]
# Where a rollout stands: what it has to know next, or its result.
State = questions.Question | PlayedObject
Q = TypeVar("Q", bound=questions.Question)


def play(
    rollouts: Sequence[Rollout],
    session: base.Session,
    *,
    lane: int,
    trajectories: int,
    in_processes: bool = False,
    advance: Callable[[int], None] = lambda clicks: None,
) -> scheduler.Coroutine[list[PlayedObject]]:
    """Plays objects of a photograph together.

    Args:
        rollouts: A rollout for each object.
        session: A session of the segmenter, with the rows of all objects one after the
            other.
        lane: The lane of the segmenter that has the photograph.
        trajectories: Rows of each object.
        in_processes: Whether regions are searched by processes; otherwise at once.
        advance: Called after each round with the number of clicks that were answered.

    Returns:
        What was played, in the order of `rollouts`.
    """
    states = [_step(coroutine, None) for coroutine in rollouts]
    while True:
        regions = _waiting(states, questions.RegionQuestion)
        if regions:
            question = questions.to_regions([each.query for each in regions.values()])
            if in_processes:
                clicks: list[Any] = yield question
            else:
                clicks = _searched(question)
            _go_on(rollouts, states, regions, question, clicks)
            continue
        drawn = _waiting(states, questions.ClickQuestion)
        if drawn:
            queries = [query for each in drawn.values() for query in each.queries]
            question = questions.to_click_model(queries)
            answers: list[Any] = yield question
            _go_on(rollouts, states, drawn, question, answers)
            continue
        rows = _waiting(states, questions.SegmenterQuestion)
        if not rows:
            return [state for state in states if isinstance(state, PlayedObject)]
        numbers = [number * trajectories + each.rows for number, each in rows.items()]
        arrays = zip(*(each.clicks for each in rows.values()), strict=True)
        all_clicks = Clicks(*map(np.concatenate, arrays))
        question = questions.to_segmenter(
            lane, session, np.concatenate(numbers), all_clicks
        )
        answers = yield question
        advance(len(answers))
        _go_on(rollouts, states, rows, question, answers)
        # Masks are not kept while the next are made.
        del answers


def _searched(question: scheduler.Question) -> list[Any]:
    """Answers the question for regions in this thread."""
    start = time.perf_counter()
    clicks = [region_search.regions_to_mend(query) for query in question.items]
    question.seconds = time.perf_counter() - start
    return clicks


def _waiting(states: Sequence[State], kind: type[Q]) -> dict[int, Q]:
    """Returns the questions of a kind, by the number of their rollout."""
    return {
        number: state for number, state in enumerate(states) if isinstance(state, kind)
    }


def _go_on(
    rollouts: Sequence[Rollout],
    states: list[State],
    waiting: Mapping[int, questions.Question],
    question: scheduler.Question,
    answers: list[Any],
) -> None:
    """Sends each rollout its own answers, and brings `states` up to date."""
    first = 0
    for number, own in waiting.items():
        own.seconds = question.seconds * len(own) / len(answers)
        states[number] = _step(rollouts[number], answers[first : first + len(own)])
        first += len(own)
    assert first == len(answers), "every item has an answer"


def _step(coroutine: Rollout, answers: list[Any] | None) -> State:
    """Starts a rollout, or goes on with answers, up to its next question or its end."""
    try:
        return next(coroutine) if answers is None else coroutine.send(answers)
    except StopIteration as end:
        return end.value
