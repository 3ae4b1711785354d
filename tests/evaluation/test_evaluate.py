import contextlib
import dataclasses
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from rclicks_jax import distributed, errors, signals
from rclicks_jax.clicks import click_models, region_maps
from rclicks_jax.data import packages
from rclicks_jax.evaluation import (
    click_metrics,
    click_model_tables,
    click_scores,
    click_tasks,
)
from rclicks_jax.evaluation import (
    job as evaluation_job,
)
from rclicks_jax.evaluation import (
    records as task_records,
)
from rclicks_jax.jobs import engine, store
from rclicks_jax.settings import evaluation

SETTINGS = evaluation.EvaluateConfig(data="sample", draws=5, split="val", processes=1)

# The row of people, one half against the other.
PEOPLE = "people, in halves"


def evaluated_in(workdir):
    evaluation_job.run(SETTINGS, workdir)
    opened = click_scores.open_evaluation(str(workdir))
    return click_model_tables.means(opened.scores)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("evaluated")
    return evaluated_in(workdir), workdir


def records_of(workdir):
    """Returns the newest record of each task as it was written."""
    newest = store.RunFolder(workdir).newest() if workdir.exists() else {}
    return {key: path.read_bytes() for key, (_, path) in newest.items()}


def tasks_of(workdir):
    """Returns what became of each task, whichever attempt it was."""
    return task_records.read_all(store.RunFolder(workdir))


def test_there_is_a_row_for_each_model_and_kind_of_task(evaluated):
    table, _ = evaluated
    keys = {(row["click_type"], row["model"]) for row in table.rows}
    models = ("UD", "DT", PEOPLE)
    assert keys == set(itertools.product(("all", "first", "fn", "fp"), models))
    for row in [row for row in table.rows if row["model"] != PEOPLE]:
        assert row["failed"] == row["skipped"] == 0
        assert all(np.isfinite(row[metric].mean) for metric in click_metrics.PAPER)
    pooled = [
        row for row in table.rows if (row["click_type"], row["model"]) == ("all", "DT")
    ]
    parts = [
        row for row in table.rows if row["model"] == "DT" and row["click_type"] != "all"
    ]
    weighted = sum(row["ok"] * row["nss"].mean for row in parts) / sum(
        row["ok"] for row in parts
    )
    assert pooled[0]["nss"].mean == pytest.approx(weighted)


def test_evaluating_again_repeats_nothing_and_gives_the_same(evaluated, monkeypatch):
    table, workdir = evaluated
    before = records_of(workdir)
    monkeypatch.setattr(packages.Package, "read", None)
    assert evaluated_in(workdir).rows == table.rows
    assert records_of(workdir) == before


def test_how_tasks_are_batched_does_not_matter(evaluated, tmp_path, monkeypatch):
    table, _ = evaluated
    monkeypatch.setattr(click_tasks, "_FEWEST", 3)
    assert evaluated_in(tmp_path).rows == table.rows


def test_the_synthetic_clicks_are_deeper_than_uniform_ones(evaluated):
    table, _ = evaluated
    by_model = {row["model"]: row for row in table.rows if row["click_type"] == "first"}
    assert by_model["DT"]["nss"] > by_model["UD"]["nss"]
    assert by_model["DT"]["pde"] > by_model["UD"]["pde"]


def test_other_settings_need_another_folder(evaluated):
    _, workdir = evaluated
    with pytest.raises(errors.RunFolderError, match="draws was 5 and is 6"):
        evaluation_job.run(dataclasses.replace(SETTINGS, draws=6), workdir)


def test_a_model_named_twice_is_refused(tmp_path):
    twice = dataclasses.replace(SETTINGS, click_models=("UD", "UD"))
    with pytest.raises(errors.BadValueError, match="different names"):
        evaluation_job.run(twice, tmp_path)


def test_records_name_the_clicker(evaluated):
    _, workdir = evaluated
    folder = store.RunFolder(workdir)
    found = task_records.read_all(folder)
    assert len(found) == 90
    assert {one.input_device for one in found} == {"synthetic"}


def test_records_hold_all_metrics_of_raw_and_masked_maps(evaluated):
    _, workdir = evaluated
    for record in task_records.read_all(store.RunFolder(workdir)):
        assert record.image_id
        assert record.clicks > 1
        for both in record.models.values():
            assert tuple(both["raw"]) == click_metrics.METRICS
            # Both are zero outside the error region already.
            assert record.click_type != "first" or both["masked"] == both["raw"]


@pytest.mark.long
def test_shards_write_what_one_run_does(evaluated, tmp_path):
    _, workdir = evaluated
    for number in (1, 0):
        shard = dataclasses.replace(SETTINGS, shard=f"{number}/2")
        outcome = evaluation_job.run(shard, tmp_path)
        assert outcome.left == (0 if number == 0 else 90 - outcome.counts["ok"])
        assert outcome.counts["ok"] > 30
    assert records_of(tmp_path) == records_of(workdir)


@pytest.mark.long
def test_two_hosts_with_shards_write_what_one_run_does(
    evaluated, tmp_path, monkeypatch
):
    _, workdir = evaluated
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(distributed, "barrier", lambda name: None)
    written = set()
    for process, number in itertools.product((0, 1), (0, 1)):
        monkeypatch.setattr(jax, "process_index", lambda process=process: process)
        shard = dataclasses.replace(SETTINGS, shard=f"{number}/2")
        evaluation_job.run(shard, tmp_path)
        now = set(records_of(tmp_path))
        assert len(now) > len(written)
        written = now
    assert records_of(tmp_path) == records_of(workdir)


@pytest.mark.long
def test_a_pool_of_processes_writes_what_one_does(evaluated, tmp_path):
    _, workdir = evaluated
    outcome = evaluation_job.run(dataclasses.replace(SETTINGS, processes=2), tmp_path)
    assert outcome == engine.Outcome({"ok": 90, "skipped": 0, "failed": 0}, 90, 0, "")
    assert records_of(tmp_path) == records_of(workdir)


@pytest.mark.parametrize("shard", ["4/4", "1", "-1/4", "a/b", "1/0"])
def test_a_shard_that_is_none_is_refused(tmp_path, shard):
    with pytest.raises(errors.BadValueError, match="NUMBER/COUNT"):
        evaluation_job.run(dataclasses.replace(SETTINGS, shard=shard), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draws": 0}, "draws: got 0"),
        ({"processes": -1}, "processes: got -1"),
        ({"seed": 1 << 32}, "seed: got 4294967296"),
        ({"click_models": ()}, "click_models: got none"),
        ({"click_models": ("XY",)}, "XY"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, changes, message):
    with pytest.raises(errors.RClicksError, match=message):
        evaluation_job.run(dataclasses.replace(SETTINGS, **changes), tmp_path)


def test_a_signal_ends_the_run_after_what_is_measured(tmp_path, monkeypatch):
    stop = signals.StopRequest()
    write = store.RunFolder.write

    def write_and_ask(folder, record):
        write(folder, record)
        stop.set("SIGTERM")

    monkeypatch.setattr(signals, "stop_on_signal", lambda: contextlib.nullcontext(stop))
    monkeypatch.setattr(store.RunFolder, "write", write_and_ask)
    outcome = evaluation_job.run(SETTINGS, tmp_path)
    assert outcome.stopped == "SIGTERM"
    assert 1 <= outcome.counts["ok"] <= click_tasks._FEWEST
    assert outcome.left


class Moody:
    """UD, but while it is ill it fails on some targets and is blank on others."""

    ill = True

    def __call__(self, queries):
        rest = [int(query.gt_mask.sum()) % 5 for query in queries]
        if self.ill and 0 in rest:
            raise ValueError("not this one")
        blank = [self.ill and one == 1 for one in rest]
        maps = map(region_maps.uniform, queries)
        return [made * (not none) for made, none in zip(maps, blank, strict=True)]


def test_maps_that_fail_spoil_no_other_and_are_tried_again(
    evaluated, tmp_path, monkeypatch, capsys
):
    _, workdir = evaluated
    model, load = Moody(), click_models.load
    monkeypatch.setattr(
        click_models,
        "load",
        lambda spec, **options: model if spec == "UD" else load(spec, **options),
    )
    counts = evaluation_job.run(SETTINGS, tmp_path).counts
    assert min(counts["ok"], counts["failed"]) > 10
    records = task_records.read_all(store.RunFolder(tmp_path))
    assert {record.reason for record in records} == {
        "", "UD: ValueError: not this one", "UD: the click map has no mass",
    }  # fmt: skip
    shown = click_model_tables.means(
        click_scores.open_evaluation(str(tmp_path)).scores
    ).rows
    of_all = next(row for row in shown if row["click_type"] == "all")
    assert {status: of_all[status] for status in counts} == counts
    model.ill = False
    assert evaluation_job.run(SETTINGS, tmp_path).counts["failed"] == 0
    assert tasks_of(tmp_path) == tasks_of(workdir)
    assert "Traceback" in capsys.readouterr().err


def test_want_of_memory_fails_a_task_and_ten_of_them_end_the_run(tmp_path, monkeypatch):
    def starve(queries):
        raise RuntimeError("RESOURCE_EXHAUSTED: 3 GiB")

    monkeypatch.setattr(click_models, "load", lambda *_, **__: starve)
    said = (
        r"The first 10 click tasks all failed.*: UD: out of memory \(RESOURCE_EXHAUSTED"
        r": 3 GiB\)\. Set --config\.batch to less, compare fewer click models at once"
    )
    with pytest.raises(errors.RClicksError, match=said):
        evaluation_job.run(SETTINGS, tmp_path)
    found = task_records.read_all(store.RunFolder(tmp_path))
    assert {one.status for one in found} == {"failed"}
    outcome = evaluation_job.run(
        dataclasses.replace(SETTINGS, max_failed=1.0), tmp_path
    )
    assert outcome.counts == {"ok": 0, "skipped": 0, "failed": 90}


def test_a_broken_record_is_named_and_made_again(evaluated, tmp_path):
    shutil.copytree(evaluated[1], tmp_path / "run")
    broken = next((tmp_path / "run").glob("records/*/*.jsonl"))
    broken.write_text(broken.read_text().replace('"raw":{"pl1":0', '"raw":{"pl1":9'))
    folder = store.RunFolder(tmp_path / "run")
    with pytest.raises(
        errors.RunFolderError, match=r"is not a record.*its lines are not"
    ):
        task_records.read_all(folder)
    evaluation_job.run(SETTINGS, tmp_path / "run")
    assert tasks_of(tmp_path / "run") == tasks_of(evaluated[1])


@pytest.mark.long
def test_a_stopped_command_goes_on_to_the_same_bytes(tmp_path):
    settings = dataclasses.replace(SETTINGS, draws=100)
    command = subprocess.Popen(
        [
            sys.executable, "-m", "rclicks_jax.launch.evaluate", "--data=sample",
            "--split=val", "--config.draws=100", "--config.processes=2",
            f"--workdir={tmp_path}/run",
        ],
        start_new_session=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not records_of(tmp_path / "run"):
        assert command.poll() is None
        time.sleep(0.05)
    # As a scheduler or a terminal does: the processes that measure are told too.
    os.killpg(command.pid, signal.SIGTERM)
    assert "Stopped by SIGTERM" in command.communicate(timeout=60)[0]
    assert command.returncode == 128 + signal.SIGTERM
    assert len(records_of(tmp_path / "run")) < 90
    evaluation_job.run(settings, tmp_path / "run")
    evaluation_job.run(settings, tmp_path / "whole")
    assert records_of(tmp_path / "run") == records_of(tmp_path / "whole")
