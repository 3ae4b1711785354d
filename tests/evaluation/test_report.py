"""The page of an evaluation, its export, and which tasks it shows."""

import json

import evaluations
import helpers
import numpy as np
import pandas as pd
import pytest

from rclicks_jax import files
from rclicks_jax.evaluation import outputs, task_pictures
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.jobs import store


def made_in(folder, records):
    evaluations.write(folder, records)
    run = store.RunFolder(folder)
    return run, outputs.make(run)


def test_tables_are_written_in_three_forms_and_the_page_shows_them(tmp_path):
    run, made = made_in(tmp_path, evaluations.many())
    assert made[0].name == "click_models"
    page = (tmp_path / "report.html").read_text()
    for table in made:
        assert table.title in page
        for suffix in ("csv", "md", "tex"):
            assert (tmp_path / "tables" / f"{table.name}.{suffix}").exists()
    again = outputs.make(run)
    assert again == made
    assert (tmp_path / "report.html").read_text() == page


def test_the_page_says_what_could_not_be_scored_and_what_is_synthetic(tmp_path):
    records = evaluations.many(input_device="synthetic")
    records[0] |= {"status": "failed", "reason": "<b>broken</b>", "models": {}}
    made_in(tmp_path, records)
    page = (tmp_path / "report.html").read_text()
    assert "1 task could not be scored" in page
    assert "&lt;b&gt;broken" in page
    assert "<b>broken" not in page
    assert "the clicks that maps are compared with are synthetic" in page
    assert "where people click" not in page


def test_pictures_stand_in_the_page_with_what_each_map_reached(tmp_path):
    evaluations.write(tmp_path, evaluations.many(3))
    run = store.RunFolder(tmp_path)
    (first, *_) = task_records.read_all(run)
    place = run.artifacts(first.dataset, first.image_id) / first.click_set_id
    for name in ("0.jpg", "1.jpg"):
        helpers.write_image(place / name, np.zeros((8, 9, 3), np.uint8))
    index = json.dumps({"pictures": ["people", "DT"]}).encode()
    files.write_output(place / "index.json", index)
    outputs.make(run)
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/webp;base64,") == 2
    nss = first.models["DT"]["raw"]["nss"]
    assert f"NSS {nss:.3f}" in page
    assert task_pictures.RULE in page


def test_every_value_is_exported_and_every_task_counted(tmp_path):
    records = evaluations.many()
    records[0] |= {"status": "skipped", "reason": "nobody clicked", "models": {}}
    records[1]["models"]["UD"]["raw"]["ks"] = None
    run, _ = made_in(tmp_path, records)
    outputs.export(run, tmp_path / "out")
    frame = pd.read_parquet(tmp_path / "out" / "tasks.parquet")
    assert len(frame) == 1 + 11 * 3 * 2
    assert (frame["status"] == "skipped").sum() == 1
    assert frame["click_set_id"].nunique() == 12
    row = frame[
        (frame["click_set_id"] == records[1]["click_set_id"])
        & (frame["model"] == "UD")
        & (frame["maps"] == "raw")
    ].iloc[0]
    assert pd.isna(row["ks"])
    assert row["nss"] == records[1]["models"]["UD"]["raw"]["nss"]
    same = pd.read_csv(tmp_path / "out" / "tasks.csv")
    pd.testing.assert_series_equal(same["ig"], frame["ig"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(9), [0, 2, 4, 6, 8]),
        ([3, 1, 2], [1, 2, 0]),
        ([5], [0]),
        ([], []),
        ([4, None, 1], [2, 0]),
    ],
)
def test_tasks_at_even_ranks_of_the_last_model_are_shown(tmp_path, values, expected):
    records = []
    for number, value in enumerate(values):
        record = evaluations.record(f"task{number}", 0.0)
        record["models"]["CM mine"]["raw"]["nss"] = value
        records.append(record)
    evaluations.write(tmp_path, records)
    run = store.RunFolder(tmp_path)
    identity = run.info().identity
    read = task_records.read_all(run)
    for order in (read, read[::-1]):
        shown = task_pictures.select(order, identity)
        assert [one.click_set_id for one in shown] == [f"task{n}" for n in expected]
