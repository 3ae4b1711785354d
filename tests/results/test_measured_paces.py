"""Seconds of real people: what a file may hold, and the table made of it."""

import copy
import json

import pytest
import results_of
from scipy import stats

from rclicks_jax import errors
from rclicks_jax.results import estimate, measured_paces, paces

LIVE = {
    "format": 1,
    "kind": "pace",
    "source": "people",
    "protocol": "live",
    "counted": "The first look is not counted.",
    "people": 12,
    "objects": 40,
    "why_not": "",
    "seconds": {"click": [1.5, 0.1], "inspection": [0.0, 0.0], "instance": [3.0, 0.4]},
    "measured": {"first_click": [2.5, 0.2], "later_click": [1.5, 0.1],
                 "last_look": [2.0, 0.3]},
    "parts": [
        {"device": device, "mode": "Object_CutOut", "people": people, "objects": 20,
         "seconds": {"click": [click, 0.1], "inspection": [0, 0], "instance": [3, 0.4]},
         "measured": {"first_click": [2.0, 0.2], "later_click": [click, 0.1],
                      "last_look": None}}
        for device, people, click in (("mobile", 4, 2.0), ("pc", 8, 1.0))
    ],
}  # fmt: skip


def written(folder, *changes, text=None):
    """Writes the file with some values changed; returns its path."""
    content = copy.deepcopy(LIVE)
    for *keys, last, value in changes:
        place = content
        for key in keys:
            place = place[key]
        place[last] = value
    path = folder / "pace.json"
    path.write_text(json.dumps(content) if text is None else text)
    return str(path)


def test_a_file_is_read_with_its_parts(tmp_path):
    found = measured_paces.read(written(tmp_path))
    assert found.whole.seconds["click"] == (1.5, 0.1)
    assert [part.name for part in found.parts] == [
        "mobile,Object_CutOut", "pc,Object_CutOut"
    ]  # fmt: skip
    assert found.part("pc") is found.parts[1]
    assert found.part("mobile,Object_CutOut") is found.parts[0]
    assert found.part("") is found.whole
    with pytest.raises(errors.UnknownNameError, match="Known: mobile,Object_CutOut"):
        found.part("tablet")


def test_a_device_with_several_display_modes_is_named_with_one(tmp_path):
    two = [{**LIVE["parts"][1], "mode": mode} for mode in ("one", "two")]
    found = measured_paces.read(written(tmp_path, ("parts", two)))
    with pytest.raises(errors.UnknownNameError, match="pc,one, pc,two"):
        found.part("pc")
    assert found.part("pc,two").mode == "two"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("kind", "clicks")], "its kind must be pace"),
        ([("format", 2)], "of format 2; this release reads formats up to 1"),
        ([("format", True)], "its format is True"),
        ([("source", "robots")], "source is 'robots'; it must be people or bots"),
        ([("protocol", "fast")], "protocol is 'fast'"),
        ([("counted", 3)], "counted must be text"),
        ([("people", -1)], "people of it is -1"),
        ([("objects", 2.5)], "objects of it is 2.5"),
        ([("seconds", "click", [-1, 0.1])], r"seconds.click of it is \[-1, 0.1\]"),
        ([("seconds", "click", [1, -0.1])], r"seconds.click of it is \[1, -0.1\]"),
        ([("seconds", "click", [1])], r"seconds.click of it is \[1\]"),
        ([("seconds", "click", [1, True])], "seconds.click of it is"),
        ([("seconds", "click", [0, 0])], "seconds.click of it is 0 ± 0"),
        ([("seconds", "click", [10**400, 1])], "seconds.click of it is"),
        ([("seconds", "instance", [0, 1])], "seconds.instance of it is 0 ± 1"),
        ([("seconds", "polygon", [80, 1])], "has polygon; known: click, inspection"),
        ([("seconds", {"click": [1, 0]})], "it has no seconds.inspection"),
        ([("seconds", {}), ("why_not", "Steps had fixed times.")],
         "it has no seconds: Steps had fixed times"),
        ([("measured", "first_click", "quick")], "measured.first_click of it is"),
        ([("measured", {"guess": [1, 1]})], "measured of it has guess"),
        ([("parts", 3)], "parts must be a list"),
        ([("parts", 0, "people", 0)], "people of part 1 is 0"),
        ([("parts", 1, "seconds", "click", [float("nan"), 1])], "it has NaN"),
        ([("seconds", "click", [float("inf"), 1])], "it has Infinity"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(tmp_path, changes, said):
    with pytest.raises(errors.DataError, match=said):
        measured_paces.read(written(tmp_path, *changes))


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, "\x00"])
def test_other_files_are_refused(tmp_path, text):
    with pytest.raises(errors.DataError, match=r"not the JSON that|kind must be pace"):
        measured_paces.read(written(tmp_path, text=text))
    with pytest.raises(errors.DataError, match=r"--pace: .*gone\.json"):
        measured_paces.read(str(tmp_path / "gone.json"))


def test_the_table_has_intervals_over_people_by_device_and_mode(tmp_path):
    table = measured_paces.table(measured_paces.read(written(tmp_path)))
    every, mobile, pc = table.rows
    half = stats.t.ppf(0.975, 11) * 0.1
    assert every["later_click"].low == pytest.approx(1.5 - half)
    assert every["later_click"].high == pytest.approx(1.5 + half)
    assert (pc["device"], pc["later_click"].mean) == ("pc", 1.0)
    # Four people are too few for an interval.
    assert not mobile["later_click"].known
    assert "last_look" not in mobile
    assert "The first look is not counted." in table.notes


def test_bots_are_called_bots(tmp_path):
    found = measured_paces.read(written(tmp_path, ("source", "bots")))
    table = measured_paces.table(found)
    assert table.title.startswith("Seconds of bots")
    assert "bots, not of people" in table.notes[0]


def test_an_estimate_from_a_file_is_that_of_its_seconds(tmp_path):
    found = measured_paces.read(written(tmp_path, ("seconds", "instance", [0, 0])))
    pace = paces.Pace()._replace(**found.whole.seconds)
    result = results_of.results(objects=12, images=12)
    simulated = estimate.simulate(
        result, results_of.run("mine").protocol, paces.Project(1000), pace, draws=20_000
    )
    polygons = (simulated.unsolved * 80).mean()
    expected = simulated.clicks.mean() * 1.5 + polygons
    assert simulated.seconds.mean() == pytest.approx(expected, rel=0.02)
    said = {
        row["what"]: row["value"]
        for row in estimate.assumptions(
            paces.Project(5), pace, {"click": "measured: 12 people"}
        ).rows
    }
    assert said["seconds for a click"] == "1.5 ± 0.1 (measured: 12 people)"


def test_a_click_that_takes_no_time_is_refused():
    pace = paces.Pace()._replace(click=paces.Seconds(0, 0))
    with pytest.raises(errors.BadValueError, match="mean above 0"):
        estimate.simulate(
            results_of.results(), results_of.run("mine").protocol,
            paces.Project(1000), pace,
        )  # fmt: skip
