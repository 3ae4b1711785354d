"""Objects of one photograph that advance together, as one coroutine.

Questions of one kind that wait are asked in one: first all for mistakes, then those for
clicks, and the segmenter when nothing else is asked, so that it answers rows of all
objects in one call of their session. None of the objects knows of the others.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from rclicks_jax.benchmark import device_scoring, mistakes, questions, scoring
from rclicks_jax.benchmark.rollout import PlayedObject
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
    on_device: bool = False,
    advance: Callable[[int], None] = lambda clicks: None,
) -> scheduler.Coroutine[list[PlayedObject]]:
    """Plays objects of a photograph together.

    Args:
        rollouts: A rollout for each object.
        session: A session of the segmenter, with the rows of all objects one after the
            other.
        lane: The lane of the segmenter that has the photograph.
        trajectories: Rows of each object.
        in_processes: Whether mistakes are found by processes; otherwise at once.
        on_device: Whether an accelerator counts areas, where no process does.
        advance: Called after each round with the number of clicks that were answered.

    Returns:
        What was played, in the order of `rollouts`.
    """
    count = device_scoring.counter(on_device=on_device)
    states = [_step(coroutine, None) for coroutine in rollouts]
    while True:
        looking = _waiting(states, questions.MistakesQuestion)
        if looking:
            queries = [each.query for each in looking.values()]
            question = questions.to_processes(queries)
            if in_processes:
                found: list[Any] = yield question
            else:
                found = _found(question, count)
            _go_on(rollouts, states, looking, question, found)
            continue
        drawn = _waiting(states, questions.ClickQuestion)
        if drawn:
            maps = [query for each in drawn.values() for query in each.queries]
            question = questions.to_click_model(maps)
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


def _found(question: scheduler.Question, count: scoring.Counter) -> list[Any]:
    """Answers the question for mistakes in this thread."""
    start = time.perf_counter()
    found = [mistakes.find(query, count) for query in question.items]
    question.seconds = time.perf_counter() - start
    return found


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
