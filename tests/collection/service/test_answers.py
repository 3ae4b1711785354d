"""The end of a session, and what is known by ids."""

import itertools

import pytest
from collect_studies import Person

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


def test_a_session_with_tasks_left_has_no_code(opened, clock):
    person = Person(opened(), clock).agree()
    with pytest.raises(answers.Refusal) as refused:
        person.desk.finish(person.token, messages.FinishQuery()).result()
    assert refused.value.status == 409


def test_the_end_is_the_same_whenever_it_is_asked_for(opened, clock):
    person = Person(opened(), clock).agree()
    last, _ = person.work()
    again = person.desk.finish(person.token, messages.FinishQuery()).result()
    assert again == last == person.next()


def test_a_code_is_that_of_its_session_alone(opened, clock):
    desk = opened()
    codes = {Person(desk, clock).agree().work()[0].proof for _ in range(2)}
    assert len(codes) == 2


def test_a_person_for_whom_nothing_is_left_is_screened_out(opened, clock):
    desk = opened(names=("a",), assignment={"clicks": 1})
    Person(desk, clock).agree().work()
    last, tasks = Person(desk, clock).agree().work()
    assert (last.ending, tasks) == ("screened_out", [])


@pytest.mark.parametrize("erase", [False, True])
def test_who_withdraws_counts_no_more(opened, clock, erase):
    desk = opened()
    person = Person(desk, clock).agree()
    person.click(person.next())
    person.next()
    gone = desk.withdraw(person.token, messages.Withdraw(erase=erase)).result()
    assert gone.erased == int(erase)
    assert desk.store.read(events.count) == int(not erase)
    assert sum(fill.accepted + fill.open for fill in fills(desk)) == 0


def test_a_click_after_withdrawal_is_refused(opened, clock):
    desk = opened()
    person = Person(desk, clock).agree()
    task = person.next()
    desk.withdraw(person.token, messages.Withdraw(erase=False)).result()
    with pytest.raises(answers.Refusal, match="left"):
        person.click(task)


def test_a_given_up_task_goes_to_others_and_its_event_is_kept_once(opened, clock):
    desk = opened(names=("a",), assignment={"clicks": 1})
    one, other = (Person(desk, clock).agree() for _ in range(2))
    task = one.next()
    message = messages.Void(
        client_id="v" * 22, assignment=task.assignment, token=task.token, reason="tiny"
    )
    for _ in range(2):
        assert desk.void(one.token, message).result().client_id == "v" * 22
    assert states(desk) == ["void"]
    assert isinstance(other.next(), messages.Task)


def test_pictures_are_found_by_their_ids_only(opened, clock):
    desk = opened()
    task = Person(desk, clock).agree().next()
    asset_id = task.image.url.removeprefix("/a/").removesuffix(".webp")
    assert desk.asset(asset_id).is_file()
    for path in ("../secret", "../../secret", "", "A" * 22, asset_id + "/../x"):
        assert desk.asset(path) is None


def test_ids_and_tokens_are_never_the_same(opened, clock):
    desk = opened()
    seen = set()
    for _ in range(3):
        person = Person(desk, clock).agree()
        tasks = [person.next() for _ in range(2)]
        seen |= {person.token, *itertools.chain(*((t.assignment, t.token)
                                                 for t in tasks))}  # fmt: skip
    assert len(seen) == 3 * 5
