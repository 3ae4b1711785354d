import dataclasses

import numpy as np
import pytest
from collect_crowds import Crowd
from collect_events import PHONE
from collect_studies import Person

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.results import (
    click_tables,
    comparison_tables,
    export,
    mode_tables,
    report,
    session_tables,
)
from rclicks_jax.collection.service import open_studies
from rclicks_jax.data import click_pairs, specs
from rclicks_jax.evaluation import agreements, click_agreement_tables

TWO = ("Object_CutOut", "Silhouette_Mask")


def read(desk, now):
    opened = open_studies.Opened(desk.study, desk.store, desk.desk)
    return desk.store.read(lambda db: report._read(db, opened, now))[0]


def rows(table, *keys):
    return [tuple(row[key] for key in keys) for row in table.rows]


@pytest.fixture
def desk(opened, clock):
    """A study of two display modes and devices, with practice and control."""
    return opened(
        names=tuple("abcdefghij"),
        display={"modes": TWO},
        study={"per_person": 4},
        assignment={"clicks": 3, "devices": ("pc", "mobile"), "block": 2},
        practice={"count": 1, "every": 1},
        control={"count": 1, "every": 2},
    )


@pytest.fixture
def crowd(desk, clock):
    return Crowd(desk, clock, {"Silhouette_Mask": 0.9})


def test_a_cell_is_accepted_in_flight_or_missing(desk, crowd, clock):
    crowd.come(2)
    person = Person(desk, clock).agree()
    task = person.next()
    while facts_role(desk, task) != "main":
        person.click(task)
        task = person.next()
    table = click_tables.progress(read(desk, clock()))
    assert {row["click_type"] for row in table.rows} == {"first"}
    assert sum(row["open"] for row in table.rows) == 1
    for row in table.rows:
        assert row["wanted"] == row["accepted"] + row["open"] + row["missing"]
    on_pc = [row["accepted"] for row in table.rows if row["device"] == "pc"]
    assert sum(on_pc) == len(read(desk, clock()).found.data()) > 0
    assert [row["device"] for row in table.rows] == ["pc", "mobile"] * 2


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_live_rounds_are_no_first_clicks(opened, clock, share):
    live = {"segmenter": "random_walker", "first_clicks": share}
    desk = opened(names=tuple("abcdefgh"), study={"pace": "live"}, live=live)
    table = click_tables.progress(read(desk, clock()))
    counts = {row["click_type"]: row["cells"] for row in table.rows}
    if share == 0.5:
        assert counts["live rounds"] > 0
        assert counts["live rounds"] + counts["first"] == 8
    else:
        assert counts == {"first" if share else "live rounds": 8}


def facts_role(desk, task):
    assignment = task.assignment
    return desk.store.read(
        lambda db: db.execute(
            "SELECT role FROM assignments WHERE assignment_id = ?", (assignment,)
        ).fetchone()[0]
    )


def test_reasons_are_counted_by_device_with_their_meaning(desk, crowd, clock):
    crowd.come(1)
    crowd.come(1, PHONE)
    off = Person(desk, clock, device=PHONE).agree()
    off.work(pointer="touch", uv=(0.99, 0.99))
    table = click_tables.reasons(read(desk, clock()))
    by_name = {row["reason"]: row for row in table.rows}
    assert by_name["all clicks"]["pc"] == by_name["accepted"]["pc"] > 0
    assert by_name["outside"]["pc"] == 0
    assert by_name["outside"]["mobile"] >= 1
    assert by_name["outside"]["meaning"].startswith("too far")
    assert by_name["outside"]["practice"] == 1


def test_every_reason_has_a_meaning():
    assert set(click_tables._MEANINGS) == {*words.REASONS, "duplicate"}


def test_seconds_are_medians_over_people_with_an_interval_from_six_on(
    desk, crowd, clock
):
    crowd.come(7)
    crowd.come(2, PHONE)
    study = read(desk, clock())
    table = click_tables.seconds(study, "timed")
    assert not click_tables.seconds(study, "self_paced").rows
    for row in table.rows:
        assert row["median"] == pytest.approx(0.7)
        assert np.isfinite(row["low"]) == (row["people"] >= 6)
    assert any("not seconds of annotation" in note for note in table.notes)


def test_self_paced_seconds_are_apart(opened, clock):
    desk = opened(study={"pace": "self_paced"}, assignment={"clicks": 3})
    Person(desk, clock).agree().work()
    study = read(desk, clock())
    assert not click_tables.seconds(study, "timed").rows
    (row,) = click_tables.seconds(study, "self_paced").rows
    assert (row["device"], row["clicks"]) == ("pc", 4)


def test_people_are_counted_on_the_page_where_they_left(desk, crowd, clock):
    crowd.come(2)
    Person(desk, clock)
    Person(desk, clock).agree()
    gone = Person(desk, clock).agree()
    gone.click(gone.next())
    desk.withdraw(gone.token, messages.Withdraw(erase=False)).result()
    clock.wait(3600)
    Person(desk, clock)
    table = session_tables.pages(read(desk, clock()))
    found = rows(table, "page", "reached", "there", "left", "withdrew")
    assert found[0] == ("consent", 6, 1, 1, 0)
    assert sum(row[3] for row in found) == 2
    assert sum(row[4] for row in found) == 1
    assert found[-1] == ("end", 2, 0, 0, 0)


def test_control_tasks_passed_are_counted(desk, crowd, clock):
    crowd.come(3)
    (row,) = click_tables.controls(read(desk, clock())).rows
    assert row["clicks"] == row["passed"] > 0
    assert (row["share"], row["out"]) == (1, 0)


def test_tests_and_bots_are_counted_apart(desk, crowd, clock):
    crowd.come(2)
    before = read(desk, clock())
    crowd.come(1, kind="test")
    crowd.come(1, kind="bot")
    after = read(desk, clock())
    for make in (
        click_tables.reasons, session_tables.devices, session_tables.pages,
        click_tables.controls, mode_tables.modes,
    ):  # fmt: skip
        assert make(before).rows == make(after).rows
    assert rows(session_tables.sessions(after), "kind", "sessions", "counted") == [
        ("people", 2, 2), ("bots", 1, 0), ("tests of the owner", 1, 0),
    ]  # fmt: skip


def test_devices_and_languages_are_counted(desk, crowd, clock):
    crowd.come(1)
    crowd.come(2, PHONE)
    table = session_tables.devices(read(desk, clock()))
    assert rows(table, "device", "language", "sessions", "accepted") == [
        # One of a person's four tasks was a control task.
        ("mobile", "en", 2, 6), ("pc", "en", 1, 3),
    ]  # fmt: skip


def test_a_mode_that_pulls_clicks_to_the_middle_is_told_apart(opened, clock):
    desk = opened(
        names=tuple("abcdefgh"),
        display={"modes": TWO},
        study={"per_person": 8},
        assignment={"clicks": 12, "block": 2},
    )
    Crowd(desk, clock, {"Silhouette_Mask": 0.9}).come(24)
    study = read(desk, clock())
    row, *halves = comparison_tables.pairs_of_modes(study).rows
    assert (row["one"], row["other"], row["people"]) == (*TWO, 24)
    assert row["energy"].mean > 0.05
    assert row["energy"].sign == 1
    assert row["p"] <= 0.01
    # The ceiling: PL1 of the pulled mode is less than that of people themselves.
    assert [half["one"] for half in halves] == [f"half of {mode}" for mode in TWO]
    assert all(abs(half["energy"].mean) < row["energy"].mean for half in halves)
    assert row["pl1"].mean < halves[0]["pl1"].mean
    middle = dict(rows(mode_tables.modes(study), "mode", "middle"))
    assert middle["Silhouette_Mask"] < 0.5 * middle["Object_CutOut"]


def on_devices(opened, clock, noise):
    """Returns a study with twelve clicks of each task by each device, and its desk."""
    desk = opened(
        names=tuple("abcdefgh"),
        study={"per_person": 8},
        assignment={"clicks": 12, "devices": ("pc", "mobile")},
    )
    Crowd(desk, clock, {}, seed=1).come(12)
    Crowd(desk, clock, {"Object_CutOut": noise}, seed=2).come(12, PHONE)
    return desk


def test_devices_are_compared_as_an_evaluation_of_the_export_does(
    opened, clock, tmp_path
):
    desk = on_devices(opened, clock, 0.9)
    table = comparison_tables.pairs_of_devices(read(desk, clock()))
    row, *halves = table.rows
    assert (row["dataset"], row["one"], row["other"]) == (
        "Object_CutOut",
        "pc",
        "mobile",
    )
    assert (row["ok"], row["people"], row["clicks"]) == (8, 24, 192)
    assert row["p"] <= 0.01
    assert [half["one"] for half in halves] == ["half of pc", "half of mobile"]
    opened_study = open_studies.Opened(desk.study, desk.store, desk.desk)
    export.export(opened_study, tmp_path / "out")
    (spec,) = specs.parse(f"folder:{tmp_path / 'out'}")
    found = [
        agreements.agreement(pair, "device")
        for pair in click_pairs.by_device(spec, "all")
    ]
    expected = click_agreement_tables.means(found, "device").rows
    for ours, theirs in zip(table.rows, expected, strict=True):
        for key in ("one", "other", "ok", *agreements.METRICS):
            assert ours[key] == theirs[key]


def test_devices_that_do_not_differ_are_not_told_apart(opened, clock):
    desk = on_devices(opened, clock, 0)
    row = comparison_tables.pairs_of_devices(read(desk, clock())).rows[0]
    # Each study has another secret, so other draws: one in 500 has as small a p.
    assert row["p"] > 0.002
    assert abs(row["energy"].mean) < 0.1


def test_too_few_clicks_by_a_device_are_no_comparison(desk, crowd, clock):
    crowd.come(3)
    crowd.come(3, PHONE)
    study = read(desk, clock())
    assert not comparison_tables.pairs_of_devices(study).rows


def test_tasks_with_clicks_by_one_device_alone_are_counted_as_skipped(opened, clock):
    desk = on_devices(opened, clock, 0)
    study = read(desk, clock())
    first = min(row.task.full_stem for row in study.found.data())
    rows = [
        row
        for row in study.found.rows
        if row.task.full_stem != first or row.device == "pc"
    ]
    study = study._replace(found=dataclasses.replace(study.found, rows=rows))
    row = comparison_tables.pairs_of_devices(study).rows[0]
    assert (row["ok"], row["skipped"], row["failed"]) == (7, 1, 0)


def test_few_people_have_no_p(desk, crowd, clock):
    crowd.come(5)
    for row in comparison_tables.pairs_of_modes(read(desk, clock())).rows:
        assert row.get("p") is None


def test_an_empty_study_has_progress_alone(desk, clock):
    found = [t.name for t in report._tables(read(desk, clock())) if t.rows]
    assert found == ["progress"]
