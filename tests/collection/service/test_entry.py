"""People enter, agree and begin."""

import pytest
from collect_events import PC, PHONE, again
from collect_studies import Person

from rclicks_jax.collection import messages
from rclicks_jax.collection.service import answers
from rclicks_jax.collection.store import assignments, sessions
from rclicks_jax.collection.study import tokens

INVITED = {"platform": "local"}


def invitation(desk, number=1):
    return {"invitation": tokens.invitation(desk.study.secret, number)}


def states(desk):
    return [
        a.state
        for session in desk.store.read(sessions.every)
        for a in desk.store.read(
            lambda db, s=session: assignments.of_session(db, s.session_id)
        )
    ]


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
    with pytest.raises(answers.Refusal) as refused:
        person.next()
    assert refused.value.status == 403
    with pytest.raises(answers.Refusal):
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
    with pytest.raises(answers.Refusal, match="version 1"):
        person.desk.consent(person.token, old).result()


def test_an_invitation_lets_in_and_anything_else_does_not(opened, clock):
    desk = opened()
    Person(desk, clock, **INVITED, parameters=invitation(desk))
    for parameters in ({}, {"invitation": "1"}, {"invitation": "2-" + "A" * 22}):
        with pytest.raises(answers.Refusal) as refused:
            Person(desk, clock, **INVITED, parameters=parameters)
        assert refused.value.status == 403


def test_a_platform_that_the_study_does_not_have_is_refused(opened, clock):
    with pytest.raises(answers.Refusal):
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
        with pytest.raises(answers.Refusal) as refused:
            desk.begin(token).result()
        assert refused.value.status == 401
