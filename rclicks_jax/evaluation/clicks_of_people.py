"""The clicks of tasks with those who made them, for intervals over people."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.evaluation import people_halves
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.metrics import people_intervals
from rclicks_jax.metrics.intervals import Interval
from rclicks_jax.metrics.people_intervals import ToClicks, TwoSets

_ENERGY = "energy"
# Metrics whose intervals are over people, too.
OVER_PEOPLE = ("pl1", _ENERGY)
# Notes on intervals of tables.
PEOPLE_KNOWN = (
    "Intervals of PL1 and energy distance hold what other people and what other "
    "photographs would give; those of WD and KS are over photographs."
)
PEOPLE_UNKNOWN = (
    "Intervals are over photographs. The data does not say who clicked (column person "
    "of its tables): where people clicked on several photographs, they are too narrow."
)


class TaskClicks(NamedTuple):
    """The clicks of a task, with those who made them.

    Attributes:
        task: Name of the task.
        box_hw: Height and width of the target's box, pixels.
        yx: The clicks, `i64[n 2]`.
        people: Who made each click.
        to_clicks: Distances of the click model's draws to each click by metric,
            `f64[n]`.
    """

    task: str
    box_hw: tuple[int, int]
    yx: np.ndarray
    people: Sequence[str]
    to_clicks: dict[str, np.ndarray]

    def of(self, metric: str) -> ToClicks:
        """Returns the distances of a metric of `OVER_PEOPLE`."""
        return ToClicks(self.to_clicks[metric], self.people, self.box_hw, self.yx)

    def less(self, other: "TaskClicks", metric: str) -> ToClicks:
        """Returns how much farther than another click model's the distances are."""
        values = self.of(metric).values - other.of(metric).values
        return self.of(metric)._replace(values=values)

    def in_halves(self) -> TwoSets:
        """Returns the clicks of the two halves of people."""
        first = people_halves.first_half(self.people, self.task)
        named = np.array(self.people)
        yx = self.yx[first], self.yx[~first]
        people = named[first].tolist(), named[~first].tolist()
        return TwoSets(self.box_hw, *yx, *people)


def of_records(
    records: Sequence[TaskRecord], model: str, maps: str
) -> list[TaskClicks]:
    """Returns the clicks of tasks; empty if it is unknown of one who made them.

    Args:
        records: The tasks.
        model: Name of the click model.
        maps: Kind of its maps.
    """
    found: list[TaskClicks] = []
    for record in records:
        distances = record.to_clicks.get(model, {}).get(maps)
        if not record.people or distances is None:
            return []
        height, width = record.box_hw
        found.append(
            TaskClicks(
                task=record.click_set_id,
                box_hw=(height, width),
                yx=np.array(record.clicks_yx),
                people=record.people,
                to_clicks={key: np.array(own) for key, own in distances.items()},
            )
        )
    return found


def with_people(
    over_images: Interval | None,
    tasks: Sequence[ToClicks],
    metric: str,
    *,
    is_difference: bool = False,
) -> Interval | None:
    """Returns the wider one of an interval over images and that over people.

    Args:
        over_images: The mean with its interval over images; None if undefined.
        tasks: The clicks of the tasks that it is over; empty if nobody knows who made
            them.
        metric: The metric, of `OVER_PEOPLE`.
        is_difference: Whether it is a difference of two click models: distances between
            people's own clicks are in both, and cancel.
    """
    if over_images is None or not tasks:
        return over_images
    is_energy = metric == _ENERGY
    over_people = people_intervals.over_people_of_one_set(
        tasks,
        over_images.mean,
        factor=2.0 if is_energy else 1.0,
        within=is_energy and not is_difference,
    )
    return people_intervals.wider(over_images, over_people)


def halves_with_people(
    over_images: Interval | None, halves: Sequence[TwoSets], metric: str
) -> Interval | None:
    """Returns the same for the two halves of people; arguments as in `with_people`."""
    if over_images is None or not halves:
        return over_images
    over_people = people_intervals.over_people(halves)._asdict()[metric]
    return people_intervals.wider(over_images, over_people)
