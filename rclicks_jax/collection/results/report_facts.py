"""What the tables of a study's report are made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rclicks_jax.collection import words
from rclicks_jax.collection.results.judged_clicks import Judged
from rclicks_jax.collection.results.judged_clicks import Row as Click
from rclicks_jax.collection.results.trajectories import Trajectory
from rclicks_jax.collection.store.cells import Fill
from rclicks_jax.collection.store.sessions import Session
from rclicks_jax.collection.store.task_facts import TaskFacts

# What the task type of live rounds is called; their first click is no task of its own.
LIVE = "live rounds"


class Study(NamedTuple):
    """What the tables are made of.

    Attributes:
        found: Clicks and sessions with consent, judged.
        sessions: All sessions.
        tasks: The tasks that are data, by id.
        live: Ids of the tasks of live rounds.
        fills: How far each cell is.
        last: When each session last did anything, by id, seconds since 1970.
        played: Trajectories of live rounds.
        now: Seconds since 1970.
    """

    found: Judged
    sessions: Sequence[Session]
    tasks: Mapping[str, TaskFacts]
    live: frozenset[str]
    fills: Sequence[Fill]
    last: Mapping[str, float]
    played: Sequence[Trajectory]
    now: float

    @property
    def own(self) -> list[Click]:
        """Clicks of the study's own sessions that have not been withdrawn."""
        return [
            row
            for row in self.found.rows
            if self.found.is_own(row.session) and row.session.phase != "withdrawn"
        ]


def grouped(
    rows: Iterable[Click], keys: Sequence[str]
) -> list[tuple[tuple[str, ...], list[Click]]]:
    """Returns clicks by device, display mode or click type, in order."""
    groups: dict[tuple[str, ...], list[Click]] = {}
    for row in rows:
        values = {
            "device": row.device,
            "mode": row.mode,
            "click_type": row.task.click_type,
        }
        groups.setdefault(tuple(values[key] for key in keys), []).append(row)
    return sorted(groups.items(), key=lambda item: order(item[0]))


def order(names: Iterable[str]) -> list[int]:
    """Returns a key that sorts click types, display modes and devices as words do."""
    known = (LIVE, *words.ASKS, *words.MODES, *words.DEVICES)
    return [known.index(name) for name in names]
