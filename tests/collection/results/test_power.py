import itertools

import numpy as np
import pytest
from collect_studies import Person

from rclicks_jax import errors
from rclicks_jax.collection import words
from rclicks_jax.collection.results import plan, power
from rclicks_jax.collection.service import open_studies

NONE = power.Effect()


def generator(seed=0):
    return np.random.Generator(np.random.Philox(seed))


def slow_energy(clicks, tasks):
    """The mean over tasks of 2 E|X-Y| - E|X-X'| - E|Y-Y'|, pair by pair."""
    values = []
    for task in range(tasks):
        one, other = (
            clicks.places[(clicks.task == task) & (clicks.mode == mode)]
            for mode in (0, 1)
        )
        between = np.mean([np.linalg.norm(x - y) for x in one for y in other])
        within = sum(
            np.mean([np.linalg.norm(x - y) for x, y in itertools.permutations(own, 2)])
            for own in (one, other)
        )
        values.append(2 * between - within)
    return np.mean(values)


def test_the_energy_distance_is_that_of_all_pairs():
    clicks = power.simulated(4, 5, 4, power.Effect(shift=0.2), generator())
    flips = np.zeros((1, int(clicks.person.max()) + 1), bool)
    found = power.mean_energy(clicks, 4, flips)[0]
    assert found == pytest.approx(slow_energy(clicks, 4))


def test_exchanging_all_people_changes_nothing():
    clicks = power.simulated(4, 5, 4, power.Effect(shift=0.2), generator())
    flips = np.array([[False], [True]]).repeat(int(clicks.person.max()) + 1, axis=1)
    one, other = power.mean_energy(clicks, 4, flips)
    assert one == pytest.approx(other)


def test_each_task_has_its_clicks_in_each_mode_and_nobody_has_a_task_twice():
    clicks = power.simulated(12, 3, 6, NONE, generator())
    cells = list(zip(clicks.task, clicks.mode, strict=True))
    assert {cells.count(cell) for cell in cells} == {3}
    pairs = list(zip(clicks.person, clicks.task, strict=True))
    assert len(set(pairs)) == len(pairs)


def test_people_do_as_many_tasks_as_they_are_given():
    clicks = power.simulated(12, 3, 6, NONE, generator())
    assert np.bincount(clicks.person).tolist() == [6] * 12


def test_studies_without_a_difference_find_one_at_the_level():
    made = power.table(8, 8, NONE, None, simulations=200, seed=1, clicks=(8,)).rows[0]
    assert made["power"] < 0.1


def test_more_clicks_find_a_difference_more_often():
    rows = power.table(
        20, 20, power.Effect(shift=0.08), None, simulations=30, seed=0,
        clicks=(5, 30),
    ).rows  # fmt: skip
    assert rows[0]["power"] + 0.3 < rows[1]["power"]


def test_a_table_depends_on_its_seed_alone():
    one, again, other = (
        power.table(6, 6, power.Effect(shift=0.1), None, simulations=20,
                       seed=seed, clicks=(6, 8)).rows
        for seed in (0, 0, 1)
    )  # fmt: skip
    assert one == again
    assert one != other


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shift:0.1", power.Effect(shift=0.1)),
        ("spread:0.7", power.Effect(spread=0.7)),
        ("pilot", power.Effect(pilot=True)),
        ("models", power.Effect(models=True)),
    ],
)
def test_effects_are_parsed(text, expected):
    assert power.parse_effect(text) == expected


@pytest.mark.parametrize("text", ["", "shift", "shift:nan", "spread:0", "turn:3"])
def test_other_effects_are_refused(text):
    with pytest.raises(errors.BadValueError, match="--effect"):
        power.parse_effect(text)


def test_people_are_drawn_from_a_pilot(opened, clock):
    modes = words.MODES[1:3]
    desk = opened(
        names=tuple("abcdefghij"),
        display={"modes": modes},
        study={"per_person": 8},
        assignment={"clicks": 9, "block": 4},
    )
    whole = open_studies.Opened(desk.study, desk.store, desk.desk)
    assert plan.read_pilot(whole) is None
    for _ in range(6):
        Person(desk, clock).agree().work()
    pilot, names = plan.read_pilot(whole)
    assert set(names) == set(modes)
    assert len(pilot.places) == 48
    # The people of this test click in the middle of the disk, which may be cut off.
    assert abs(pilot.places).max() < 0.3
    drawn = power.resampled(pilot, 5, 4, power.Effect(shift=1), generator())
    assert len(drawn.places) == 40
    assert drawn.places[drawn.mode == 1][:, 0].min() > 0.7
    assert drawn.places[drawn.mode == 0][:, 0].max() < 0.3


def test_people_with_one_device_exchange_it_among_each_other():
    person = np.repeat(np.arange(6), 2)
    mode = np.array([0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 1])
    clicks = power.Clicks(np.zeros((12, 2)), np.zeros(12, int), person, mode)
    flips = power._exchanges(clicks, 400, generator())
    assert not flips[0].any()
    # Four people have one device: three the first, one the second, in every exchange.
    second = flips[:, :4] ^ np.array([False, False, False, True])
    assert (second.sum(axis=1) == 1).all()
    assert second.mean(axis=0) == pytest.approx([0.25] * 4, abs=0.08)
    assert flips[:, 4:].mean(axis=0) == pytest.approx([0.5] * 2, abs=0.08)


def test_few_phones_among_many_pcs_are_told_apart_no_more_often_than_the_level_says():
    found = 0
    for seed in range(120):
        random = generator(seed)
        person, task = np.repeat(np.arange(32), 8), np.tile(np.arange(8), 32)
        habits = random.normal(0, power.HABIT, (32, 2))
        places = random.normal(0, power.SPREAD, (256, 2)) + habits[person]
        clicks = power.Clicks(places, task, person, (person < 4).astype(int))
        found += power.finds(clicks, 8, random)
    # 5 % of 120; exchanges of each person for itself find some 28.
    assert found <= 13
