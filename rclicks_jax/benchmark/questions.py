"""What a rollout has to know next. Each question is answered by an array for each item.

A rollout is a coroutine: it yields questions, is sent `Answers`, and returns what was
played. It knows nothing of other rollouts, and whoever answers knows nothing of clicks,
so that questions of one kind can be answered together.
"""

import dataclasses
from collections.abc import Generator
from typing import TypeVar

import numpy as np

from rclicks_jax.clicks import sampling
from rclicks_jax.types import ClickQuery, Clicks


@dataclasses.dataclass(frozen=True)
class MapQuestion:
    """Where would people click?

    Attributes:
        queries: Answered by a click map each, `f32[h w]`.
    """

    queries: tuple[ClickQuery, ...]

    def __len__(self) -> int:
        """The number of queries."""
        return len(self.queries)


@dataclasses.dataclass(frozen=True)
class DrawQuestion:
    """Which pixels are drawn from parts of click maps?

    Attributes:
        draws: Answered by row-major pixel indices each, `i32[g]`; -1 where a map has no
            mass.
    """

    draws: tuple[sampling.Draw, ...]

    def __len__(self) -> int:
        """The number of maps."""
        return len(self.draws)


@dataclasses.dataclass(frozen=True)
class SegmenterQuestion:
    """What does the segmenter answer to the newest clicks?

    Attributes:
        rows: Trajectories of the rollout that go on, ascending, `i32[r]`; a row that is
            left out once does not come back. Answered by a mask each, `bool[h w]`.
        clicks: All clicks so far of each of these rows.
    """

    rows: np.ndarray
    clicks: Clicks

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.rows)


Question = MapQuestion | DrawQuestion | SegmenterQuestion
Answers = list[np.ndarray]
T = TypeVar("T")
# Yields questions, is sent answers, and returns a result.
Coroutine = Generator[Question, Answers, T]
