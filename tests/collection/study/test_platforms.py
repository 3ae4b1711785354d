import pytest

from rclicks_jax import errors
from rclicks_jax.collection.study import platforms

ALL = ("local", "open", "prolific", "connect", "sona")


def load(folder, text="", names=ALL):
    if text:
        (folder / platforms.FILE).write_text(text)
    return platforms.load(folder, names)


def test_all_packaged_platforms_can_be_used(tmp_path):
    found = load(tmp_path)
    assert set(found) == set(ALL)
    assert found["prolific"].person == "PROLIFIC_PID"


def test_people_go_back_to_prolific_with_the_study_s_code(tmp_path):
    text = '[prolific.codes]\ncomplete = "C1 2"\nscreened_out = "S9"\n'
    prolific = load(tmp_path, text)["prolific"]
    base = "https://app.prolific.com/submissions/complete?cc="
    assert prolific.ending("complete", {}, "PROOF") == ("C1 2", f"{base}C1%202")
    assert prolific.ending("screened_out", {}, "PROOF") == ("S9", f"{base}S9")


def test_who_comes_from_nowhere_gets_the_code_of_the_session(tmp_path):
    found = load(tmp_path)["open"]
    assert found.ending("complete", {}, "PROOF") == ("PROOF", "")
    assert found.ending("screened_out", {}, "PROOF") == ("", "")


def test_parameters_go_into_the_address_quoted(tmp_path):
    text = '[sona.endings]\ncomplete = "https://x.org/?c={survey_code}&e={other}"\n'
    sona = load(tmp_path, text)["sona"]
    _, url = sona.ending("complete", {"survey_code": "a&b#/../"}, "")
    assert url == "https://x.org/?c=a%26b%23%2F..%2F&e="


def test_a_study_makes_platforms_of_its_own(tmp_path):
    text = '[lab]\ntitle = "our lab"\nperson = "seat"\ntest = { mode = "look" }\n'
    lab = load(tmp_path, text, ("lab",))["lab"]
    assert (lab.title, lab.person) == ("our lab", "seat")
    assert lab.is_test({"mode": "look"})
    assert not lab.is_test({"mode": "real"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[prolific]\npersn = 'x'\n", "mean person"),
        ("[prolific.endings]\ncomplete = 'http://x.org'\n", "https"),
        ("[prolific.endings]\ncomplet = 'https://x.org'\n", "complete, screened_out"),
        ("[prolific]\nframes = ['https://x.org/path']\n", "https://HOST"),
        ("[prolific]\ninvited = 'yes'\n", "invited"),
        ("prolific = 3\n", "table"),
    ],
)
def test_wrong_tables_are_refused(tmp_path, text, said):
    with pytest.raises(errors.BadValueError, match=said):
        load(tmp_path, text)


def test_an_unknown_platform_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(errors.UnknownNameError, match="mean prolific"):
        load(tmp_path, names=("prolfic",))
