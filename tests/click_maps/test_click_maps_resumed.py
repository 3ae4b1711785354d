"""Click maps of three small photographs: resumed, shared, refused, broken."""

import contextlib

import jax
import numpy as np
import pytest
from click_map_runs import (
    files_of,
    index_of,
    problems_of,
    results_of,
    rows_of,
    settings,
)
from helpers import make_folder, write_image

from rclicks_jax import distributed, errors, files, signals
from rclicks_jax.click_maps import files as click_map_files
from rclicks_jax.click_maps import job as click_maps_job
from rclicks_jax.click_maps import queries as click_map_queries
from rclicks_jax.clicks import click_models
from rclicks_jax.jobs import store


@pytest.mark.parametrize("damage", [lambda text: "{", lambda text: text[:-9] + "0}"])
def test_a_broken_record_is_named_and_made_again(folder, tmp_path, capsys, damage):
    click_maps_job.run(settings(folder), tmp_path / "out")
    before = results_of(tmp_path / "out")
    path = tmp_path / "out" / "records" / "mine" / "b.1.jsonl"
    path.write_text(damage(path.read_text()))
    with pytest.raises(errors.RunFolderError, match=r"b\.1\.jsonl is not a record"):
        list(click_map_files.read_objects(store.RunFolder(tmp_path / "out")))
    click_maps_job.run(settings(folder), tmp_path / "out")
    assert "note: 1 records cannot be used" in capsys.readouterr().err
    assert path.with_name("b.2.jsonl").exists()
    assert results_of(tmp_path / "out") == before


class Killed(BaseException):
    """What no handler of the run may catch."""


@pytest.mark.parametrize("writes", [0, 1, 4, 6, 9])
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    folder, tmp_path, narrow, monkeypatch, writes
):
    asked = settings(folder, model=narrow, batch=2)
    click_maps_job.run(asked, tmp_path / "whole")
    plain, left = files.write_output, [writes]

    def write(path, content):
        if not left[0]:
            raise Killed
        left[0] -= 1
        plain(path, content)

    monkeypatch.setattr(files, "write_output", write)
    with pytest.raises(Killed):
        click_maps_job.run(asked, tmp_path / "out")
    monkeypatch.setattr(files, "write_output", plain)
    assert not (tmp_path / "out" / "clicks.csv").exists()
    click_maps_job.run(asked, tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def test_a_finished_run_makes_no_map_again(folder, tmp_path, monkeypatch):
    click_maps_job.run(settings(folder), tmp_path / "out")
    before = files_of(tmp_path / "out")
    monkeypatch.setattr(click_map_queries, "read", None)
    click_maps_job.run(settings(folder), tmp_path / "out")
    assert files_of(tmp_path / "out") == before


def test_a_signal_ends_the_run_and_leaves_what_is_under_way(
    folder, tmp_path, monkeypatch
):
    stop, write = signals.StopRequest(), store.RunFolder.write

    def write_and_stop(run_folder, record):
        write(run_folder, record)
        stop.set("SIGTERM")

    monkeypatch.setattr(signals, "stop_on_signal", lambda: contextlib.nullcontext(stop))
    monkeypatch.setattr(click_maps_job, "_FEWEST", 1)
    with monkeypatch.context() as patch:
        patch.setattr(store.RunFolder, "write", write_and_stop)
        outcome = click_maps_job.run(settings(folder), tmp_path / "out")
    assert outcome.stopped == "SIGTERM"
    assert (outcome.worked, outcome.counts["ok"], outcome.left) == (1, 1, 2)
    assert not (tmp_path / "out" / "clicks.csv").exists()


def test_max_images_can_grow(folder, tmp_path):
    click_maps_job.run(settings(folder), tmp_path / "whole")
    click_maps_job.run(settings(folder, max_images=1), tmp_path / "out")
    assert index_of(tmp_path / "out")["counts"]["ok"] == 1
    click_maps_job.run(settings(folder), tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "seed was 0 and is 1"),
        ({"model": "UD"}, 'model.name was "DT" and is "UD"'),
        ({"protocol": "strict"}, 'protocol.name was "paper" and is "strict"'),
        ({"samples": 5}, "samples was 4 and is 5"),
        ({"groups": (0,)}, "groups was"),
        ({"drawings": False}, "drawings was true and is false"),
    ],
)
def test_a_folder_of_something_else_is_refused(folder, tmp_path, changes, message):
    click_maps_job.run(settings(folder, max_images=1), tmp_path / "out")
    before = files_of(tmp_path / "out")
    with pytest.raises(errors.RunFolderError, match=message):
        click_maps_job.run(settings(folder, **changes), tmp_path / "out")
    assert files_of(tmp_path / "out") == before


def test_two_hosts_write_what_one_does(tmp_path, cache, monkeypatch):
    folder = make_folder(tmp_path / "mine", tuple("abcdefgh"))
    click_maps_job.run(settings(folder), tmp_path / "whole")
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(distributed, "barrier", lambda name: None)
    for process in (1, 0):
        monkeypatch.setattr(jax, "process_index", lambda process=process: process)
        outcome = click_maps_job.run(settings(folder), tmp_path / "out")
        if process:
            assert 0 < outcome.counts["ok"] < 8
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def test_bad_images_are_counted_and_end_nothing(folder, tmp_path):
    (folder / "images" / "a.png").write_bytes(b"broken")
    write_image(folder / "masks" / "c.png", np.zeros((48, 64), np.uint8))
    outcome = click_maps_job.run(settings(folder), tmp_path / "out")
    assert outcome.counts == {"ok": 1, "skipped": 1, "failed": 1}
    assert outcome.failed_share() == pytest.approx(1 / 3)
    failed, skipped = problems_of(tmp_path / "out")
    assert failed.startswith("mine/a: failed: ")
    assert "no image that OpenCV can read" in failed
    assert skipped == "mine/c: skipped: the mask has no object pixel"
    statuses = [one["status"] for one in index_of(tmp_path / "out")["objects"]]
    assert statuses == ["failed", "ok", "skipped"]
    assert {row["instance_id"] for row in rows_of(tmp_path / "out")} == {"b"}


class Moody:
    """A click model that fails on one photograph, and gives no numbers for another."""

    name = "moody"

    def __init__(self, ill=True):
        self.ill = ill

    def __call__(self, queries):
        maps = [np.ones(query.gt_mask.shape, np.float32) for query in queries]
        for query, click_map in zip(queries, maps, strict=True):
            if self.ill and query.gt_mask[20, 14]:
                raise ValueError("not this one")
            if self.ill and query.gt_mask[23, 18]:
                click_map[0, 0] = np.nan
        return maps


def test_a_map_that_fails_spoils_no_other_and_is_tried_again(
    folder, tmp_path, monkeypatch, capsys
):
    model = Moody()
    monkeypatch.setattr(click_models, "load", lambda *_, **__: model)
    outcome = click_maps_job.run(settings(folder, drawings=False), tmp_path / "out")
    assert outcome.counts == {"ok": 1, "skipped": 0, "failed": 2}
    assert problems_of(tmp_path / "out") == [
        "mine/a: failed: ValueError: not this one",
        "mine/b: failed: the click model gave 1 values that are no finite numbers",
    ]
    assert "Traceback" in capsys.readouterr().err
    model.ill = False
    outcome = click_maps_job.run(settings(folder, drawings=False), tmp_path / "out")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    click_maps_job.run(settings(folder, drawings=False), tmp_path / "whole")
    assert results_of(tmp_path / "out") == results_of(tmp_path / "whole")


def test_want_of_memory_fails_an_image_and_says_what_to_set(
    folder, tmp_path, monkeypatch
):
    def starve(queries):
        raise RuntimeError("RESOURCE_EXHAUSTED: 3 GiB")

    monkeypatch.setattr(click_models, "load", lambda *_, **__: starve)
    outcome = click_maps_job.run(settings(folder), tmp_path / "out")
    assert outcome.counts == {"ok": 0, "skipped": 0, "failed": 3}
    for line in problems_of(tmp_path / "out"):
        assert "failed: out of memory (RESOURCE_EXHAUSTED: 3 GiB). Set --batch" in line
