"""Intervals of numbers of people, as PL1 and energy distance, by a bootstrap over them.

Clicks of one person depend on each other, so people are resampled with all their
clicks, never single clicks. In a draw each person has a weight: how often they were
drawn. A click counts as often as its person, and a pair of clicks as the product says;
a click and its own copy are no pair, which would be at distance 0.

What other photographs would say is for `intervals`. `wider` joins both: resampling
people and photographs in one draw would count the chance of single clicks three times
(Owen 2007, The pigeonhole bootstrap).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.metrics import energy, intervals
from rclicks_jax.metrics.intervals import Interval

# What the wider of two intervals is over, in words.
OVER = "photographs or people"


class TwoSets(NamedTuple):
    """Two sets of clicks of people on one task.

    Attributes:
        box_hw: Height and width by which places are divided along each axis.
        one_yx: Clicks `(y, x)` of the first set, `[n 2]`, n >= 2.
        other_yx: Clicks of the second, `[m 2]`, m >= 2.
        one_people: Who made each click of the first set.
        other_people: Who made each click of the second.
    """

    box_hw: tuple[int, int]
    one_yx: np.ndarray
    other_yx: np.ndarray
    one_people: Sequence[str]
    other_people: Sequence[str]


class ToClicks(NamedTuple):
    """Something that is compared with clicks of people on one task.

    A trajectory may stand for a click: it has a number and a person, and no place.

    Attributes:
        values: Its number for each click, such as a distance, `f64[n]`.
        people: Who made each click.
        box_hw: Height and width by which places are divided along each axis.
        yx: The clicks `(y, x)`, `[n 2]`; None if no distances between them are needed.
    """

    values: np.ndarray
    people: Sequence[str]
    box_hw: tuple[int, int] = (1, 1)
    yx: np.ndarray | None = None


class PeopleIntervals(NamedTuple):
    """Means over tasks with intervals over people."""

    pl1: Interval
    energy: Interval


def over_people(
    tasks: Sequence[TwoSets],
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> PeopleIntervals:
    """Returns mean PL1 and mean energy distance over tasks, with percentile intervals.

    They have no ends with fewer than `intervals.FEWEST` people in either set.

    Args:
        tasks: One task or more.
        level: Confidence level of the intervals.
        draws: Number of resamples.
        seed: Seed of the resamples; the same seed gives the same intervals.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    persons = sorted({p for t in tasks for p in (*t.one_people, *t.other_people)})
    of_person = _weights(len(persons), draws, generator)
    person_at = {person: number for number, person in enumerate(persons)}
    sums, totals = np.zeros((2, draws + 1)), np.zeros(draws + 1)
    for task in tasks:
        one, other = (
            of_person[:, [person_at[person] for person in people]]
            for people in (task.one_people, task.other_people)
        )
        values = _weighted(task, one, other)
        known = np.isfinite(values).all(axis=0)
        sums += np.where(known, values, 0)
        totals += known
    means = np.divide(sums, totals, out=np.full(sums.shape, np.nan), where=totals > 0)
    ends = [(1 - level) / 2, (1 + level) / 2]
    fewest = min(
        len({person for task in tasks for person in task.one_people}),
        len({person for task in tasks for person in task.other_people}),
    )
    pl1, distance = (
        intervals.between(mean, low, high, fewest)
        for mean, (low, high) in zip(
            means[:, 0], np.nanquantile(means[:, 1:], ends, axis=1).T, strict=True
        )
    )
    return PeopleIntervals(pl1, distance)


def over_people_of_one_set(
    tasks: Sequence[ToClicks],
    mean: float,
    *,
    factor: float = 1.0,
    within: bool = False,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Returns an interval of a mean over tasks of numbers of clicks, over people.

    In a draw the number of a task is `factor` times the mean of the values over its
    clicks, less the mean distance between its clicks if `within` says so, as in
    `energy`. What does not depend on people is in `mean` alone.

    Args:
        tasks: One task or more, each with a click; two for `within`.
        mean: The mean over tasks of the numbers as they are.
        factor: Factor of the values.
        within: Whether distances between the clicks are subtracted; they need places.
        level: Confidence level of the interval.
        draws: Number of resamples.
        seed: Seed of the resamples.
    """
    from scipy.spatial.distance import cdist

    generator = np.random.Generator(np.random.Philox(seed))
    persons = sorted({person for task in tasks for person in task.people})
    person_at = {person: number for number, person in enumerate(persons)}
    weights = _weights(len(persons), draws, generator)
    sums, known = np.zeros(draws + 1), np.zeros(draws + 1)
    for task in tasks:
        own = weights[:, [person_at[person] for person in task.people]]
        one = np.ones((draws + 1, 1))
        numbers = factor * energy.mean_over_pairs(task.values[:, None], own, one)
        if within:
            assert task.yx is not None, "distances are between places"
            places = task.yx / np.array(task.box_hw, np.float64)
            apart = cdist(places, places)
            numbers -= energy.mean_over_pairs(apart, own, own, of_one_set=True)
        is_known = np.isfinite(numbers)
        sums += np.where(is_known, numbers, 0)
        known += is_known
    means = np.divide(sums, known, out=np.full(sums.shape, np.nan), where=known > 0)
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = mean + np.nanquantile(means[1:] - means[0], ends)
    return intervals.between(mean, low, high, len(persons))


def wider(one: Interval, other: Interval) -> Interval:
    """Returns the mean of the first interval with ends that hold both intervals."""
    low, high = np.minimum(one.low, other.low), np.maximum(one.high, other.high)
    # A missing end is missing in the result, too.
    return Interval(one.mean, float(low), float(high))


def _weights(count: int, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Returns ones, then how often each is in a resample, `f64[draws+1 count]`."""
    drawn = generator.multinomial(count, np.full(count, 1 / count), draws)
    return np.concatenate([np.ones((1, count)), drawn])


def _weighted(task: TwoSets, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns PL1 and energy distance of a task in each draw, `f64[2 d]`.

    Args:
        task: The task.
        one: Weight of each click of its first set in each draw, `f64[d n]`.
        other: The same of its second set, `f64[d m]`.

    Returns:
        NaN in draws in which a set is empty, or has one click alone.
    """
    from scipy.spatial.distance import cdist

    box = np.array(task.box_hw, np.float64)
    ones, others = task.one_yx / box, task.other_yx / box
    pl1 = energy.mean_over_pairs(cdist(ones, others, "cityblock"), one, other)
    apart = energy.Distances(
        cdist(ones, others), cdist(ones, ones), cdist(others, others)
    )
    return np.stack([pl1, energy.weighted(apart, one, other)])
