"""Who may have live tasks, and who waits."""

import pytest
from collect_studies import Clock

from rclicks_jax.collection.web import seats


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def two(clock):
    made = seats.Seats(2, clock)
    assert made.take("a")
    assert made.take("b")
    return made


def test_who_has_a_seat_keeps_it(two, clock):
    for _ in range(5):
        clock.wait(60)
        assert two.take("a")
        two.use("b")
        assert not two.take("c")


def test_people_who_wait_are_served_in_their_order(two):
    assert [two.take(name) for name in "cd"] == [False, False]
    two.leave("a")
    assert [two.take(name) for name in "dc"] == [False, True]
    two.leave("b")
    assert two.take("d")


def test_two_free_seats_go_to_the_first_two_whoever_asks_first(two):
    assert [two.take(name) for name in "cde"] == [False] * 3
    two.leave("a")
    two.leave("b")
    assert [two.take(name) for name in "edc"] == [False, True, True]


def test_who_asks_no_more_does_not_block_the_line(two, clock):
    assert not two.take("gone")
    two.leave("a")
    assert not two.take("c")
    clock.wait(31)
    two.use("b")
    assert two.take("c")


def test_who_does_something_else_meanwhile_keeps_the_place(two, clock):
    assert not two.take("c")
    two.keep("c", 60)
    clock.wait(40)
    two.use("a")
    two.leave("b")
    assert not two.take("d")
    assert two.take("c")
    two.keep("d", 10)
    two.leave("a")
    clock.wait(41)
    assert two.take("e")
    two.keep("f", 10)
    assert two.take("d") is False


def test_an_idle_seat_goes_to_who_waits_and_comes_back(two, clock):
    clock.wait(60)
    two.use("b")
    clock.wait(60)
    assert two.take("c")
    assert not two.take("d")
    # Whoever acts is not sent away.
    two.use("a")
    assert two.take("a")
    two.leave("c")
    assert not two.take("d")


def test_who_leaves_the_line_is_forgotten(two):
    assert not two.take("c")
    two.leave("c")
    two.leave("a")
    assert two.take("d")
