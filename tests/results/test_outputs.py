"""Run folders, made of numbers: which are read, which are set side by side."""

import collections
import csv
import json
import pathlib

import numpy as np
import pytest
import recorded_runs
import results_of
from recorded_runs import provenance_of

from rclicks_jax import errors
from rclicks_jax.benchmark import records
from rclicks_jax.benchmark.identity import BenchmarkIdentity
from rclicks_jax.benchmark.setup import Strategies
from rclicks_jax.jobs import opening, run_files, store
from rclicks_jax.results import outputs, runs
from rclicks_jax.settings import protocols

DT = {"name": "DT"}
NOTHING = {
    "format": 3, "hash": "", "kind": "benchmark", "identity": {}, "provenance": {}
}  # fmt: skip
NETWORK = {"name": "CM", "variant": "tiny", "checksum": "0123456789", "data": "people"}


def write(folder, solved_at, *, objects=6, data_notes=(), **changes):
    """Writes a run folder of objects that each group solves at a click."""
    curve = np.where(np.arange(20) >= solved_at - 1, 0.95, 0.2)
    ious = np.broadcast_to(curve, (objects, 20))
    played = {("group", group, 0): ious for group in range(1, 11)}
    played["baseline", 0, 0] = ious
    values = {
        "protocol": protocols.PAPER,
        "seed": 0,
        "strategies": Strategies(tuple(range(1, 11)), True, False, 1),
        "segmenter": {"name": "noisy"},
        "click_model": DT,
        "data": {"set": "aaaa"},
        "split": "all",
        **changes,
    }
    provenance = provenance_of(["rclicks-benchmark"], data_notes=data_notes)
    run = store.RunFolder(folder)
    run.begin("benchmark", BenchmarkIdentity(**values), provenance)
    for record in results_of.image_records(played):
        run.write(records.to_record(record))
    return folder


def rows_of(folder, name):
    with (folder / "tables" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def test_one_segmenter_under_two_click_models_is_refused_or_named(tmp_path):
    runs = [
        ("", write(tmp_path / "rule", 4)),
        ("", write(tmp_path / "network", 6, click_model=NETWORK)),
    ]
    with pytest.raises(errors.RunFolderError) as refused:
        outputs.compare(runs, tmp_path / "out")
    said = f"click_model is DT in {tmp_path / 'rule'} and CM tiny 01234567 in"
    assert said in str(refused.value)
    assert not (tmp_path / "out").exists()
    table, *_ = outputs.compare(runs, tmp_path / "out", ["click_model"])
    assert table.title.endswith("(runs differ in click_model)")
    rows = rows_of(tmp_path / "out", "comparison")
    assert [row["segmenter"] for row in rows] == [
        "noisy (click_model DT)",
        "noisy (click_model CM tiny 01234567)",
    ]
    assert [row["sample_noc"] for row in rows] == ["4.0", "6.0"]
    assert {row["sample_noc_rank"] for row in rows} == {""}
    differences = rows_of(tmp_path / "out", "differences")
    assert {row["told_apart"] for row in differences} == {""}
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "Runs that differ in these settings are not ranked or told apart" in page
    assert "noisy (click_model DT): The click model is DT, a rule" in page


def test_equal_settings_are_ranked_and_what_each_run_noted_is_on_the_page(tmp_path):
    notes = ["3 crowds <left> out"]
    runs = [
        ("slow", write(tmp_path / "slow", 9, data_notes=notes)),
        ("fast", write(tmp_path / "fast", 4, segmenter={"name": "other"})),
    ]
    outputs.compare(runs, tmp_path / "out")
    rows = rows_of(tmp_path / "out", "comparison")
    assert [(row["segmenter"], row["sample_noc_rank"]) for row in rows] == [
        ("slow", "2"),
        ("fast", "1"),
    ]
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "click model DT" in page
    assert "slow: 3 crowds &lt;left&gt; out" in page


def test_a_folder_with_an_equals_sign_is_read_and_not_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "7", 9)
    write(tmp_path / "seed=7", 4)
    outputs.write(store.RunFolder("seed=7"))
    assert (tmp_path / "seed=7" / "report.html").exists()
    assert not (tmp_path / "7" / "report.html").exists()
    (row,) = rows_of(tmp_path / "seed=7", "summary")
    assert row["sample_noc"] == "4.0"
    there = opening.labelled("seed=7")
    assert (there.label, str(there.folder.path)) == ("", "seed=7")
    mine = opening.labelled("mine=seed=7")
    assert (mine.label, str(mine.folder.path)) == ("mine", "seed=7")
    checked = runs.open_several(["mine=seed=7"])
    assert checked.runs[0].label == "mine"


def count_reads(monkeypatch):
    """Counts how often each record's file is read, by its path."""
    counts = collections.Counter()
    read_text = run_files.read_text

    def counting(path):
        if "records" in pathlib.PurePath(path).parts:
            counts[str(path)] += 1
        return read_text(path)

    monkeypatch.setattr(run_files, "read_text", counting)
    return counts


def test_each_record_is_read_once_for_tables_and_page(tmp_path, monkeypatch):
    runs = []
    for name, last in (("a", 80), ("b", 90)):
        run = recorded_runs.begin(tmp_path / name, segmenter=name)
        for image in ("photo", "other"):
            objects = (recorded_runs.ok(f"{image} object", last),)
            recorded_runs.record(run, objects, image)
        recorded_runs.picture(run, objects, "other")
        runs.append(run)
    files = {str(path) for run in runs for path in run.record_files()}
    counts = count_reads(monkeypatch)
    outputs.write(store.RunFolder(runs[0].path))
    assert counts == dict.fromkeys(map(str, runs[0].record_files()), 1)
    assert "set / other object" in (runs[0].path / "report.html").read_text()
    counts.clear()
    outputs.compare([("", run.path) for run in runs], tmp_path / "out")
    assert counts == dict.fromkeys(files, 1)
    assert "set / other object" in (tmp_path / "out" / "comparison.html").read_text()


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"hashed": []},
        {"hashed": {"segmenter": {}, "protocol": vars(protocols.PAPER)}},
        {"hashed": {"segmenter": {"name": "x"}}},
        {"hashed": {"segmenter": {"name": "x"}, "protocol": {"name": "a", "new": 1}}},
        {"hashed": {"protocol": "paper"}},
        {"hashed": {"kind": "click maps"}},
        {
            "format": 3,
            "hash": "",
            "kind": "benchmark",
            "identity": {},
            "provenance": {},
        },
        {
            "format": 3,
            "hash": "",
            "kind": "benchmark",
            "identity": [],
            "provenance": {},
        },
        {"format": "3"},
        {"format": True},
    ],
)
def test_a_run_json_of_something_else_is_refused_in_words(tmp_path, content):
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(errors.RunFolderError) as refused:
        runs.open_run(tmp_path)
    assert str(tmp_path) in str(refused.value)
