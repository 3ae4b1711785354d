"""Intervals over people, against resamples made click by click."""

import numpy as np
import pytest

from rclicks_jax.metrics import click_prediction, energy, people_intervals
from rclicks_jax.metrics.intervals import Interval
from rclicks_jax.metrics.people_intervals import TwoSets

BOX = (50, 80)


def tasks_of(count=8, people=10, habit=0.0, shift=0.0, clicks=6, seed=0, own=False):
    """Returns tasks on which people of two sets clicked, each with a habit.

    With `own` every click is said to be of another person.
    """
    random = np.random.default_rng(seed)
    habits = random.normal(0, habit, (2, people, 2))
    made = []
    for task in range(count):
        who = [random.choice(people, clicks, replace=False) for _ in range(2)]
        yx = [random.normal(0, 10, (clicks, 2)) + habits[s][w] + s * shift
              for s, w in enumerate(who)]  # fmt: skip
        named = [
            [f"{'ab'[s]}{task}-{n}" if own else f"{'ab'[s]}{n}" for n in w]
            for s, w in enumerate(who)
        ]
        made.append(TwoSets(BOX, *yx, *named))
    return made


def width(interval):
    return interval.high - interval.low


def test_means_are_those_of_the_tasks():
    tasks = tasks_of()
    found = people_intervals.over_people(tasks, draws=50)
    pl1 = [click_prediction.pl1(t.one_yx, t.other_yx, t.box_hw) for t in tasks]
    apart = [energy.energy(t.one_yx, t.other_yx, t.box_hw) for t in tasks]
    # Distances are rounded to a millionth of a side.
    assert found.pl1.mean == pytest.approx(np.mean(pl1), abs=1e-6)
    assert found.energy.mean == pytest.approx(np.mean(apart), abs=4e-6)


def test_a_resample_is_that_of_people_drawn_with_all_their_clicks():
    tasks = tasks_of(count=5, people=6, clicks=4)
    found = people_intervals.over_people(tasks, draws=1, seed=3)
    generator = np.random.Generator(np.random.Philox(3))
    persons = sorted({p for t in tasks for p in (*t.one_people, *t.other_people)})
    share = np.full(len(persons), 1 / len(persons))
    of_person = dict(
        zip(persons, generator.multinomial(len(persons), share), strict=True)
    )
    values = []
    for task in tasks:
        sets = []
        for yx, people in (
            (task.one_yx, task.one_people),
            (task.other_yx, task.other_people),
        ):
            sets.append([(p, click) for p, click in zip(people, yx, strict=True)
                         for _ in range(of_person[p])])  # fmt: skip
        one, other = sets

        def mean(a, b, alone):
            pairs = [np.hypot(*((x - y) / BOX)) for p, x in a for q, y in b
                     if not (alone and p == q)]  # fmt: skip
            return np.mean(pairs) if pairs else np.nan

        value = 2 * mean(one, other, False) - mean(one, one, True)
        value -= mean(other, other, True)
        if np.isfinite(value):
            values.append(value)
    assert found.energy.low == found.energy.high
    assert found.energy.low == pytest.approx(np.mean(values), abs=1e-5)


def test_habits_of_people_widen_the_interval_that_clicks_alone_would_give():
    kept = {"count": 40, "people": 20, "habit": 8.0, "shift": 12.0, "clicks": 10}
    of_people = people_intervals.over_people(tasks_of(**kept), draws=400)
    of_clicks = people_intervals.over_people(tasks_of(**kept, own=True), draws=400)
    assert of_people.energy.mean == of_clicks.energy.mean
    assert width(of_people.energy) > 1.5 * width(of_clicks.energy)


def test_a_set_that_lies_elsewhere_is_told_apart_and_sets_alike_are_not():
    elsewhere = people_intervals.over_people(tasks_of(count=20, shift=8.0))
    alike = people_intervals.over_people(tasks_of(count=20))
    assert elsewhere.energy.sign == 1
    assert alike.energy.sign == 0


def test_with_few_people_there_is_no_interval():
    found = people_intervals.over_people(tasks_of(people=4, clicks=4), draws=50)
    assert not found.energy.known
    assert np.isfinite(found.energy.mean)


def test_the_order_of_tasks_changes_nothing_but_rounding():
    tasks = tasks_of()
    one = people_intervals.over_people(tasks, draws=100)
    other = people_intervals.over_people(tasks[::-1], draws=100)
    np.testing.assert_allclose(np.array(one), np.array(other), rtol=1e-12)


def test_the_wider_interval_holds_both():
    one, other = Interval(1.0, 0.5, 1.2), Interval(1.1, 0.6, 1.5)
    assert people_intervals.wider(one, other) == (1.0, 0.5, 1.5)
    assert not people_intervals.wider(one, Interval(1.0, np.nan, np.nan)).known
    assert not people_intervals.wider(Interval(1.0, np.nan, np.nan), one).known


def test_people_of_one_set_are_drawn_with_all_their_clicks():
    tasks = tasks_of(count=4, people=7, clicks=5)
    clicks = [
        people_intervals.ToClicks(
            energy.to_each_click(task.one_yx[None], task.other_yx, BOX, "euclidean"),
            task.other_people, BOX, task.other_yx,
        )
        for task in tasks
    ]  # fmt: skip
    mean = np.mean([energy.energy(t.one_yx, t.other_yx, BOX) for t in tasks])
    found = people_intervals.over_people_of_one_set(
        clicks, mean, factor=2, within=True, draws=1, seed=5
    )
    generator = np.random.Generator(np.random.Philox(5))
    persons = sorted({p for task in tasks for p in task.other_people})
    share = np.full(len(persons), 1 / len(persons))
    drawn = dict(zip(persons, generator.multinomial(len(persons), share), strict=True))
    expected = []
    for task in tasks:
        kept = [
            (person, yx)
            for person, yx in zip(task.other_people, task.other_yx, strict=True)
            for _ in range(drawn[person])
        ]
        pairs = [np.hypot(*((x - y) / BOX)) for p, x in kept for q, y in kept
                 if p != q]  # fmt: skip
        between = [np.hypot(*((x - y) / BOX)) for _, x in kept for y in task.one_yx]
        within = [np.hypot(*((x - y) / BOX)) for i, x in enumerate(task.one_yx)
                  for j, y in enumerate(task.one_yx) if i != j]  # fmt: skip
        expected.append(2 * np.mean(between) - np.mean(pairs) - np.mean(within))
    assert len(expected) == len(tasks)
    assert found.low == found.high == pytest.approx(np.mean(expected), abs=2e-5)


def test_numbers_without_places_are_drawn_with_their_people():
    objects = [
        people_intervals.ToClicks(np.array([1.0, 5.0]), ("a", "b")),
        people_intervals.ToClicks(np.array([3.0]), ("a",)),
    ]
    found = people_intervals.over_people_of_one_set(objects, 3.0)
    # Draws have a alone, both, or b alone; two people are too few for an interval.
    assert found.mean == 3
    assert not found.known
    alike = [
        people_intervals.ToClicks(np.arange(6.0), tuple("abcdef")) for _ in range(50)
    ]
    interval = people_intervals.over_people_of_one_set(alike, 2.5)
    # Fifty objects are no more than six people.
    assert interval.low < 1.5 < 3.5 < interval.high
