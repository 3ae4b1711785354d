"""Clicks are stored once, judged, and counted."""

import pytest
from collect_events import again
from collect_studies import Person, facts_of

from rclicks_jax.collection import messages
from rclicks_jax.collection.service import answers
from rclicks_jax.collection.store import assignments, cells, events, sessions


def states(desk):
    return [
        a.state
        for session in desk.store.read(sessions.every)
        for a in desk.store.read(
            lambda db, s=session: assignments.of_session(db, s.session_id)
        )
    ]


def fills(desk):
    return desk.store.read(cells.fills)


def test_the_same_event_twice_is_stored_once(opened, clock):
    person = Person(opened(), clock).agree()
    task = person.next()
    first = person.click(task, client_id="c" * 22)
    second = person.click(task, client_id="c" * 22)
    assert (first.stored, second.stored) == ("new", "again")
    assert first.done == second.done == 1
    assert person.desk.store.read(events.count) == 1


def test_another_event_of_the_same_task_is_kept_apart(opened, clock):
    person = Person(opened(), clock).agree()
    task = person.next()
    person.click(task)
    assert person.click(task).stored == "duplicate"
    kinds = [
        event.kind
        for event in person.desk.store.read(
            lambda db: events.of_assignment(db, task.assignment)
        )
    ]
    assert kinds == ["click", "duplicate"]
    assert sum(fill.accepted for fill in fills(person.desk)) == 1


def test_another_person_s_task_is_refused(opened, clock):
    desk = opened()
    one, other = (Person(desk, clock).agree() for _ in range(2))
    task = one.next()
    with pytest.raises(answers.Refusal) as refused:
        other.click(task)
    assert refused.value.status == 400
    assert desk.store.read(events.count) == 0


def test_a_forged_token_of_a_task_is_refused(opened, clock):
    person = Person(opened(), clock).agree()
    task = again(person.next(), token="A" * 22)
    with pytest.raises(answers.Refusal, match="not this session"):
        person.click(task)


def test_another_person_s_event_id_is_refused(opened, clock):
    desk = opened()
    one, other = (Person(desk, clock).agree() for _ in range(2))
    one.click(one.next(), client_id="c" * 22)
    with pytest.raises(answers.Refusal, match="taken"):
        other.click(other.next(), client_id="c" * 22)


def test_a_rejected_click_is_kept_and_its_place_is_free_again(opened, clock):
    desk = opened(names=("a",), assignment={"clicks": 1})
    one, other = (Person(desk, clock).agree() for _ in range(2))
    one.click(one.next(), uv=(0.99, 0.99))
    assert states(desk) == ["rejected"]
    assert isinstance(other.next(), messages.Task)


def test_a_click_that_comes_before_the_steps_can_be_over_is_rejected(opened, clock):
    person = Person(opened(), clock).agree()
    task = person.next()
    clock.now += 1
    person.desk.take_click(person.token, person.click_on(task)).result()
    assert states(person.desk) == ["rejected"]


def test_a_click_without_a_look_at_the_pictures_is_rejected(opened, clock):
    person = Person(opened(), clock).agree()
    task = person.next()
    urls = {url.removeprefix("/a/").removesuffix(".webp") for url in task.preload}
    assert person.desk.assets_of(person.token, task.assignment) == urls
    person.click(task, fetched=False)
    assert states(person.desk) == ["rejected"]


def test_practice_has_feedback_and_other_tasks_have_none(opened, clock):
    names = tuple("abcdefghij")
    desk = opened(names, practice={"count": 1})
    person = Person(desk, clock).agree()
    practice = person.next()
    assert practice.practice
    answer = person.click(practice, uv=(0.99, 0.99))
    assert answer.feedback == messages.Feedback(good=False, reasons=("outside",))
    assert answer.done == 0
    task = person.next()
    assert not task.practice
    assert person.click(task).feedback is None


def test_a_session_that_fails_control_tasks_counts_no_more(opened, clock):
    names = tuple("abcdefghijklmno")
    desk = opened(
        names,
        study={"per_person": 8},
        assignment={"block": 8},
        control={"count": 3, "every": 2, "images": ("a", "b", "c")},
    )
    controls = {facts.image for facts in facts_of(desk) if facts.role == "control"}
    person = Person(desk, clock).agree()
    done = 0
    for _ in range(8):
        task = person.next()
        is_control = any(asset in task.image.url for asset in controls)
        done += not is_control
        person.click(task, **({"uv": (0.99, 0.99)} if is_control else {}))
    assert done > 2
    assert sum(fill.accepted for fill in fills(desk)) == 0
    (session,) = desk.store.read(sessions.every)
    assert not session.counted
    assert "session_control" in session.reasons


@pytest.mark.parametrize("kind", ["test", "bot"])
def test_tests_and_bots_are_never_counted(opened, clock, kind):
    desk = opened()
    _, tasks = Person(desk, clock, kind=kind).agree().work()
    assert len(tasks) == 4
    assert sum(fill.accepted + fill.open for fill in fills(desk)) == 0
