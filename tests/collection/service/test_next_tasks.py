"""Which tasks people are given, and how long they keep them."""

from collect_studies import Person, facts_of, sent_to_browsers

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.store import assignments, cells, sessions


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


def test_no_person_sees_a_photograph_twice(opened, clock):
    desk = opened(study={"per_person": 9}, display={"modes": words.MODES[1:]})
    _, tasks = Person(desk, clock).agree().work()
    assert len(tasks) == 4
    assert len({task.image.url for task in tasks}) == 4


def test_a_reload_voids_the_task_and_gives_another_photograph(opened, clock):
    desk = opened()
    one = Person(desk, clock).agree()
    first = one.next()
    Person(desk, clock, session=one.token)
    assert states(desk) == ["void"]
    second = one.next()
    assert second.image.url != first.image.url
    assert fills(desk)[0].open + fills(desk)[1].open <= 1


def test_asking_twice_holds_one_lease(opened, clock):
    person = Person(opened(), clock).agree()
    person.next()
    person.next()
    assert sum(fill.open for fill in fills(person.desk)) == 1


def test_a_lease_that_ended_is_given_to_others(opened, clock):
    desk = opened(names=("a",), assignment={"clicks": 1})
    one, other, third = (Person(desk, clock).agree() for _ in range(3))
    one.next()
    assert isinstance(other.next(), messages.Finish)
    clock.now += 181
    assert isinstance(third.next(), messages.Task)


def test_heartbeats_keep_a_lease_but_not_for_ever(opened, clock):
    desk = opened(names=("a",), assignment={"clicks": 1})
    person = Person(desk, clock).agree()
    task = person.next()
    beat = messages.Heartbeat(assignment=task.assignment)
    answers = []
    for _ in range(30):
        clock.now += 100
        answers.append(desk.heartbeat(person.token, beat).result().open)
    assert answers[:17] == [True] * 17
    assert not answers[-1]


def test_a_late_click_counts_if_it_is_still_needed(opened, clock):
    desk = opened(names=("a",), assignment={"clicks": 1})
    person = Person(desk, clock).agree()
    task = person.next()
    clock.now += 500
    assert person.click(task).stored == "new"
    assert states(desk) == ["accepted"]


def test_a_late_click_that_is_not_needed_is_kept_as_surplus(opened, clock):
    desk = opened(names=("a",), assignment={"clicks": 1})
    late, quick = (Person(desk, clock).agree() for _ in range(2))
    task = late.next()
    clock.now += 500
    quick.click(quick.next())
    late.click(task)
    assert sorted(states(desk)) == ["accepted", "surplus"]
    assert fills(desk)[0].accepted == 1


def test_a_click_of_another_device_fills_that_device_s_cell(opened, clock):
    desk = opened(names=("a",), assignment={"clicks": 1, "devices": ("pc", "pen")})
    person = Person(desk, clock).agree()
    person.click(person.next(), pointer="pen")
    assert [(f.device, f.accepted, f.open) for f in fills(desk)] == [
        ("pc", 0, 0),
        ("pen", 1, 0),
    ]


def test_a_pause_comes_between_blocks(opened, clock):
    person = Person(opened(), clock).agree()
    for _ in range(2):
        person.click(person.next(rested=False))
    pause = person.next(rested=False)
    assert isinstance(pause, messages.Pause)
    assert (pause.done, pause.of, pause.block, pause.blocks) == (2, 4, 1, 2)
    assert isinstance(person.next(rested=True), messages.Task)


def test_modes_of_blocks_are_balanced_over_people(opened, clock):
    modes = words.MODES[1:3]
    desk = opened(display={"modes": modes}, assignment={"block": 2, "clicks": 9})
    orders = []
    for _ in range(4):
        _, tasks = Person(desk, clock).agree().work()
        orders.append(tuple(dict.fromkeys(task.mode for task in tasks)))
    assert sorted(orders) == sorted([modes, modes[::-1]] * 2)


def test_who_leaves_passes_the_order_on(opened, clock):
    modes = words.MODES[1:3]
    desk = opened(display={"modes": modes})
    gone = Person(desk, clock).agree()
    first = gone.next().mode
    desk.withdraw(gone.token, messages.Withdraw(erase=False)).result()
    assert Person(desk, clock).agree().next().mode == first


def test_nothing_told_to_a_browser_names_the_object_or_its_role(opened, clock):
    names = tuple(f"stem_{number}" for number in range(10))
    desk = opened(
        names,
        practice={"count": 1},
        control={"count": 1, "every": 2, "images": ("stem_2",)},
    )
    person = Person(desk, clock).agree()
    last, tasks = person.work()
    told = sent_to_browsers(person.entered, last, *tasks)
    for word in (b"stem_", b"control", b"mine", b"mask", b"box", b"first"):
        assert word not in told
    roles = {facts.role for facts in facts_of(desk)}
    assert roles == {"main", "practice", "control"}
