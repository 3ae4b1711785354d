"""Live rounds through a server of this process: seats, who waits, and failures."""

import collect_studies
import msgspec
import numpy as np
import pytest
from collect_events import event
from collect_live import DEVICE, LIVE, act
from collect_visitors import Visitor

from rclicks_jax.collection import messages
from rclicks_jax.collection.service import live_rounds
from rclicks_jax.collection.service.desk import refusal
from rclicks_jax.collection.store import assignments, catalogue, cells
from rclicks_jax.collection.tasks import demand, later_rounds


class Told:
    """A segmenter that answers all or nothing."""

    rests = False

    def __init__(self):
        self.fails = False
        self.prepared = []

    def prepare(self, photograph):
        self.prepared.append(photograph.assignment)

    async def ask(self, turn):
        if self.fails:
            raise refusal(409, "segmenter", "It failed.")
        return np.ones((turn.photograph.height, turn.photograph.width), bool), 7.0


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def desk(opened):
    return opened(**LIVE)


def visitor(desk, clock, segmenter):
    return Visitor(desk, clock, segmenter=segmenter).begin()


def people(desk, clock, segmenter, count):
    """Returns visitors of one server."""
    first = visitor(desk, clock, segmenter)
    made = [first]
    for _ in range(count - 1):
        made.append(first.elsewhere("").begin())
    return made


def asks(person):
    return person.post("next", {"device": DEVICE, "rested": True})


def test_who_finds_no_seat_waits_without_a_task(desk, clock, told):
    one, other = people(desk, clock, told, 2)
    task = asks(one).json()
    assert told.prepared == [task["assignment"]]
    waits = asks(other)
    assert (waits.status_code, waits.json()["problem"]) == (503, "no_seat")
    assert waits.json()["retry"]
    # Nothing was shown: no photograph is used up.
    session = desk.session_id(other.session)
    assert desk.store.read(lambda db: assignments.of_session(db, session)) == []
    one.post("withdraw", {"erase": False})
    assert asks(other).json()["kind"] == "task"


def once(desk, clock, told, count, share=1.0, **changes):
    """Returns people of a study in which objects have one click, too."""
    live = {**LIVE["live"], "first_clicks": share}
    made = desk(**{**LIVE, "live": live, **changes})
    return made, people(made, clock, told, count)


def clicked(desk, clock, person, task):
    """Sends a click in the middle of a timed task; returns the answer."""
    given = msgspec.convert(task, messages.Task)
    clock.wait(sum(step.ms for step in given.steps) / 1000 + 1)
    message = event(
        client_id=f"click{task['assignment'][:20]}",
        assignment=given.assignment,
        token=given.token,
        uv=(0.5, 0.5),
        steps=given.steps,
        shape=(given.image.h, given.image.w),
    )
    return person.post("click", msgspec.to_builtins(message))


def test_who_waits_gets_a_first_click_and_keeps_the_place(opened, clock, told):
    desk, (one, other, third) = once(opened, clock, told, 3, 0.999)
    rank = "UPDATE tasks SET rank = ? WHERE task_id = (SELECT MIN(task_id) FROM tasks)"
    desk.store.write(lambda db: db.execute(rank, (demand.RANKS - 1,)) and None).result()
    task = asks(one).json()
    assert (task["pace"], task["most_clicks"]) == ("live", 5)
    meanwhile = asks(other).json()
    assert (meanwhile["pace"], meanwhile["most_clicks"]) == ("timed", 0)
    assert len(meanwhile["steps"]) == 4
    assert told.prepared == [task["assignment"]]
    # A segmenter answers no such task, and a live task has no single click.
    assert other.post("live", act(meanwhile, 0)).status_code == 400
    assert asks(third).json()["pace"] == "timed"
    one.post("withdraw", {"erase": False})
    # The seat is free, but not for who came later.
    assert asks(third).json()["pace"] == "timed"
    assert clicked(desk, clock, other, meanwhile).json()["stored"] == "new"
    stored = desk.store.read(lambda db: assignments.find(db, meanwhile["assignment"]))
    assert stored is not None
    assert stored.state in ("accepted", "rejected")
    following = asks(other).json()
    assert following["done"] == 1
    assert following["pace"] == "live"
    assert told.prepared[-1] == following["assignment"]
    refused = clicked(desk, clock, other, {**following, "steps": meanwhile["steps"]})
    assert refused.status_code == 400


def test_who_waits_gets_a_later_round(opened, clock, told, tmp_path):
    desk = opened(**LIVE, limits={"region_px": 1, "region_share": 0})
    added = later_rounds.add_distortions(desk.study, desk.store, ["part_lost"])
    assert added.tasks["fn"] > 0
    one, other = people(desk, clock, told, 2)
    assert asks(one).json()["pace"] == "live"
    meanwhile = asks(other).json()
    assert (meanwhile["pace"], meanwhile["ask"]) == ("timed", "missing")


def test_without_a_live_task_left_a_seat_is_free_for_others(opened, clock, told):
    _, (one, other) = once(opened, clock, told, 2)
    assert asks(one).json()["pace"] == "timed"
    assert asks(other).json()["pace"] == "timed"
    assert told.prepared == []


def test_practice_of_who_waits_is_of_one_click(opened, clock, told):
    practice = {"count": 1, "every": 1, "images": ("a",)}
    _, (one, other) = once(opened, clock, told, 2, 0.0, practice=practice)
    assert asks(one).json()["pace"] == "live"
    meanwhile = asks(other).json()
    assert (meanwhile["practice"], meanwhile["pace"]) == (True, "timed")


def test_a_control_task_of_one_click_frees_no_seat(opened, clock, told):
    """It is over in half a minute, and live tasks follow."""
    control = {"count": 1, "every": 1, "images": ("a",)}
    desk, (one, other) = once(opened, clock, told, 2, 0.0, control=control)
    # A control task of a later round, which has no live form.
    (task,) = [t for t in collect_studies.facts_of(desk) if t.role == "control"]
    later = msgspec.structs.replace(task, click_type="fn")
    desk.store.write(lambda db: catalogue.put_task(db, later, 0)).result()
    given = asks(one).json()
    assert (given["pace"], given["ask"]) == ("timed", "missing")
    meanwhile = asks(other).json()
    assert meanwhile["pace"] == "timed"
    for person, task in ((one, given), (other, meanwhile)):
        assert clicked(desk, clock, person, task).json()["stored"] == "new"
    assert asks(one).json()["pace"] == "live"
    assert asks(other).json()["problem"] == "no_seat"


def test_a_pause_frees_a_seat(desk, clock, told):
    one, other = people(desk, clock, told, 2)
    for _ in range(2):
        task = asks(one).json()
        assert one.post("live", act(task, 0)).status_code == 200
        assert one.post("live", act(task, 1, "done")).json()["ended"]
        assert asks(other).json()["problem"] == "no_seat"
    unrested = one.post("next", {"device": DEVICE, "rested": False})
    assert unrested.json()["kind"] == "pause"
    assert asks(other).json()["kind"] == "task"


def test_a_failure_is_told_keeps_the_acts_and_costs_one_photograph(desk, clock, told):
    person = visitor(desk, clock, told)
    task = asks(person).json()
    assert person.post("live", act(task, 0)).status_code == 200
    told.fails = True
    failed = person.post("live", act(task, 1, uv=(0.2, 0.2)))
    assert (failed.status_code, failed.json()["problem"]) == (409, "segmenter")
    assert not failed.json()["retry"]
    stored = desk.store.read(lambda db: live_rounds.acts_of(db, task["assignment"]))
    assert [item.message.number for item in stored] == [0, 1]
    told.fails = False
    # The same act may still be answered, as after a restart of the server.
    assert person.post("live", act(task, 1, uv=(0.2, 0.2))).json()["clicks"] == 2
    following = asks(person).json()
    assert following["image"] != task["image"]
    given = desk.store.read(lambda db: assignments.find(db, task["assignment"]))
    assert given is not None
    assert given.state == "void"


def test_a_failure_at_the_last_click_fills_no_place(desk, clock, told):
    person = visitor(desk, clock, told)
    task = asks(person).json()
    for number in range(4):
        person.post("live", act(task, number))
    told.fails = True
    assert person.post("live", act(task, 4)).status_code == 409
    given = desk.store.read(lambda db: assignments.find(db, task["assignment"]))
    assert given is not None
    assert given.state == "void"
    assert sum(fill.accepted for fill in desk.store.read(cells.fills)) == 0
    assert asks(person).json()["done"] == 0


def test_nobody_gets_a_task_while_the_segmenter_rests(desk, clock, told):
    person = visitor(desk, clock, told)
    told.rests = True
    assert asks(person).json()["problem"] == "busy"
    told.rests = False
    assert asks(person).json()["kind"] == "task"
