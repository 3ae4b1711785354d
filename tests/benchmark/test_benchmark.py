"""Whole runs on three small photographs, good and bad, resumed and refused."""

import csv
import errno
import os
import pathlib

import numpy as np
import pytest
from benchmark_runs import instances_of, settings, tables_of
from helpers import make_folder, write_image

from rclicks_jax import distributed, errors
from rclicks_jax.benchmark import forecast, preconditions, records
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.clicks import map_clicks
from rclicks_jax.jobs import store
from rclicks_jax.segmenters import load


@pytest.fixture
def segmenters(monkeypatch):
    """The segmenters that runs have loaded, the last one last."""
    loaded, plain = [], load.load

    def noted(*arguments):
        loaded.append(plain(*arguments))
        return loaded[-1]

    monkeypatch.setattr(load, "load", noted)
    return loaded


def test_a_run_records_every_image_and_encodes_it_once(folder, tmp_path, segmenters):
    outcome = benchmark_job.run(settings(folder), tmp_path / "run")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    assert segmenters[0].encodes == outcome.worked == 3
    images = list(records.read_all(store.RunFolder(tmp_path / "run")))
    assert [image.image_id for image in images] == ["a", "b", "c"]
    assert all(image.encodes == 1 for image in images)
    info = store.RunFolder(tmp_path / "run").info()
    assert info.identity["segmenter"]["name"] == "noisy"
    assert info.provenance["versions"]["jax"]


def test_objects_are_counted_once_all_processes_are_done(folder, tmp_path, monkeypatch):
    met = []

    def meet(name):
        """Is where another process finishes its image, whose object failed."""
        met.append(name)
        run = store.RunFolder(tmp_path / "run")
        other = records.InstanceRecord("d", "failed", "broken")
        image = records.ImageRecord("mine", "d", 1, 0, {}, (other,))
        run.write(records.to_record(image))

    monkeypatch.setattr(distributed, "barrier", meet)
    asked = settings(folder, max_images=1, groups=())
    outcome = benchmark_job.run(asked, tmp_path / "run")
    assert met == ["benchmark"]
    assert outcome.counts == {"ok": 1, "skipped": 0, "failed": 1}
    assert outcome.failed_share() == 0.5


def test_a_forecast_is_of_the_data_of_the_run(folder, tmp_path):
    found = forecast.forecast(settings(folder, max_side=32, groups=()))
    assert (found.images, found.counts["ok"]) == (3, 2)
    (package,) = (tmp_path / "cache" / "data").iterdir()
    assert package.name.startswith("mine-max32-")


def test_all_that_is_misspelt_is_said_at_once(folder):
    wrong = settings(folder, data="grabcut:x", segmenter="Sam", click_model="dt")
    with pytest.raises(errors.BadValueError) as said:
        preconditions.check(wrong)
    for meant in ("3 things are wrong", "mean GrabCut?", "mean sam", "mean DT?"):
        assert meant in str(said.value)


def test_two_workers_record_what_one_does(tmp_path, cache, adapter, segmenters):
    folder = make_folder(tmp_path / "mine", tuple("abcdefg"))
    (folder / "images" / "c.png").write_bytes(b"broken")
    spec = f"bridge:adapter={adapter}:at=never"
    tables = []
    for workers in (1, 2):
        workdir = tmp_path / f"run{workers}"
        asked = settings(folder, segmenter=f"{spec}:workers={workers}", groups=(1, 10))
        outcome = benchmark_job.run(asked, workdir)
        assert outcome.counts == {"ok": 6, "skipped": 0, "failed": 1}
        assert segmenters[-1].encodes == 6
        tables.append((tables_of(workdir), instances_of(workdir)))
    assert tables[0] == tables[1]


def test_running_again_changes_nothing(folder, tmp_path):
    benchmark_job.run(settings(folder), tmp_path / "run")
    files = sorted((tmp_path / "run" / "records").rglob("*.jsonl"))
    before = [(path, path.stat().st_mtime_ns) for path in files]
    outcome = benchmark_job.run(settings(folder), tmp_path / "run")
    assert outcome.worked == 0
    assert outcome.counts["ok"] == 3
    assert [(path, path.stat().st_mtime_ns) for path in files] == before
    # Fewer photographs than are there leave none.
    fewer = benchmark_job.run(settings(folder, max_images=1), tmp_path / "run")
    assert (fewer.worked, fewer.left, fewer.counts["ok"]) == (0, 0, 3)


def test_tables_are_the_same_however_the_work_is_split(folder, tmp_path):
    benchmark_job.run(settings(folder), tmp_path / "whole")
    benchmark_job.run(settings(folder, max_images=1), tmp_path / "parts")
    benchmark_job.run(settings(folder, max_images=2), tmp_path / "parts")
    benchmark_job.run(settings(folder, instances_per_batch=3), tmp_path / "parts")
    assert tables_of(tmp_path / "parts") == tables_of(tmp_path / "whole")


def test_tables_hold_what_the_records_say(folder, tmp_path):
    benchmark_job.run(settings(folder, groups=tuple(range(1, 11))), tmp_path / "run")
    tables_of(tmp_path / "run")
    with (tmp_path / "run" / "tables" / "summary.csv").open() as file:
        (row,) = csv.DictReader(file)
    instances = instances_of(tmp_path / "run")
    needed = []
    for instance in instances.values():
        of_one = []
        for track in instance.trajectories:
            pairs = zip(track.intersection, track.union, strict=True)
            solved = [click for click, (i, u) in enumerate(pairs, 1) if i / u >= 0.9]
            of_one.append(min(solved, default=20))
        needed.append(of_one)
    noc = np.array(needed, float)
    robot, people = noc[:, 0], noc[:, 1:]
    assert float(row["base_noc"]) == pytest.approx(robot.mean())
    assert float(row["sample_noc"]) == pytest.approx(people.mean())
    assert float(row["sample_noc_std"]) == pytest.approx(people.std(axis=1).mean())
    delta_sb = 100 * ((people.mean(axis=1) - robot) / robot).mean()
    assert float(row["delta_sb"]) == pytest.approx(delta_sb)
    delta_gr = 100 * ((people[:, 0] - people[:, 9]) / people[:, 9]).mean()
    assert float(row["delta_gr"]) == pytest.approx(delta_gr)
    # Of three photographs there is no interval.
    assert row["sample_noc_low"] == row["sample_noc_high"] == ""
    assert (row["ok"], row["skipped"], row["failed"]) == ("3", "0", "0")


def test_bad_images_and_objects_are_recorded_and_nothing_else_is_lost(folder, tmp_path):
    path = folder / "images" / "a.png"
    path.write_bytes(path.read_bytes()[:700])
    write_image(folder / "masks" / "b.png", np.zeros((48, 64), np.uint8))
    make_folder(tmp_path / "more", ("x",))
    for part in ("images", "masks"):
        (tmp_path / "more" / part / "x.png").rename(folder / part / "d.png")
    write_image(folder / "masks" / "d.png", np.full((5, 6), 255, np.uint8))
    outcome = benchmark_job.run(settings(folder), tmp_path / "run")
    assert outcome.counts == {"ok": 1, "skipped": 1, "failed": 2}
    assert outcome.failed_share() == 0.5
    found = instances_of(tmp_path / "run")
    assert "truncated" in found["a"].reason
    assert (found["b"].status, found["b"].reason) == (
        "skipped",
        "the mask has no object pixel",
    )
    assert "the mask is 5x6 pixels, the image 48x64" in found["d"].reason
    tables = tables_of(tmp_path / "run")
    assert b"mine,1,1,2," in tables["summary.csv"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "3 objects could not be scored" in page
    assert "truncated" in page


@pytest.fixture
def adapter(folder):
    image = np.full((48, 64, 3), 7, np.uint8)
    write_image(folder / "images" / "b.png", image)
    for name in ("a", "c"):
        image = np.full((48, 64, 3), 50, np.uint8)
        write_image(folder / "images" / f"{name}.png", image)
    return pathlib.Path(__file__).parent.parent / "programs" / "picky_adapter.py"


@pytest.mark.parametrize(
    ("at", "reason"),
    [("nan", "NaN instead of masks"), ("raise", "ouch"), ("encode", "ouch")],
)
def test_a_segmenter_that_fails_on_one_image_goes_on(
    folder, tmp_path, adapter, at, reason
):
    outcome = benchmark_job.run(
        settings(folder, segmenter=f"{adapter}:at={at}"), tmp_path / "run"
    )
    assert outcome.counts == {"ok": 2, "skipped": 0, "failed": 1}
    assert reason in instances_of(tmp_path / "run")["b"].reason


def test_only_failures_are_tried_again(folder, tmp_path, adapter):
    spec = f"{adapter}:at=raise:mended={tmp_path}"
    benchmark_job.run(settings(folder, segmenter=spec), tmp_path / "run")
    (tmp_path / "yes").write_text("")
    outcome = benchmark_job.run(settings(folder, segmenter=spec), tmp_path / "run")
    assert outcome.worked == 1
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    names = {path.name for path in (tmp_path / "run" / "records" / "mine").iterdir()}
    assert names == {"a.1.jsonl", "b.1.jsonl", "b.2.jsonl", "c.1.jsonl"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"protocol": "strict"}, "protocol.name"),
        ({"seed": 5}, "seed was 0 and is 5"),
        ({"groups": (1, 10)}, "strategies.groups"),
        ({"segmenter": "oracle"}, "segmenter.name"),
        ({"click_model": "UD"}, "click_model.name"),
    ],
)
def test_a_folder_of_another_run_is_refused(folder, tmp_path, change, named):
    benchmark_job.run(settings(folder, max_images=1), tmp_path / "run")
    with pytest.raises(errors.RunFolderError, match=named):
        benchmark_job.run(settings(folder, **change), tmp_path / "run")


def test_changed_data_is_another_run(folder, tmp_path):
    benchmark_job.run(settings(folder), tmp_path / "run")
    make_folder(folder, ("a", "b", "c", "d"))
    with pytest.raises(errors.RunFolderError, match=r"data\.mine"):
        benchmark_job.run(settings(folder), tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segmenter": "sam9"}, "Unknown segmenter 'sam9'"),
        ({"protocol": "loose"}, "Unknown protocol 'loose'"),
        ({"click_model": ""}, "--click_model=DIR"),
        ({"groups": (0, 3)}, "numbers 1 to 10"),
        ({"groups": (), "baseline": False}, "Strategies: got none"),
        ({"repeats": 0}, "1 or more"),
        ({"split": "dev"}, "Split of mine: got 'dev'"),
        ({"data": "imagenet"}, "--data: got 'imagenet'"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_written(
    folder, tmp_path, change, message
):
    with pytest.raises(errors.RClicksError, match=message):
        benchmark_job.run(settings(folder, **change), tmp_path / "run")
    assert not (tmp_path / "run" / "records").exists()


def test_a_full_disk_stops_the_run_and_keeps_what_is_finished(
    folder, tmp_path, monkeypatch
):
    fsync = os.fsync

    def soon_full(descriptor):
        if list((tmp_path / "run" / "records").rglob("*.jsonl")):
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", soon_full)
    with pytest.raises(
        errors.RunFolderError, match=r"No space left.*What is finished is kept"
    ):
        benchmark_job.run(settings(folder, pictures=0), tmp_path / "run")
    monkeypatch.undo()
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "cache"))
    assert len(instances_of(tmp_path / "run")) == 1
    outcome = benchmark_job.run(settings(folder, pictures=0), tmp_path / "run")
    assert outcome.worked == 2


def test_want_of_memory_says_what_to_set(folder, tmp_path, monkeypatch):
    def out_of_memory(*_):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 123 bytes")

    monkeypatch.setattr(map_clicks.OnHost, "answer", out_of_memory)
    outcome = benchmark_job.run(settings(folder), tmp_path / "run")
    assert outcome.counts == {"ok": 0, "skipped": 0, "failed": 3}
    for one in instances_of(tmp_path / "run").values():
        assert one.reason.startswith("out of memory (RESOURCE_EXHAUSTED")
        assert "--config.click_model_batch" in one.reason


def test_a_limit_on_photographs_is_part_of_a_run(tmp_path, cache):
    folder = make_folder(tmp_path / "mine", ("a",))
    plain = settings(folder, groups=(1,), pictures=0)
    benchmark_job.run(plain, tmp_path / "run")
    run_folder = store.RunFolder(tmp_path / "run")
    assert run_folder.info().identity["max_side"] == 0
    limited = settings(folder, groups=(1,), pictures=0, max_side=32)
    with pytest.raises(errors.RunFolderError, match="max_side was 0 and is 32"):
        benchmark_job.run(limited, tmp_path / "run")
    benchmark_job.run(limited, tmp_path / "limited")
    (one,) = instances_of(tmp_path / "limited").values()
    (whole,) = instances_of(tmp_path / "run").values()
    assert one.status == whole.status == "ok"
