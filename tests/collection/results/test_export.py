import csv
import dataclasses
import json

import cv2
import numpy as np
import pytest
from collect_studies import Person

from rclicks_jax import errors
from rclicks_jax.collection import messages, words
from rclicks_jax.collection.results import export
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store import catalogue, sessions
from rclicks_jax.data import click_pairs, doctor, specs
from rclicks_jax.data.raw import clicks_csv, sources
from rclicks_jax.results import measured_paces


def exported(desk, out, **options):
    return export.export(
        open_studies.Opened(desk.study, desk.store, desk.desk), out, **options
    )


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def desk(opened, clock):
    """A study with four people: one off the target, one who left, one that tests."""
    made = opened(study={"per_person": 3}, assignment={"clicks": 3})
    Person(made, clock).agree().work()
    off = Person(made, clock).agree()
    off.click(off.next(), uv=(0.99, 0.99))
    off.click(off.next())
    gone = Person(made, clock).agree()
    gone.click(gone.next())
    made.withdraw(gone.token, messages.Withdraw(erase=False)).result()
    Person(made, clock, kind="test").agree().work()
    return made


def test_only_accepted_clicks_of_people_are_in_the_table_of_clicks(desk, tmp_path):
    done = exported(desk, tmp_path / "out")
    rows = table(tmp_path / "out" / "clicks.csv")
    assert len(rows) == done.clicks == 4
    assert tuple(rows[0]) == (*clicks_csv.COLUMNS, clicks_csv.PERSON)
    people = {row["person"] for row in table(tmp_path / "out" / "people.csv")}
    assert {row["person"] for row in rows} <= people
    assert {row["dataset"] for row in rows} == {"out"}


def test_every_click_is_kept_with_its_reasons(desk, tmp_path):
    exported(desk, tmp_path / "out")
    rows = table(tmp_path / "out" / "all_clicks.csv")
    assert len(rows) == 3 + 2 + 1 + 3
    assert sum(row["exported"] == "1" for row in rows) == 4
    assert sum("outside" in row["reasons"] for row in rows) == 1


def test_another_tolerance_accepts_what_was_rejected(desk, tmp_path):
    wide = dataclasses.replace(desk.study.config.judgement, tolerance=1000)
    assert exported(desk, tmp_path / "out", policy=wide).clicks == 5


def test_the_doctor_calls_an_export_ready(desk, tmp_path):
    exported(desk, tmp_path / "out")
    diagnosis = doctor.examine(str(tmp_path / "out"), 1.0)
    assert diagnosis.healthy, diagnosis.text()


def test_readers_find_photographs_masks_and_clicks(desk, tmp_path):
    exported(desk, tmp_path / "out")
    (spec,) = specs.parse(f"folder:{tmp_path / 'out'}")
    (original,) = specs.parse(desk.study.config.study.data)
    read = {i.image_id: i for i in sources.open_source(spec).images("test")}
    for image in sources.open_source(original).images("test"):
        assert read[image.image_id].encoded == image.encoded
        np.testing.assert_array_equal(
            read[image.image_id].objects[0].mask, image.objects[0].mask
        )
    tasks = list(sources.open_source(spec).tasks("test"))
    assert sum(len(task.clicks_yx) for task in tasks) == 4
    assert not any(task.problem for task in tasks)


def test_a_click_is_exported_at_the_pixel_that_was_clicked(opened, clock, tmp_path):
    desk = opened(names=("a",))
    person = Person(desk, clock).agree()
    task = person.next()
    u, v = person.inside(task)
    person.click(task, uv=(u, v))
    exported(desk, tmp_path / "out")
    (row,) = table(tmp_path / "out" / "clicks.csv")
    assert (row["w"], row["h"]) == ("64", "48")
    assert (int(row["x"]), int(row["y"])) == (int(u * 64), int(v * 48))


def test_the_same_study_is_exported_to_the_same_bytes(desk, tmp_path):
    exported(desk, tmp_path / "1" / "out")
    exported(desk, tmp_path / "2" / "out")
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_an_export_can_be_repeated_in_its_folder(desk, tmp_path):
    exported(desk, tmp_path / "out")
    before = contents(tmp_path / "out")
    exported(desk, tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_folder_with_other_files_is_not_written(desk, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("")
    with pytest.raises(errors.DataError, match="other files"):
        exported(desk, tmp_path / "out")


def test_no_id_of_a_session_or_a_person_is_exported(desk, tmp_path):
    exported(desk, tmp_path / "out")
    written = b"\n".join(contents(tmp_path / "out").values())
    for session in desk.store.read(sessions.every):
        assert session.session_id.encode() not in written
        assert session.person_id.encode() not in written


def test_people_are_told_apart_by_shuffled_numbers(desk, tmp_path):
    exported(desk, tmp_path / "out")
    rows = table(tmp_path / "out" / "people.csv")
    assert [row["person"] for row in rows] == ["p001", "p002", "p003", "p004"]
    assert sorted(row["accepted"] for row in rows if row["counted"] == "1") == [
        "1",
        "3",
    ]


def test_clicks_of_display_modes_are_compared_by_our_readers(opened, clock, tmp_path):
    modes = words.MODES[1:3]
    desk = opened(display={"modes": modes}, assignment={"clicks": 2, "block": 1})
    for _ in range(4):
        Person(desk, clock).agree().work()
    done = exported(desk, tmp_path / "out", mode=modes[1])
    assert done.previews == 16
    assert done.clicks == 8
    (spec,) = specs.parse(f"folder:{tmp_path / 'out'}")
    _, found = click_pairs.open_modes(spec)
    assert set(found) == set(modes)
    assert all(len(s.clicks_yx) == 2 for sets in found.values() for s in sets.values())


def test_an_unknown_mode_is_refused_with_the_nearest(desk, tmp_path):
    with pytest.raises(errors.BadValueError, match="mean Object_CutOut"):
        exported(desk, tmp_path / "out", mode="Object_Cutout")


def test_several_objects_of_a_photograph_keep_their_names(opened, clock, tmp_path):
    for name, x in (("left", 10), ("right", 40)):
        mask = np.zeros((48, 64), np.uint8)
        mask[10:30, x : x + 15] = 255
        path = tmp_path / "mine" / "masks" / "a" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), mask)
    (tmp_path / "mine" / "images").mkdir()
    image = np.zeros((48, 64, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "mine" / "images" / "a.png"), image)
    desk = opened()
    for _ in range(2):
        Person(desk, clock).agree().work()
    exported(desk, tmp_path / "out")
    rows = table(tmp_path / "out" / "clicks.csv")
    assert {row["full_stem"] for row in rows} == {"a_______left", "a_______right"}
    diagnosis = doctor.examine(str(tmp_path / "out"), 1.0)
    assert diagnosis.healthy, diagnosis.text()
    (spec,) = specs.parse(f"folder:{tmp_path / 'out'}")
    (image,) = sources.open_source(spec).images("test")
    assert sorted(len(o.clicks_yx) for o in image.objects) == [1, 1]


def test_a_timed_study_has_no_pace_and_says_why(desk, tmp_path):
    exported(desk, tmp_path / "out")
    content = json.loads((tmp_path / "out" / "pace.json").read_text())
    assert content["seconds"] == {}
    assert "fixed times" in content["why_not"]


def test_a_self_paced_study_has_the_seconds_of_people(opened, clock, tmp_path):
    desk = opened(study={"pace": "self_paced", "per_person": 3})
    for _ in range(2):
        Person(desk, clock).agree().work()
    exported(desk, tmp_path / "out")
    content = json.loads((tmp_path / "out" / "pace.json").read_text())
    assert content["people"] == 2
    assert content["seconds"]["click"] == [0.7, 0.0]
    assert "first look at the target" in content["counted"]
    (part,) = content["parts"]
    assert (part["device"], part["mode"]) == ("pc", "Object_CutOut")
    assert part["seconds"] == content["seconds"]
    read = measured_paces.read(str(tmp_path / "out" / "pace.json"))
    assert read.part("pc").seconds["click"] == (0.7, 0.0)


def test_the_datasheet_counts_and_says_whose_clicks_they_are(desk, tmp_path):
    exported(desk, tmp_path / "out")
    text = (tmp_path / "out" / "DATASHEET.md").read_text()
    assert "Clicks of people" in text
    assert "| outside | 1 |" in text
    assert "| withdrawn | 1 |" in text
    wave = desk.store.read(catalogue.last_wave)
    assert wave.protocol_hash in text
