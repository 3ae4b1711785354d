"""What a rollout has to know next, and the answerers that know it.

A rollout is a coroutine: it yields questions, is sent an answer for each item, and
returns what was played. It knows nothing of other rollouts, and whoever answers knows
nothing of strategies, so that questions of many rollouts can be answered together
(`jobs.scheduler`).
"""

import dataclasses
import itertools
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from rclicks_jax.benchmark import host_processes, mistakes
from rclicks_jax.clicks import map_clicks
from rclicks_jax.jobs import scheduler
from rclicks_jax.segmenters import base
from rclicks_jax.types import Clicks

# Name of the answerer that says where people click, and the kind of its questions.
CLICK_MODEL = "click model"
# The same of the answerer that finds mistakes.
MISTAKES = "process pool"
# Kind of questions about rows: a segmenter that is shared answers those of many
# photographs in one call. It encodes and forgets a photograph in a call of its own.
_ROWS = "rows"
T = TypeVar("T")


@dataclasses.dataclass
class MistakesQuestion:
    """What is wrong with predictions, and what do their next clicks mend?

    Attributes:
        query: Answered by `mistakes.Mistakes`.
        seconds: Seconds that the answer took; set before it is sent.
    """

    query: mistakes.Query
    seconds: float = 0.0

    def __len__(self) -> int:
        """The number of queries: a process answers one at a time."""
        return 1


@dataclasses.dataclass
class ClickQuestion:
    """Which pixels do people click?

    Attributes:
        queries: Each is answered by `map_clicks.MapClicks`.
        seconds: Seconds that the answer took; set before it is sent.
    """

    queries: Sequence[map_clicks.Query]
    seconds: float = 0.0

    def __len__(self) -> int:
        """The number of queries."""
        return len(self.queries)


@dataclasses.dataclass
class SegmenterQuestion:
    """What does the segmenter answer to the newest clicks?

    Attributes:
        rows: Trajectories of the rollout that go on, ascending, `i32[r]`; a row that is
            left out once does not come back. Answered by a mask each, `bool[h w]`.
        clicks: All clicks so far of each of these rows.
        seconds: Seconds that the answer took; set before it is sent.
    """

    rows: np.ndarray
    clicks: Clicks
    seconds: float = 0.0

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.rows)


Question = MistakesQuestion | ClickQuestion | SegmenterQuestion
# Yields questions, is sent answers, and returns a result.
Coroutine = Generator[Question, list[Any], T]


class Encoding(NamedTuple):
    """A photograph to encode, as an item for a segmenter; answered by its features."""

    image: np.ndarray


class Release(NamedTuple):
    """Features to forget, as an item for a segmenter; answered by None."""

    features: Any


class Row(NamedTuple):
    """A trajectory with a new click, as an item for a segmenter; answered by its mask.

    Attributes:
        session: The session that it is in.
        rows: Numbers there of all rows of its question, `i32[r]`.
        clicks: All their clicks so far.
        place: Its place among them.
    """

    session: base.Session
    rows: np.ndarray
    clicks: Clicks
    place: int


def lane_name(lane: int) -> str:
    """Returns the name of the answerer for a lane of the segmenter."""
    return f"segmenter {lane + 1}" if lane else "segmenter"


def to_processes(queries: Sequence[mistakes.Query]) -> scheduler.Question:
    """Returns the question to the processes that find mistakes."""
    return scheduler.Question(MISTAKES, queries, MISTAKES)


def to_click_model(queries: Sequence[map_clicks.Query]) -> scheduler.Question:
    """Returns the question to the click model."""
    return scheduler.Question(CLICK_MODEL, queries, CLICK_MODEL)


def to_segmenter(
    lane: int, session: base.Session, rows: np.ndarray, clicks: Clicks
) -> scheduler.Question:
    """Returns the question to the segmenter, of rows of one session."""
    numbers = rows.astype(np.int32)
    items = [Row(session, numbers, clicks, place) for place in range(len(rows))]
    return scheduler.Question(lane_name(lane), items, _ROWS)


def process_answerer(processes: host_processes.HostProcesses) -> scheduler.Answerer:
    """Returns the answerer of processes: each answers one query in a call."""
    return scheduler.Answerer(
        MISTAKES, processes.answer, batch=1, lanes=processes.count, is_shared=True
    )


def segmenter_answerers(segmenter: base.Segmenter) -> list[scheduler.Answerer]:
    """Returns an answerer for each lane of the segmenter."""
    shared = segmenter if isinstance(segmenter, base.SharedSegmenter) else None

    def of_lane(lane: int) -> scheduler.Answerer:
        def answer(items: Sequence[Encoding | Release | Row]) -> Sequence[Any]:
            match items[0]:
                case Encoding(image):
                    return [segmenter.encode(image, lane)]
                case Release(features):
                    return [segmenter.release(features)]
                case Row():
                    rows = [item for item in items if isinstance(item, Row)]
                    requests = _requests(rows)
                    if shared is not None:
                        answers = shared.predict_together(requests)
                    else:
                        answers = [each.session.predict(*each[1:]) for each in requests]
                    return [mask for masks in answers for mask in masks]

        if shared is None:
            return scheduler.Answerer(lane_name(lane), answer)
        return scheduler.Answerer(
            lane_name(lane), answer, batch=shared.batch, lanes=shared.calls
        )

    return [of_lane(lane) for lane in range(max(1, segmenter.lanes))]


def _requests(rows: Sequence[Row]) -> list[base.Request[base.Session]]:
    """Returns rows as requests of their sessions, in the same order."""
    requests: list[base.Request[base.Session]] = []
    for _, group in itertools.groupby(rows, lambda row: id(row.rows)):
        of_question = list(group)
        session, numbers, clicks, _ = of_question[0]
        if len(of_question) < len(numbers):
            places = [row.place for row in of_question]
            numbers, clicks = numbers[places], clicks.rows(places)
        requests.append(base.Request(session, numbers, clicks))
    return requests
