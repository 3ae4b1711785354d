import hypothesis
import hypothesis.strategies as st
import pytest

from rclicks_jax.collection.study import tokens

SECRET, OTHER = tokens.new_secret(), tokens.new_secret()


def test_a_session_token_is_that_of_its_session_and_study():
    token = tokens.session_token(SECRET, "session")
    assert tokens.session_of(SECRET, token) == "session"
    assert tokens.session_of(OTHER, token) is None


@hypothesis.given(st.text(max_size=60))
@hypothesis.settings(deadline=None)
def test_no_other_text_is_a_session_token(text):
    assert tokens.session_of(SECRET, text) is None


def test_borders_of_what_is_signed_count():
    assert tokens.keyed(SECRET, "x", "ab", "c") != tokens.keyed(SECRET, "x", "a", "bc")
    assert tokens.keyed(SECRET, "x", "ab") != tokens.keyed(SECRET, "xa", "b")


def test_a_token_for_one_purpose_is_none_for_another():
    one = tokens.session_token(SECRET, "a").partition(".")[2]
    assert one != tokens.keyed(SECRET, "invitation", "a")


@pytest.mark.parametrize("change", [lambda t: "2" + t[1:], lambda t: t[:-1], str.lower])
def test_a_changed_invitation_is_not_valid(change):
    text = tokens.invitation(SECRET, 1)
    assert tokens.is_invitation(SECRET, text)
    assert change(text) != text
    assert not tokens.is_invitation(SECRET, change(text))


@pytest.mark.parametrize("text", ["", "-", "x-y", "-1-x", "٣-x", "9" * 5000 + "-x"])
def test_odd_invitations_are_refused(text):
    assert not tokens.is_invitation(SECRET, text)


def test_ids_have_128_bits_and_differ():
    ids = {tokens.new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(name) for name in ids} == {22}


def test_codes_can_be_typed():
    code = tokens.code(SECRET, "proof", "a")
    assert len(code) == 11
    assert not set(code) & set("01OIL")
    assert code != tokens.code(SECRET, "proof", "b")
