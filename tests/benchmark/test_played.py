"""What a benchmark plays beside the baseline and the groups, and its report."""

import csv
import dataclasses

import html_pages
import numpy as np
import pytest
from benchmark_runs import instances_of, settings, tables_of
from helpers import make_folder

from rclicks_jax import errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.jobs import starts, store
from rclicks_jax.results import aggregate, runs
from rclicks_jax.settings import benchmark


def test_the_sample_replays_its_synthetic_users_and_says_so(tmp_path):
    wanted = benchmark.BenchmarkConfig(
        data="sample",
        split="val",
        segmenter="noisy",
        groups=(),
        users=True,
        max_images=1,
    )
    benchmark_job.run(wanted, tmp_path / "run")
    (result,) = aggregate.collect(records.read_all(store.RunFolder(tmp_path / "run")))
    assert result.input_devices == {"synthetic"}
    assert all(ious.size == 24 for ious in result.user_ious)
    tables_of(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "the replayed first clicks are synthetic" in page


def test_as_many_first_clicks_are_sampled_as_users_made(tmp_path):
    wanted = benchmark.BenchmarkConfig(
        data="sample", split="val", segmenter="noisy", click_model="DT", groups=(1,),
        users=True, max_images=1,
    )  # fmt: skip
    benchmark_job.run(wanted, tmp_path / "run")
    (result,) = aggregate.collect(records.read_all(store.RunFolder(tmp_path / "run")))
    assert [ious.size for ious in result.sampled_ious] == [
        ious.size for ious in result.user_ious
    ]
    sampled = [
        track.clicks[0]
        for track in instances_of(tmp_path / "run")[result.instance_ids[0]].trajectories
        if track.strategy == "sampled_user"
    ]
    assert len(set(sampled)) > 12


def test_further_robots_are_played_and_tabled(folder, tmp_path):
    robots = ("random", "deepgrow", "largest_component")
    benchmark_job.run(settings(folder, groups=(), robots=robots), tmp_path / "run")
    (result,) = aggregate.collect(records.read_all(store.RunFolder(tmp_path / "run")))
    assert set(result.robots) == set(robots)
    for areas in result.robots.values():
        assert areas.iou.shape == (len(result.instance_ids), 20)
    tables_of(tmp_path / "run")
    with (tmp_path / "run" / "tables" / "noc.csv").open() as file:
        rows = [row["strategy"] for row in csv.DictReader(file)]
    assert rows == ["baseline", "largest_component", "random", "deepgrow"]


def test_an_unknown_robot_is_named(folder, tmp_path):
    with pytest.raises(errors.UnknownNameError, match="deepgrow"):
        benchmark_job.run(settings(folder, robots=("r2d2",)), tmp_path / "run")


def test_the_report_stands_alone(folder, tmp_path):
    for _ in range(2):
        benchmark_job.run(settings(folder, groups=(1, 10)), tmp_path / "run")
    assert len(starts.read_all(store.RunFolder(tmp_path / "run"))) == 2
    tables_of(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    html_pages.check(page)
    # A photograph, a map, and for each of three trajectories a mask and all masks.
    assert page.count("data:image/webp;base64,") == 8
    for outside in ('src="http', 'href="http', "url(http", "@import", "<link"):
        assert outside not in page
    for name in ("Base NoC@90", "IoU after each click", "mine / a", "noisy"):
        assert name in page


def test_names_in_the_report_cannot_be_markup(tmp_path, cache):
    folder = make_folder(tmp_path / "mine", ("<script>alert(1)<",))
    benchmark_job.run(settings(folder), tmp_path / "run")
    tables_of(tmp_path / "run")
    assert "<script>alert" not in (tmp_path / "run" / "report.html").read_text()


def test_stopping_at_a_threshold_changes_no_number_of_clicks(folder, tmp_path):
    whole = settings(folder, groups=tuple(range(1, 11)))
    benchmark_job.run(whole, tmp_path / "whole")
    benchmark_job.run(dataclasses.replace(whole, stop_at=90), tmp_path / "early")
    found = []
    for name in ("whole", "early"):
        run = runs.open_run(str(tmp_path / name))
        (result,) = run.results.values()
        noc = result.noc(result.by_group, run.protocol, 90)
        found.append((noc, result.clicks))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[1][1] < 0.8 * found[0][1]
    tables_of(tmp_path / "early")
    with (tmp_path / "early" / "tables" / "summary.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert "sample_noc" in row
    assert "sample_auc" not in row
    assert "95" not in (tmp_path / "early" / "tables" / "noc.md").read_text()
