"""What the report says of what limited a run."""

import dataclasses

import pytest

from rclicks_jax.jobs.utilisation import AnswererUse, Utilisation
from rclicks_jax.results import limits

MINUTE = (0.5,) * 60


def start_of(passes, segmenter, host, seconds=10.0):
    uses = (
        AnswererUse("click model", 4, 34, 40, passes, MINUTE),
        AnswererUse("segmenter 0", 9, 99, 99, segmenter, MINUTE),
    )
    return Utilisation(seconds, 2, host, MINUTE, {"decode": 1.25}, uses)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ((8, 1, 1), "The click model limits this run: it worked for 80 % of the time."),
        ((8, 9, 1), "The segmenter 0 limits this run: it worked for 90 % of the time."),
        ((2, 3, 19), "The host limits this run: all its threads worked for 95 % of"),
        ((7, 3, 2), "Nothing worked all the time, most of all the click model with 70"),
    ],
)
def test_one_sentence_says_what_a_run_waits_for(seconds, said):
    assert limits.sentence(start_of(*seconds)).startswith(said)


def test_a_short_start_says_nothing():
    short = start_of(1, 1, 1, seconds=1.0)
    assert "too short" in limits.sentence(short)
    long = dataclasses.replace(short, seconds=9.0)
    assert limits.longest([short, long, short]) is long


def test_table_and_time_line_are_of_the_longest_start():
    shown = limits.shown([start_of(8, 1, 5)])
    assert shown is not None
    assert shown["rows"][0] == ("click model", "4", "34", "85.0 %", "8.0", "80.0 %")
    assert shown["rows"][-1] == ("host", "", "", "", "5.0", "25.0 %")
    assert shown["parts"] == "decoding 1.2 s"
    assert str(shown["time_line"]).count("<rect") == 3 * 10
    assert limits.shown([]) is None
