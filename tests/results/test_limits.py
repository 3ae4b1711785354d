"""Tests of what a report says of the limits of a run."""

import xml.etree.ElementTree as ET

import pytest

from rclicks_jax.jobs.utilisation import AnswererUse, Utilisation
from rclicks_jax.results import limits


def start(*busy, seconds=10.0, host_seconds=2.0, name="segmenter"):
    """Returns a start in which answerers were busy for these seconds."""
    answerers = tuple(
        AnswererUse(f"{name} {number}", 4, 30, 40, each, (1.0, 0.5))
        for number, each in enumerate(busy)
    )
    return Utilisation(
        seconds, 2, host_seconds, (0.5, 0.25), {"decode": 1.25}, answerers
    )


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (start(9.5, 1.0), "The segmenter 0 limits this run"),
        (start(1.0, 2.0, host_seconds=19.0), "The host limits this run"),
        (start(5.0, 6.0), "The segmenter 1 worked most, 60 %"),
        (start(0.9, seconds=1.0), "too short"),
    ],
)
def test_the_busiest_part_is_named(of, words):
    assert words in limits.sentence(of)


def test_rows_have_fill_and_share_of_the_time():
    rows = limits.rows_of(start(5.0))
    assert [(row.name, row.fill, row.busy) for row in rows] == [
        ("segmenter 0", "75.0 %", 0.5),
        ("host", "", 0.1),
    ]


def test_names_in_the_time_line_are_escaped():
    drawing = ET.fromstring(limits.time_line(start(5.0, name="<a>&")))
    assert drawing[0].text == "<a>& 0"


def test_a_time_line_has_a_box_for_each_second_that_was_noted():
    drawing = ET.fromstring(limits.time_line(start(5.0)))
    boxes = [each for each in drawing if each.tag.endswith("rect")]
    assert [box.get("fill-opacity") for box in boxes] == [
        "1.00",
        "0.50",
        "0.50",
        "0.25",
    ]


def test_a_start_that_noted_no_second_has_a_time_line_without_boxes():
    empty = Utilisation(10.0, 2, 1.0, (), {}, ())
    drawing = ET.fromstring(limits.time_line(empty))
    assert [each.tag.rpartition("}")[2] for each in drawing] == ["text"]


def test_the_longest_start_is_shown_and_none_without_starts():
    values = limits.shown([start(5.0), start(50.0, seconds=60.0)])
    assert values is not None
    assert values["seconds"] == "60.0"
    assert values["parts"] == "decoding 1.2 s"
    assert limits.shown([]) is None
