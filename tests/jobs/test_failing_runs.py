"""Runs in which much fails: they go on where they can, and stop where they cannot."""

import pathlib
import string

import numpy as np
import pytest
from benchmark_runs import instances_of, settings
from click_map_runs import problems_of
from click_map_runs import settings as map_settings
from helpers import make_folder, write_image

from rclicks_jax import errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.click_maps import job as click_maps_job
from rclicks_jax.clicks import click_models
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.jobs import failures, progress, store
from rclicks_jax.settings import evaluation

PROGRAMS = pathlib.Path(__file__).parent.parent / "programs"
THRIFTY = PROGRAMS / "thrifty_adapter.py"


@pytest.fixture
def many(tmp_path, cache):
    return make_folder(tmp_path / "many", tuple(string.ascii_lowercase[:12]))


def test_want_of_memory_for_one_photograph_fails_it_alone(folder, tmp_path, capsys):
    wanted = settings(folder, segmenter=f"{THRIFTY}:broken=2")
    outcome = benchmark_job.run(wanted, tmp_path / "run")
    assert outcome.counts == {"ok": 2, "skipped": 0, "failed": 1}
    reason = instances_of(tmp_path / "run")["b"].reason
    assert reason.startswith("out of memory (")
    said = capsys.readouterr().err
    assert "1 failed. 1 times: out of memory (" in said
    outcome = benchmark_job.run(wanted, tmp_path / "run")
    assert outcome.counts["ok"] == 3


def test_ten_failures_in_the_same_way_end_a_run_and_it_goes_on_when_mended(
    many, tmp_path
):
    wanted = settings(many, segmenter=f"{THRIFTY}:broken=all:mended={tmp_path}")
    said = "The first 10 images all failed in the same way.*out of memory"
    with pytest.raises(errors.RClicksError, match=said):
        benchmark_job.run(wanted, tmp_path / "run")
    assert len(instances_of(tmp_path / "run")) == progress.FIRST_FAILURES
    (tmp_path / "yes").write_text("")
    outcome = benchmark_job.run(wanted, tmp_path / "run")
    assert outcome.counts == {"ok": 12, "skipped": 0, "failed": 0}


def test_who_lets_everything_fail_is_not_stopped(many, tmp_path):
    wanted = settings(many, segmenter=f"{THRIFTY}:broken=all", max_failed=1.0)
    outcome = benchmark_job.run(wanted, tmp_path / "run")
    assert outcome.counts == {"ok": 0, "skipped": 0, "failed": 12}


def test_one_that_works_keeps_a_run_going(many, tmp_path):
    broken = "+".join(map(str, range(2, 13)))
    wanted = settings(many, segmenter=f"{THRIFTY}:broken={broken}")
    outcome = benchmark_job.run(wanted, tmp_path / "run")
    assert outcome.counts == {"ok": 1, "skipped": 0, "failed": 11}


def test_photographs_that_cannot_be_read_say_nothing_of_the_segmenter(many, tmp_path):
    for path in sorted((many / "images").iterdir())[:11]:
        path.write_bytes(b"broken")
    outcome = benchmark_job.run(settings(many), tmp_path / "run")
    assert outcome.counts == {"ok": 1, "skipped": 0, "failed": 11}


def test_a_mended_adapter_goes_on_in_the_folder_of_its_failures(folder, tmp_path):
    adapter = tmp_path / "adapter.py"
    code = THRIFTY.read_text()
    adapter.write_text(code.replace('"RESOURCE_EXHAUSTED: ', '"'))
    wanted = settings(folder, segmenter=f"{adapter}:broken=all")
    assert benchmark_job.run(wanted, tmp_path / "run").counts["failed"] == 3
    adapter.write_text(code.replace('broken == "all"', "False"))
    outcome = benchmark_job.run(wanted, tmp_path / "run")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    adapter.write_text(code)
    with pytest.raises(errors.RunFolderError, match=r"segmenter\.code"):
        benchmark_job.run(wanted, tmp_path / "run")


class Constant:
    """A click model that says the same of every pixel."""

    name = "constant"

    def __init__(self, value):
        self.value = np.float32(value)

    def __call__(self, queries):
        return [np.full(query.gt_mask.shape, self.value) for query in queries]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.nan, "the click model gave 3072 values that are no finite numbers"),
        (np.inf, "the click model gave 3072 values that are no finite numbers"),
        (-1, "the click model gave negative values, down to -1"),
        (0, "zero everywhere"),
        # So little that levels cannot be made of it, and no click drawn.
        (1e-35, "zero everywhere"),
    ],
)
def test_no_job_takes_maps_that_mean_nothing(
    folder, tmp_path, monkeypatch, value, reason
):
    monkeypatch.setattr(click_models, "load", lambda *_, **__: Constant(value))
    counts = {"ok": 0, "skipped": 0, "failed": 3}
    assert benchmark_job.run(settings(folder), tmp_path / "run").counts == counts
    for one in instances_of(tmp_path / "run").values():
        assert reason in one.reason
    outcome = click_maps_job.run(map_settings(folder), tmp_path / "maps")
    assert outcome.counts == counts
    assert all(reason in line for line in problems_of(tmp_path / "maps"))


def test_a_run_begins_with_what_it_is(folder, tmp_path, capsys):
    benchmark_job.run(settings(folder), tmp_path / "run")
    (line,) = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("Benchmark: ")
    ]
    assert line.startswith(
        "Benchmark: 3 images, 3 objects; segmenter noisy; protocol paper; "
        "click model DT; 4 cpu devices"
    )


def test_progress_counts_clicks_and_says_that_it_compiles(folder, tmp_path, capsys):
    benchmark_job.run(settings(folder, groups=(1,)), tmp_path / "run")
    said = capsys.readouterr().err
    assert "compiling" in said
    # Three objects, a robot and a group, twenty clicks.
    assert "120/120" in said
    assert "3/3 images" in said


def test_users_without_any_click_are_missed_aloud(folder, tmp_path, capsys):
    benchmark_job.run(settings(folder, users=True), tmp_path / "run")
    assert "warning: --config.users had no effect" in capsys.readouterr().err
    benchmark_job.run(settings(folder), tmp_path / "other")
    assert "--config.users" not in capsys.readouterr().err


def test_nothing_usable_is_an_error_before_any_work(folder, tmp_path):
    for path in (folder / "masks").iterdir():
        write_image(path, np.zeros((48, 64), np.uint8))
    said = r"3 images, 0 usable objects, 3 skipped, .*: the mask has no object pixel"
    for run, wanted in (
        (benchmark_job.run, settings(folder)),
        (click_maps_job.run, map_settings(folder)),
    ):
        with pytest.raises(errors.DataError, match=said):
            run(wanted, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_evaluation_of_maps_without_numbers_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(click_models, "load", lambda *_, **__: Constant(np.nan))
    wanted = evaluation.EvaluateConfig(split="val", click_models=("UD",), processes=1)
    with pytest.raises(errors.RClicksError, match=r"UD: the click model gave .* no "):
        evaluation_job.run(wanted, tmp_path)


@pytest.mark.parametrize("damage", ["{", '{"kind":"image"}\n'])
def test_an_image_whose_record_is_damaged_is_repeated(folder, tmp_path, capsys, damage):
    benchmark_job.run(settings(folder), tmp_path / "run")
    before = instances_of(tmp_path / "run")
    path = tmp_path / "run" / "records" / "mine" / "b.1.jsonl"
    path.write_text(damage)
    (path.parent.parent / ".DS_Store").write_bytes(b"\0")
    outcome = benchmark_job.run(settings(folder), tmp_path / "run")
    assert outcome.worked == 1
    assert instances_of(tmp_path / "run") == before
    assert "note: 1 records cannot be used" in capsys.readouterr().err


def test_records_of_two_runs_do_not_mix(folder, tmp_path):
    """As when two hosts start with different seeds, or `run.json` is lost."""
    benchmark_job.run(settings(folder, max_images=1), tmp_path / "run")
    benchmark_job.run(settings(folder, seed=1), tmp_path / "other")
    whole = instances_of(tmp_path / "other")
    for name in ("a", "b"):
        source = tmp_path / "run" / "records" / "mine" / "a.1.jsonl"
        target = tmp_path / "other" / "records" / "mine" / f"{name}.2.jsonl"
        target.write_bytes(source.read_bytes())
    with pytest.raises(errors.RunFolderError, match=r"another run|it is of mine/a"):
        instances_of(tmp_path / "other")
    assert benchmark_job.run(settings(folder, seed=1), tmp_path / "other").worked == 2
    assert instances_of(tmp_path / "other") == whole
    (tmp_path / "run" / "run.json").unlink()
    with pytest.raises(errors.RunFolderError, match=r"but no run\.json"):
        benchmark_job.run(settings(folder, seed=1), tmp_path / "run")


def test_cores_and_batches_are_noted(folder, tmp_path):
    benchmark_job.run(settings(folder), tmp_path / "run")
    noted = store.RunFolder(tmp_path / "run").info().provenance
    assert noted["cores"] >= 1
    assert set(noted["batches"]) == {
        "instances",
        "trajectories",
        "click_maps",
        "segmenter",
    }


def test_reasons_are_counted_by_kind():
    reasons = {
        "a/b.png is no image (3 bytes)": 2,
        "c/d.png is no image (77 bytes)": 1,
        "the mask is 3x4 pixels": 1,
        "ouch": 5,
        "other": 1,
    }
    assert failures.most_common(reasons) == (
        "5 times: ouch; 3 times: a/b.png is no image (3 bytes); "
        "1 times: the mask is 3x4 pixels; 1 times for other reasons"
    )


def test_of_a_traceback_the_last_line_is_shown():
    traceback = (
        'Traceback (most recent call last):\n  File "a.py", line 3, in x\n'
        "    y()\nValueError: no such thing\n"
    )
    assert failures.gist(traceback) == "ValueError: no such thing"
    assert failures.gist("first, it ended\nTraceback ...") == "first, it ended"
    said = failures.described(errors.SegmenterError(f"{traceback}MemoryError: 5 GB"))
    assert said == "out of memory (MemoryError: 5 GB)"


def test_advice_that_a_segmenter_has_given_is_not_followed_by_other_advice():
    error = errors.SegmenterMemoryError(
        "It needs more memory. A smaller batch= needs less."
    )
    said = failures.described(error, "Set --config.click_model_batch to less.")
    assert said == f"out of memory: {error}"
    other = failures.described(errors.DeviceMemoryError("a pass"), "Set it to less.")
    assert other == "out of memory (a pass). Set it to less."
