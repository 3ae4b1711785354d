"""The machine's clock is set forward or back while people click."""

import collect_studies
import pytest
from collect_studies import Person

from rclicks_jax.collection import messages
from rclicks_jax.collection.service import clocks
from rclicks_jax.collection.store import assignments, cells

HOUR, DAY = 3600.0, 86400.0
JUMPS = (-5 * HOUR, -2.0, 2.0, 3 * DAY, 4000 * DAY)


class Machine:
    """A machine whose clock can be set."""

    def __init__(self):
        self.date, self.passed = 1_700_000_000.0, 50.0

    def wait(self, seconds):
        self.date += seconds
        self.passed += seconds

    def clock(self):
        return clocks.StudyClock(lambda: self.date, lambda: self.passed)


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def folder(tmp_path):
    return collect_studies.make(tmp_path, judgement={"tiny_px": 0, "clock_s": 1.0})


@pytest.fixture
def serve(folder, machine):
    """Opens the study, as each start of a server does."""
    opened = []

    def start():
        for desk in opened:
            desk.close()
        opened.append(collect_studies.open_study(folder, machine.clock()))
        return opened[-1]

    yield start
    opened[-1].close()


def click(person, task, **changes):
    message = person.click_on(task, **changes)
    return person.desk.take_click(person.token, message).result()


def accepted(desk):
    return sum(fill.accepted for fill in desk.store.read(cells.fills))


def state_of(desk, task):
    found = desk.store.read(lambda db: assignments.find(db, task.assignment))
    assert found is not None
    return found.state


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize(("seconds", "state"), [(7, "accepted"), (1, "rejected")])
def test_a_click_is_judged_by_the_seconds_that_passed(
    serve, machine, jump, seconds, state
):
    person = Person(serve(), machine.clock()).agree()
    task = person.next()
    machine.date += jump
    machine.wait(seconds)
    click(person, task)
    assert state_of(person.desk, task) == state


@pytest.mark.parametrize("jump", JUMPS)
def test_a_lease_has_its_length_however_the_clock_is_set(serve, machine, jump):
    desk = serve()
    person = Person(desk, machine.clock()).agree()
    task = person.next()
    machine.date += jump
    machine.wait(task.lease_s - 1)
    told = messages.Heartbeat(assignment=task.assignment)
    assert desk.heartbeat(person.token, told).result().open
    machine.wait(task.lease_s - 1)
    assert desk.heartbeat(person.token, told).result().open
    machine.wait(task.lease_s + 1)
    assert not desk.heartbeat(person.token, told).result().open
    assert state_of(desk, task) == "expired"


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_is_set_while_the_server_is_away_costs_no_click(
    serve, machine, jump
):
    person = Person(serve(), machine.clock()).agree()
    tasks = [person.next()]
    message = person.click_on(tasks[0])
    machine.date += jump
    machine.wait(7)
    desk = person.desk = serve()
    for _ in range(2):
        # An answer that was lost is asked for again.
        desk.take_click(person.token, message).result()
    assert state_of(desk, tasks[0]) == "accepted"
    tasks.append(person.next())
    machine.wait(7)
    click(person, tasks[1])
    assert state_of(desk, tasks[1]) == "accepted"
    assert accepted(desk) == 2
    assert len({task.image.url for task in tasks}) == 2


def test_leases_end_in_time_after_a_clock_was_set_back_by_hours(serve, machine):
    first = serve()
    people = [Person(first, machine.clock()).agree() for _ in range(2)]
    held = [person.next() for person in people]
    machine.date -= 5 * HOUR
    desk = serve()
    machine.wait(held[0].lease_s + 1)
    other = Person(desk, machine.clock()).agree()
    other.next()
    assert [state_of(desk, task) for task in held] == ["expired"] * 2


def test_nothing_is_overshot_when_a_clock_jumps_by_days(serve, machine):
    """Leases that seem to be over are given to others; late clicks find no place."""
    first = serve()
    slow = [Person(first, machine.clock()).agree() for _ in range(8)]
    held = [person.next() for person in slow]
    machine.date += 3 * DAY
    machine.wait(7)
    desk = serve()
    for person in slow:
        person.desk = desk
    quick = [Person(desk, machine.clock()).agree() for _ in range(4)]
    for person in quick:
        while isinstance(task := person.next(), messages.Task):
            machine.wait(7)
            click(person, task)
    for person, task in zip(slow, held, strict=True):
        assert click(person, task).stored == "new"
    fills = desk.store.read(cells.fills)
    assert [(fill.accepted, fill.open) for fill in fills] == [(2, 0)] * len(fills)


def test_a_clock_of_the_machine_is_read_once():
    dates = iter([5.0])
    clock = clocks.StudyClock(lambda: next(dates), lambda: 1.0)
    assert (clock(), clock()) == (5.0, 5.0)


def test_seconds_that_pass_never_go_back():
    first = clocks.passing()
    assert clocks.passing() >= first
