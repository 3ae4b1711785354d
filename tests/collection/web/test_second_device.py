"""A person who opens the study on a second device while the first has a task."""

import pytest
from collect_visitors import Visitor

from rclicks_jax.collection.store import assignments, sessions
from rclicks_jax.collection.study import tokens
from rclicks_jax.collection.web import visits


@pytest.fixture
def invited(opened, clock):
    """A person on a PC who has agreed; returns browser and address."""
    desk = opened(names=tuple("abcdef"), judgement={"tiny_px": 0, "tolerance": 1000})
    link = {
        "platform": "local",
        "parameters": {"invitation": tokens.invitation(desk.study.secret, 1)},
    }
    pc = Visitor(desk, clock)
    pc.visit = "pc"
    pc.enter(**link)
    agreed = {"version": "1", "language": "en", "agreed": True}
    assert pc.post("consent", agreed).status_code == 200
    assert pc.post("begin", {}).status_code == 200
    return pc, link


def given_to(desk):
    (session,) = desk.store.read(sessions.every)
    return desk.store.read(lambda db: assignments.of_session(db, session.session_id))


def is_open(person, task):
    return person.post("heartbeat", {"assignment": task["assignment"]}).json()["open"]


def test_the_device_that_came_last_goes_on_and_no_click_is_lost(invited, clock):
    pc, link = invited
    first = pc.next()
    phone = pc.elsewhere("phone")
    assert phone.enter(**link).json()["phase"] == "tasks"
    # The page of the PC learns it by its next heartbeat, but its click is taken.
    assert not is_open(pc, first)
    second = phone.next()
    phone.look(second)
    late = pc.click_on(first)
    assert pc.post("click", late).json()["stored"] == "new"
    told = pc.next()
    assert (told["problem"], told["retry"]) == ("elsewhere", False)
    # Being told takes nothing from the phone.
    assert is_open(phone, second)
    assert phone.post("click", phone.click_on(second)).json()["stored"] == "new"
    # Either device may send what was sent before.
    assert phone.post("click", late).json()["stored"] == "again"
    while (task := phone.next())["kind"] == "task":
        phone.look(task)
        phone.post("click", phone.click_on(task))
    assert task["ending"] == "complete"
    rows = given_to(pc.desk)
    assert [row.state for row in rows] == ["accepted"] * 4
    assert len({row.task_id for row in rows}) == 4


def test_the_first_device_may_take_over_again(invited, clock):
    pc, link = invited
    pc.next()
    phone = pc.elsewhere("phone")
    phone.enter(**link)
    task = phone.next()
    pc.visit = "pc, loaded again"
    pc.enter(**link)
    assert not is_open(phone, task)
    assert pc.next()["kind"] == "task"
    assert phone.next()["problem"] == "elsewhere"
    images = [row.task_id for row in given_to(pc.desk)]
    assert len({*images}) == len(images) == 3


def test_a_device_that_is_told_to_stop_uses_up_no_photographs(invited, clock):
    pc, _ = invited
    phone = pc.elsewhere("phone")
    phone.session = pc.session
    for _ in range(5):
        pc.next()
        assert phone.next()["problem"] == "elsewhere"
    # Only the PC asked with success, and it dropped its own tasks.
    states = sorted(row.state for row in given_to(pc.desk))
    assert states == ["open"] + ["void"] * 4


def test_after_a_restart_the_device_that_asks_first_goes_on(invited, clock):
    pc, link = invited
    phone = pc.elsewhere("phone")
    phone.enter(**link)
    again = Visitor(pc.desk, clock)
    again.visit, again.session = "phone", phone.session
    late = again.elsewhere("pc")
    late.session = pc.session
    assert again.next()["kind"] == "task"
    assert late.next()["problem"] == "elsewhere"


def test_memory_of_visits_is_limited(monkeypatch):
    monkeypatch.setattr(visits, "_MOST_KEPT", 2)
    known = visits.Visits()
    for name in ("a", "b", "c"):
        known.enter(name, "here")
    # The oldest is forgotten, so that another page may go on.
    assert known.is_here("a", "there")
    assert not known.is_here("c", "there")
