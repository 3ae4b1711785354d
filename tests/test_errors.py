import pickle

import pytest

from rclicks_jax import errors


@pytest.mark.parametrize(
    "error",
    [
        errors.BadValueError("Option n", "'x'", "a number above 0"),
        errors.BadValueError("--data", None, "something"),
        errors.UnknownNameError("segmenter", "sma", ["sam", "ritm"]),
        errors.DataError("a.png is broken"),
    ],
)
def test_an_error_of_another_process_says_the_same(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    # As absl does with an error of a configuration.
    assert str(type(error)(str(error))) == str(error)


def test_what_a_terminal_would_obey_is_escaped():
    given = "a\x1b[31m\x07\x9b2J\ud800b\n\tc \u00e9"
    assert errors.printable(given) == "a\\x1b[31m\\x07\\x9b2J\\ud800b\n\tc \u00e9"
