"""What holds whoever comes, leaves, clicks twice or comes late."""

import collections
import threading

import collect_studies
import hypothesis
import hypothesis.strategies as st
import pytest
from collect_studies import Clock, Person

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.service import answers
from rclicks_jax.collection.store import assignments, cells, sessions

acts = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(
            ["next", "hit", "hit", "miss", "again", "reload", "void", "leave", "wait"]
        ),
    ),
    max_size=60,
)


def check(desk, n):
    """Checks what must hold of the database."""
    fills = desk.store.read(cells.fills)
    every = [
        assignment
        for session in desk.store.read(sessions.every)
        for assignment in desk.store.read(
            lambda db, s=session: assignments.of_session(db, s.session_id)
        )
    ]
    counts = collections.Counter(
        (a.cell is not None, a.task_id, a.mode, a.state) for a in every
    )
    for fill in fills:
        key = (True, fill.task_id, fill.mode)
        assert counts[(*key, "accepted")] == fill.accepted
        assert counts[(*key, "open")] == fill.open
        assert 0 <= fill.accepted + fill.open <= n
    of_person = {s.session_id: s.person_id for s in desk.store.read(sessions.every)}
    images = {t.task_id: t.image_id for t in collect_studies.facts_of(desk)}
    shown = [(of_person[a.session_id], images[a.task_id]) for a in every]
    assert len(set(shown)) == len(shown)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return collect_studies.make(
        tmp_path_factory.mktemp("invariants"),
        assignment={"clicks": 2},
        display={"modes": words.MODES[1:3]},
        study={"per_person": 3},
    )


@hypothesis.given(acts)
@hypothesis.settings(max_examples=25, deadline=None)
def test_accepted_clicks_never_exceed_what_is_wanted(folder, sequence):
    (folder / "study.db").rename(folder / "kept.db")
    (folder / "study.db").write_bytes((folder / "kept.db").read_bytes())
    clock = Clock()
    desk = collect_studies.open_study(folder, clock)
    try:
        play(desk, clock, sequence)
        check(desk, n=2)
    finally:
        desk.close()
        for path in folder.glob("study.db*"):
            path.unlink()
        (folder / "kept.db").rename(folder / "study.db")


def play(desk, clock, sequence):
    """Lets five people do what a sequence says."""
    people = {number: Person(desk, clock).agree() for number in range(5)}
    tasks, sent = {}, {}
    for number, act in sequence:
        person = people[number]
        try:
            if act == "next":
                tasks[number] = person.next()
            elif act == "wait":
                clock.now += 100
            elif act == "reload":
                people[number] = Person(desk, clock, session=person.token)
                people[number].number = person.number
                people[number].sent = person.sent
            elif act == "leave":
                gone = messages.Withdraw(erase=number % 2 == 0)
                desk.withdraw(person.token, gone).result()
            elif isinstance(task := tasks.get(number), messages.Task):
                if act == "void":
                    desk.void(person.token, messages.Void(
                        client_id=f"void{next(person.sent):018}{number:04}",
                        assignment=task.assignment, token=task.token,
                        reason="person")).result()  # fmt: skip
                elif act == "again" and number in sent:
                    desk.take_click(person.token, sent[number]).result()
                else:
                    places = {"uv": (0.99, 0.99)} if act == "miss" else {}
                    sent[number] = person.click_on(task, **places)
                    clock.now += 6
                    desk.take_click(person.token, sent[number]).result()
        except answers.Refusal:
            # Whoever has left is refused.
            continue


def test_200_people_at_once_on_the_last_ten_places_overshoot_nothing(tmp_path):
    clock = Clock()
    folder = collect_studies.make(
        tmp_path,
        names=("a", "b"),
        assignment={"clicks": 5},
        study={"per_person": 1},
    )
    desk = collect_studies.open_study(folder, clock)
    people = [Person(desk, clock).agree() for _ in range(200)]
    barrier = threading.Barrier(200)
    got = []

    def work(person):
        barrier.wait()
        task = person.next()
        if isinstance(task, messages.Task):
            got.append(task)
            message = person.click_on(task)
            clock.wait(6)
            desk.take_click(person.token, message).result()

    threads = [threading.Thread(target=work, args=(p,)) for p in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(desk, n=5)
    fills = desk.store.read(cells.fills)
    desk.close()
    assert sum(fill.accepted for fill in fills) == 10
    assert len(got) >= 10


def test_modes_of_complete_people_differ_by_one_at_most(tmp_path):
    clock = Clock()
    modes = words.MODES[1:4]
    folder = collect_studies.make(
        tmp_path,
        names=tuple("abcdef"),
        display={"modes": modes},
        assignment={"clicks": 50, "block": 1},
        study={"per_person": 3},
    )
    desk = collect_studies.open_study(folder, clock)
    at_place = collections.Counter()
    for _ in range(7):
        _, tasks = Person(desk, clock).agree().work()
        at_place.update((place, task.mode) for place, task in enumerate(tasks))
    desk.close()
    for place in range(3):
        counts = [at_place[place, mode] for mode in modes]
        assert max(counts) - min(counts) <= 1
