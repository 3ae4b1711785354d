"""What people type: several segmenters, compared, estimated, exported."""

import csv
import json

import numpy as np
import pytest
from commands import command
from helpers import make_folder


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A folder with runs of three segmenters; what the command printed.

    Its name has a `=`, as LABEL=FOLDER has.
    """
    place = tmp_path_factory.mktemp("compared")
    data = make_folder(place / "data", tuple("abcdef"), shape=(40, 48))
    printed = command(
        "benchmark",
        "--segmenters=noisy,stuck,oracle",
        f"--data=folder:{data}",
        "--click_model=DT",
        f"--workdir={place / 'seed=7'}",
    )
    return place / "seed=7", printed


@pytest.mark.long
def test_several_segmenters_are_run_and_compared_by_one_command(compared):
    folder, printed = compared
    assert "Segmenters on the same objects" in printed
    page = (folder / "comparison.html").read_text()
    # Three segmenters are too few for a chart of correlations.
    assert page.count('<svg role="img" aria-label=') == 3
    for name in ("noisy", "stuck", "oracle", "Which segmenter"):
        assert name in page
    with (folder / "tables" / "comparison.csv").open() as file:
        rows = {row["segmenter"]: row for row in csv.DictReader(file)}
    assert rows["oracle"]["sample_noc_rank"] == "1"
    assert rows["stuck"]["sample_noc_rank"] == "3"
    assert float(rows["stuck"]["sample_noc_low"]) == 20.0


def test_tables_are_written_in_the_papers_form(compared):
    folder, _ = compared
    text = (folder / "tables" / "efficiency_by_dataset.md").read_text()
    assert "Sample NoC" in text
    assert "20.00 ± 0.00" in text
    assert "\\toprule" in (folder / "tables" / "nof_by_dataset.tex").read_text()


def test_time_and_cost_are_estimated_with_what_they_rest_on(compared, tmp_path):
    folder, _ = compared
    printed = command(
        "tabulate", "estimate", str(folder / "noisy"), "--objects=1000",
        "--click_seconds=1.5,0.2", f"--out={tmp_path}",
    )  # fmt: skip
    assert "1.5 ± 0.2" in printed
    assert "80 ± 15 (assumed, not measured)" in printed
    with (tmp_path / "tables" / "estimate.csv").open() as file:
        (row,) = csv.DictReader(file)
    low, high = float(row["hours_low"]), float(row["hours_high"])
    assert 0 < low < float(row["hours"]) < high
    assert (tmp_path / "tables" / "hardest.csv").exists()


def test_an_estimate_takes_the_seconds_of_a_study(compared, tmp_path):
    folder, _ = compared
    seconds = {"click": [1.25, 0.1], "inspection": [0, 0], "instance": [3, 0.4]}
    counts = {"people": 7, "objects": 20, "measured": {"first_click": [2.5, 0.3]}}
    part = {"device": "pc", "mode": "Object_CutOut", **counts, "seconds": seconds}
    content = {
        "format": 1, "kind": "pace", "source": "bots", "protocol": "live",
        "counted": "The first look at the target is not counted.",
        "seconds": {**seconds, "click": [9, 1]}, **counts, "parts": [part],
    }  # fmt: skip
    path = tmp_path / "pace.json"
    path.write_text(json.dumps(content))
    run = str(folder / "noisy")
    printed = command(
        "tabulate", "estimate", run, "--objects=1000", f"--pace={path}",
        "--pace_of=pc", f"--out={tmp_path}",
    )  # fmt: skip
    assert "1.25 ± 0.1 (measured: 7 bots, pc,Object_CutOut)" in printed
    assert "80 ± 15 (assumed, not measured)" in printed
    assert "Seconds are of bots, not of people" in printed
    assert "The first look at the target is not counted." in printed
    with (tmp_path / "tables" / "pace.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["device"], row["people"], row["first_click"]) == ("all", "7", "2.5")
    twice = [f"--pace={path}", "--click_seconds=1,0"]
    for flags, said in (
        (twice, "Seconds: got --pace and --click_seconds; allowed: one of them"),
        (["--pace_of=pc"], "--pace_of: got pc; allowed: it with --pace=FILE"),
        ([f"--pace={path}", "--pace_of=pen"], "Known: pc,Object_CutOut"),
        ([f"--pace={tmp_path}"], "--pace: "),
    ):
        printed = command("tabulate", "estimate", run, "--objects=5", *flags, status=2)
        assert said in printed


def test_an_estimate_without_a_place_is_printed_and_names_the_flag(
    compared, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run = str(compared[0] / "noisy")
    printed = command("tabulate", "estimate", run, "--objects=1000")
    assert "hours" in printed
    assert "Nothing is written; --out=DIR" in printed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["estimate"], "one or more run folders"),
        (["estimate", "RUN"], "--objects: got nothing"),
        (["estimate", "RUN", "--objects=5", "--click_seconds=quick"], "2,0.5"),
        (["compare", "RUN", "RUN"], "LABEL=FOLDER"),
        (["RUN/tables"], "is not a run folder"),
        (["hard", "RUN", "--days=3"], "--days: got one that `rclicks-tabulate hard`"),
        (["RUN", "--out=EMPTY"], "this flag with compare, estimate, hard, export"),
        (["EMPTY"], "is not a run folder"),
    ],
)
def test_what_cannot_be_tabulated_is_said(compared, tmp_path, arguments, said):
    run, empty = str(compared[0] / "noisy"), str(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    given = [one.replace("RUN", run).replace("EMPTY", empty) for one in arguments]
    assert said in command("tabulate", *given, status=2)


def test_every_click_is_exported(compared, tmp_path):
    import pandas as pd

    labelled = f"mine={compared[0] / 'noisy'}"
    command("tabulate", "export", labelled, f"--out={tmp_path}")
    frame = pd.read_parquet(tmp_path / "clicks.parquet")
    assert len(frame) == 6 * 11 * 20
    same = pd.read_csv(tmp_path / "clicks.csv")
    np.testing.assert_array_equal(frame["intersection"], same["intersection"])
    assert set(frame["strategy"]) == {"baseline", "group"}
    np.testing.assert_allclose(frame["iou"], frame["intersection"] / frame["union"])
