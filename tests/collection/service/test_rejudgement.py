import pytest
from collect_studies import Person, edit, open_study

from rclicks_jax.collection import messages
from rclicks_jax.collection.store import assignments, cells, sessions


def states(desk):
    return sorted(
        assignment.state
        for session in desk.store.read(sessions.every)
        for assignment in desk.store.read(
            lambda db, s=session: assignments.of_session(db, s.session_id)
        )
    )


def accepted(desk):
    return sum(fill.accepted for fill in desk.store.read(cells.fills))


@pytest.fixture
def study(opened, clock):
    """A study with a click on its target and one beside it; returns its folder."""
    desk = opened(names=("a", "b"), assignment={"clicks": 1})
    person = Person(desk, clock).agree()
    person.click(person.next())
    person.click(person.next(), uv=(0.99, 0.99))
    assert states(desk) == ["accepted", "rejected"]
    desk.close()
    return desk.study.folder


def test_a_wider_tolerance_fills_places_that_are_free(study, clock):
    edit(study, "tolerance = 1.0", "tolerance = 1000.0")
    desk = open_study(study, clock)
    assert states(desk) == ["accepted", "accepted"]
    assert accepted(desk) == 2
    desk.close()


def test_a_click_that_is_no_longer_accepted_leaves_its_place(study, clock):
    edit(study, "min_ms = 150.0", "min_ms = 5000.0")
    desk = open_study(study, clock)
    assert states(desk) == ["rejected", "rejected"]
    assert accepted(desk) == 0
    assert isinstance(Person(desk, clock).agree().next(), messages.Task)
    desk.close()


def test_a_place_that_others_have_filled_stays_theirs(study, clock):
    desk = open_study(study, clock)
    Person(desk, clock).agree().work()
    assert accepted(desk) == 2
    desk.close()
    edit(study, "tolerance = 1.0", "tolerance = 1000.0")
    desk = open_study(study, clock)
    assert states(desk) == ["accepted", "accepted", "surplus"]
    assert accepted(desk) == 2
    desk.close()


def test_back_and_forth_is_as_before(study, clock):
    for old, new in (("1.0", "1000.0"), ("1000.0", "1.0")):
        edit(study, f"tolerance = {old}", f"tolerance = {new}")
        desk = open_study(study, clock)
        found = states(desk)
        desk.close()
    assert found == ["accepted", "rejected"]
