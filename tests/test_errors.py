import pickle

import pytest

from rclicks_jax import errors


@pytest.mark.parametrize(
    "error",
    [
        errors.BadValueError("Option n", "'x'", "a number above 0"),
        errors.BadValueError("--data", None, "something"),
        errors.UnknownNameError("segmenter", "sma", ["sam", "ritm"]),
        errors.UnknownNameError("segmenter", "sma", ["sam"], "Or a file."),
        errors.BadValueError("--data", "x", "y", " Do you mean y?"),
        errors.DataError("a.png is broken"),
    ],
)
def test_an_error_of_another_process_says_the_same(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    # As absl does with an error of a configuration.
    assert str(type(error)(str(error))) == str(error)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("dt", " Do you mean DT?"),
        ("Samm", " Do you mean sam?"),
        ("ritm", " Do you mean ritm?"),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_a_name_that_is_near_is_meant(name, meant):
    assert errors.meant(name, ["DT", "UD", "sam", "ritm"]) == meant


def test_meant_names_are_shown_as_they_are_to_be_typed():
    assert errors.meant("seeed", ["seed"], "--{}".format) == " Do you mean --seed?"
    # One name in composed and in decomposed letters.
    assert errors.meant("cafe\u0301", ["caf\u00e9"]) == " Do you mean caf\u00e9?"


@pytest.mark.parametrize(
    ("most", "told"), [(1, "a and 2 more"), (2, "a, b and 1 more"), (3, "a, b, c")]
)
def test_few_of_many_names_are_listed_and_the_rest_counted(most, told):
    assert errors.few(["a", "b", "c"], most) == told


def test_all_that_is_wrong_is_said_at_once():
    def wrong(text):
        raise errors.DataError(text)

    errors.check_all([lambda: 1, lambda: None])
    with pytest.raises(errors.DataError, match=r"^first$"):
        errors.check_all([lambda: wrong("first"), lambda: 1])
    with pytest.raises(errors.BadValueError, match=r"2 things.*\n  first\n  second$"):
        errors.check_all([lambda: wrong("first"), lambda: wrong("second")])


def test_what_a_terminal_would_obey_is_escaped():
    given = "a\x1b[31m\x07\x9b2J\ud800b\n\tc \u00e9"
    assert errors.printable(given) == "a\\x1b[31m\\x07\\x9b2J\\ud800b\n\tc \u00e9"
