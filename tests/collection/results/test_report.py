import csv
import re
import sqlite3
import subprocess
import sys

import pytest
from collect_crowds import Crowd
from collect_studies import Person, make, open_study
from html_pages import parse

from rclicks_jax import errors
from rclicks_jax.collection.results import report, task_maps
from rclicks_jax.collection.service import open_studies

TWO = ("Object_CutOut", "Silhouette_Mask")


def reading(folder):
    return open_studies.open_for_commands(folder, read_only=True)


def text_of(page):
    return " ".join(
        re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.S).split()
    )


@pytest.fixture
def folder(tmp_path, clock):
    """A study with the clicks of six people in two display modes."""
    made = make(
        tmp_path,
        names=tuple("abcdef"),
        display={"modes": TWO},
        study={"per_person": 6},
        assignment={"clicks": 4, "block": 2},
    )
    desk = open_study(made, clock)
    Crowd(desk, clock, {"Silhouette_Mask": 0.9}).come(6)
    desk.close()
    return made


@pytest.fixture
def opened_to_read(folder):
    opened = reading(folder)
    yield opened
    opened.store.close()


def test_the_page_has_modes_beside_each_other_and_all_tables(
    opened_to_read, clock, tmp_path
):
    models = task_maps.load(["UD", "DT"])
    made = report.make(opened_to_read, models, clock())
    page = parse(made.page)
    sections = [s for s in page.inside("section") if s["class"] == "object"]
    assert len(sections) == 6
    for section in sections:
        dots, densities = [d for d in section.inside("div") if "beside" in d["class"]]
        alts = [image["alt"] for image in dots.inside("img")]
        for mode, alt in zip(TWO, alts, strict=True):
            assert mode.replace("_", " ") in alt
        assert len(densities.inside("img")) == 2
        assert all(i["src"].startswith("data:image/") for i in section.inside("img"))
    for table in made.tables:
        assert (f'id="table-{table.name}"' in made.page) == bool(table.rows)
    assert "Accepted clicks: 36 of 48" in text_of(made.page)
    by_name = {table.name: table for table in made.tables}
    assert {row["dataset"] for row in by_name["click_models"].rows} == set(TWO)
    assert by_name["click_models"].columns["dataset"][0] == "Display mode"


def test_nothing_in_the_page_is_fetched_and_no_name_of_a_person_is_in_it(
    tmp_path, clock
):
    folder = make(tmp_path, study={"platforms": ("prolific", "open")})
    desk = open_study(folder, clock)
    name = "5f1e2d3c4b5a697887766554"
    person = Person(
        desk, clock, platform="prolific", parameters={"PROLIFIC_PID": name}
    ).agree()
    person.work()
    person_id = person.entered and desk.store.read(
        lambda db: db.execute("SELECT person_id FROM sessions").fetchone()[0]
    )
    desk.close()
    opened = reading(folder)
    made = report.make(opened, {}, clock())
    opened.store.close()
    assert made.accepted == 4
    assert name not in made.page
    assert person_id not in made.page
    assert not re.findall(r'(?:src|href)="(?!data:|#)', made.page)


def test_a_page_that_is_mailed_has_no_path_and_no_contact(tmp_path, clock):
    folder = make(
        tmp_path,
        study={"contact": "me@example.org"},
        live={"segmenter": f"sam:checkpoint={tmp_path}/big.pth:checkout=../sam"},
    )
    desk = open_study(folder, clock)
    Person(desk, clock).agree().work()
    desk.close()
    for photograph in (folder / "private").rglob("*.png"):
        photograph.unlink()
    opened = reading(folder)
    made = report.make(opened, task_maps.load(["UD"]), clock())
    opened.store.close()
    assert str(tmp_path) not in made.page
    assert "me@example.org" not in made.page
    assert "folder:mine" in made.page
    assert "sam:checkpoint=big.pth:checkout=sam" in made.page
    assert "Pictures are left out" in made.page


def test_an_empty_study_and_one_click_have_a_sentence_each(tmp_path, clock):
    folder = make(tmp_path)
    opened = reading(folder)
    empty = report.make(opened, task_maps.load(["UD"]), clock())
    assert "Nobody has clicked yet; 8 accepted clicks are wanted" in empty.page
    assert [table.name for table in empty.tables if table.rows] == ["progress"]
    # The server writes meanwhile.
    desk = open_study(folder, clock)
    person = Person(desk, clock).agree()
    person.click(person.next())
    one = report.make(opened, task_maps.load(["UD"]), clock())
    opened.store.close()
    desk.close()
    assert one.accepted == 1
    assert "So far only 1 click can be used" in one.page


def test_a_study_of_another_format_or_without_tasks_is_refused(tmp_path):
    folder = make(tmp_path)
    database = folder / "study.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(errors.DataError, match="format 9; this release reads format 1"):
        reading(folder)
    database.unlink()
    with pytest.raises(errors.DataError, match="is not finished: run rclicks-collect"):
        reading(folder)
    assert not database.exists()


def test_bots_are_said_to_be_bots(tmp_path, clock):
    folder = make(tmp_path)
    desk = open_study(folder, clock)
    Person(desk, clock).agree().work()
    desk.store.write(
        lambda db: db.execute("UPDATE sessions SET kind = 'bot'") and None
    ).result()
    desk.close()
    opened = reading(folder)
    made = report.make(opened, {}, clock())
    opened.store.close()
    assert made.accepted == 0
    assert "This study also has 1 session of bots" in made.page
    people = open_studies.open_for_commands(folder)
    people.store.write(
        lambda db: (
            db.execute(
                "INSERT INTO meta VALUES (?, 'bots')", (open_studies.SOURCE_NOTE,)
            )
            and None
        )
    ).result()
    people.store.close()
    opened = reading(folder)
    made = report.make(opened, {}, clock())
    opened.store.close()
    assert "These are clicks of bots, not of people." in made.page
    assert "Where bots clicked" in made.page
    assert made.accepted == 4


def test_a_report_is_replaced_and_other_folders_are_left_alone(
    opened_to_read, tmp_path
):
    out = tmp_path / "out"
    report.write(opened_to_read, out, task_maps.load(["UD"]))
    assert (out / "tables" / "click_models.csv").exists()
    report.write(opened_to_read, out, {})
    assert not (out / "tables" / "click_models.csv").exists()
    with open(out / "tables" / "progress.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["accepted"]) for row in rows) == 36
    assert (out / "tables" / "progress.md").read_text().startswith("| display mode")
    other = tmp_path / "other"
    (other / "tables").mkdir(parents=True)
    (other / "report.html").write_text("mine")
    with pytest.raises(errors.DataError, match="other files than a report's"):
        report.write(opened_to_read, other, {})
    assert (other / "report.html").read_text() == "mine"


def test_a_report_without_a_network_imports_no_jax(folder, tmp_path):
    code = (
        "import sys\n"
        "from rclicks_jax.collection import actions\n"
        f"actions.write_report({str(folder)!r}, {str(tmp_path / 'out')!r}, "
        "['UD', 'DT'])\n"
        "assert 'jax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
    assert (tmp_path / "out" / "report.html").exists()
