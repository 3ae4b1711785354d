import collections
import dataclasses
import itertools

import pytest

from rclicks_jax.collection import words
from rclicks_jax.collection.service import sequence
from rclicks_jax.settings.collection import (
    ApartSettings,
    AssignmentSettings,
    CollectionConfig,
    DisplaySettings,
    StudySettings,
)

CONFIG = CollectionConfig(
    study=StudySettings(per_person=20),
    display=DisplaySettings(modes=words.MODES),
    assignment=AssignmentSettings(block=5),
    practice=ApartSettings(count=2),
    control=ApartSettings(every=4),
)
ORDER = sequence.orders(CONFIG)[0]


def place(**changes):
    values = {"practised": 2, "done": 0, "rested": False} | changes
    return sequence.place(CONFIG, "session", ORDER, **values)


@pytest.mark.parametrize("count", range(1, 8))
def test_each_condition_stands_equally_often_at_each_place(count):
    rows = sequence.williams(count)
    for column in zip(*rows, strict=True):
        assert len(set(collections.Counter(column).values())) == 1
        assert len(set(column)) == count


@pytest.mark.parametrize("count", range(2, 8))
def test_each_condition_follows_each_other_equally_often(count):
    pairs = collections.Counter(
        pair for row in sequence.williams(count) for pair in itertools.pairwise(row)
    )
    assert len(pairs) == count * (count - 1)
    assert len(set(pairs.values())) == 1


def test_practice_comes_first():
    assert place(practised=1).kind == "practice"
    assert place(practised=2).kind in ("main", "control")


def test_a_pause_follows_each_block_and_ends():
    assert place(done=5).kind == "pause"
    assert place(done=5, rested=True).kind in ("main", "control")
    assert place(done=6).kind in ("main", "control")


def test_each_block_has_the_mode_of_its_place():
    for done in range(20):
        assert place(done=done, rested=True).modes[0] == ORDER[done // 5]


def test_a_session_ends_after_its_tasks():
    assert place(done=19).kind != "end"
    assert place(done=20).kind == "end"


def test_each_run_has_one_control_task():
    for session in map(str, range(9)):
        kinds = [sequence.is_control(session, at, 4) for at in range(20)]
        assert [sum(kinds[i : i + 4]) for i in range(0, 20, 4)] == [1] * 5


def test_control_tasks_are_hidden_at_other_places_in_each_session():
    places = {
        tuple(at for at in range(20) if sequence.is_control(session, at, 4))
        for session in map(str, range(9))
    }
    assert len(places) == 9


def test_no_control_task_comes_if_none_is_wanted():
    assert not any(sequence.is_control("session", at, 0) for at in range(20))


def test_free_order_mixes_the_modes_in_a_block():
    free = dataclasses.replace(CONFIG.assignment, order="free")
    config = dataclasses.replace(CONFIG, assignment=free)
    (order,) = sequence.orders(config)
    firsts = {
        sequence.place(config, "s", order, 2, done, True).modes[0] for done in range(20)
    }
    assert len(firsts) > 2
