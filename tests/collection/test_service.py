import itertools

import pytest
from collect_events import PC, PHONE, again
from collect_studies import Person, facts_of, sent_to_browsers

from rclicks_jax.collection import messages, service, tokens, words
from rclicks_jax.collection.store import assignments, cells, events, sessions

INVITED = {"platform": "local"}


def invitation(desk, number=1):
    return {"invitation": tokens.invitation(desk.study.secret, number)}


def states(desk):
    return [
        a.state
        for session in desk.store.read(sessions.every)
        for a in desk.store.read(lambda db, s=session: assignments.of_session(
            db, s.session_id))
    ]  # fmt: skip


def fills(desk):
    return desk.store.read(cells.fills)


# ----- Entry -----


def test_a_person_agrees_reads_and_works_to_the_end(opened, clock):
    person = Person(opened(), clock)
    assert person.entered.phase == "consent"
    person.agree()
    assert person.entered.phase == "tasks"
    last, tasks = person.work()
    assert len(tasks) == 4
    assert isinstance(last, messages.Finish)
    assert (last.ending, last.done) == ("complete", 4)
    assert states(person.desk) == ["accepted"] * 4


def test_nobody_gets_a_task_without_consent(opened, clock):
    person = Person(opened(), clock)
    with pytest.raises(service.Refusal) as refused:
        person.next()
    assert refused.value.status == 403
    with pytest.raises(service.Refusal):
        person.desk.begin(person.token).result()


def test_who_does_not_agree_is_screened_out(opened, clock):
    person = Person(opened(), clock)
    no = messages.Consent(version="1", language="en", agreed=False)
    assert person.desk.consent(person.token, no).result().phase == "finished"
    finish = person.desk.finish(person.token, messages.FinishQuery()).result()
    assert (finish.ending, finish.code) == ("screened_out", "")


def test_another_version_of_the_consent_text_is_refused(opened, clock):
    person = Person(opened(), clock)
    old = messages.Consent(version="0", language="en", agreed=True)
    with pytest.raises(service.Refusal, match="version 1"):
        person.desk.consent(person.token, old).result()


def test_an_invitation_lets_in_and_anything_else_does_not(opened, clock):
    desk = opened()
    Person(desk, clock, **INVITED, parameters=invitation(desk))
    for parameters in ({}, {"invitation": "1"}, {"invitation": "2-" + "A" * 22}):
        with pytest.raises(service.Refusal) as refused:
            Person(desk, clock, **INVITED, parameters=parameters)
        assert refused.value.status == 403


def test_a_platform_that_the_study_does_not_have_is_refused(opened, clock):
    with pytest.raises(service.Refusal):
        Person(opened(), clock, platform="prolific", parameters={"PROLIFIC_PID": "x"})


def test_a_person_has_one_session_on_all_devices(opened, clock):
    desk = opened()
    one = Person(desk, clock, **INVITED, parameters=invitation(desk)).agree()
    other = Person(desk, clock, PHONE, **INVITED, parameters=invitation(desk))
    assert other.token == one.token
    assert len(desk.store.read(sessions.every)) == 1


def test_two_people_at_one_browser_have_two_sessions(opened, clock):
    desk = opened()
    one = Person(desk, clock, **INVITED, parameters=invitation(desk, 1))
    other = Person(
        desk, clock, **INVITED, parameters=invitation(desk, 2), session=one.token
    )
    assert other.token != one.token


def test_a_person_without_a_name_goes_on_by_what_the_browser_kept(opened, clock):
    desk = opened()
    one = Person(desk, clock)
    assert Person(desk, clock, session=one.token).token == one.token
    assert Person(desk, clock).token != one.token


def test_names_of_people_stand_in_one_table_only(opened, clock):
    desk = opened()
    parameters = invitation(desk)
    Person(desk, clock, **INVITED, parameters=parameters)
    (session,) = desk.store.read(sessions.every)
    assert parameters["invitation"] not in repr(session)
    kept = desk.store.read(lambda db: sessions.parameters(db, session.person_id))
    assert kept == parameters
    desk.store.write(lambda db: sessions.forget(db, None)).result()
    assert not desk.store.read(lambda db: sessions.parameters(db, session.person_id))


@pytest.mark.parametrize(
    ("device", "problem"),
    [(PHONE, "device_unwanted"), (again(PC, inner=(200, 900)), "device_small")],
)
def test_a_device_that_will_not_do_is_told_why(opened, clock, device, problem):
    person = Person(opened(), clock, device)
    assert (person.entered.phase, person.entered.problem) == ("device", problem)
    mended = person.desk.device(person.token, PC).result()
    assert (mended.phase, mended.problem) == ("consent", "")


def test_a_token_of_nobody_is_refused(opened, clock):
    desk = opened()
    person = Person(desk, clock)
    forged = person.token[:-1] + ("A" if person.token[-1] != "A" else "B")
    for token in ("", "x", forged, person.token.partition(".")[0]):
        with pytest.raises(service.Refusal) as refused:
            desk.begin(token).result()
        assert refused.value.status == 401


# ----- Tasks -----


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


# ----- Clicks -----


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
    with pytest.raises(service.Refusal) as refused:
        other.click(task)
    assert refused.value.status == 400
    assert desk.store.read(events.count) == 0


def test_a_forged_token_of_a_task_is_refused(opened, clock):
    person = Person(opened(), clock).agree()
    task = again(person.next(), token="A" * 22)
    with pytest.raises(service.Refusal, match="not this session"):
        person.click(task)


def test_another_person_s_event_id_is_refused(opened, clock):
    desk = opened()
    one, other = (Person(desk, clock).agree() for _ in range(2))
    one.click(one.next(), client_id="c" * 22)
    with pytest.raises(service.Refusal, match="taken"):
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


# ----- End -----


def test_a_session_with_tasks_left_has_no_code(opened, clock):
    person = Person(opened(), clock).agree()
    with pytest.raises(service.Refusal) as refused:
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
    with pytest.raises(service.Refusal, match="left"):
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
