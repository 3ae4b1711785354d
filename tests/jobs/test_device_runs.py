"""Runs of every job whose pixels are worked on by devices, here simulated ones."""

import json
import pathlib
import subprocess
import sys

import cv2
import jax
import numpy as np
import pytest
import two_convolutions
from benchmark_runs import settings
from click_map_runs import rows_of
from click_map_runs import settings as map_settings
from clicked_folders import SHAPE, write_clicked
from helpers import write_image

from rclicks_jax import errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records, scoring
from rclicks_jax.click_maps import job as click_maps_job
from rclicks_jax.clicks import on_device
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.jobs import store
from rclicks_jax.settings import evaluation

PROGRAM = pathlib.Path(__file__).parents[1] / "programs" / "runs_of_devices.py"


@pytest.fixture
def accelerated(monkeypatch):
    """Simulates an accelerator; returns how many queries each of its passes had."""
    passes = []
    send = on_device.OnDevice.send

    def counted(self, prepared):
        passes.append(len(prepared))
        return send(self, prepared)

    def begin():
        monkeypatch.setattr(on_device.OnDevice, "send", counted)
        monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
        return passes

    return begin


@pytest.fixture
def clicked(tmp_path, cache):
    """Six photographs with an object each, on which twelve people clicked."""
    random = np.random.default_rng(0)
    clicks = {
        (f"p{number}", "pc"): random.integers([20, 10], [50, 30], (12, 2)).tolist()
        for number in range(6)
    }
    folder = write_clicked(tmp_path / "data", clicks)
    for number in range(6):
        image = random.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
        write_image(folder / "images" / f"p{number}.png", image)
    return folder


def trajectories(workdir):
    """Returns clicks and areas of all trajectories of a run, by object."""
    return {
        instance.instance_id: instance.trajectories
        for image in records.read_all(store.RunFolder(workdir))
        for instance in image.instances
    }


def test_an_accelerator_plays_what_a_cpu_plays(folder, tmp_path, narrow, accelerated):
    asked = settings(
        folder,
        click_model=narrow,
        click_model_batch=2,
        click_model_precision="float32",
        groups=(1, 6, 10),
        users=False,
    )
    benchmark_job.run(asked, tmp_path / "host")
    passes = accelerated()
    outcome = benchmark_job.run(asked, tmp_path / "device")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    # All rounds of all objects, but for trajectories that nothing is wrong in any more.
    assert sum(passes) > 3 * 20
    assert trajectories(tmp_path / "device") == trajectories(tmp_path / "host")


def test_a_device_that_is_lost_while_areas_are_counted_ends_the_run(
    folder, tmp_path, monkeypatch
):
    def areas(*arguments, **options):
        raise jax.errors.JaxRuntimeError("INTERNAL: it fell off the bus\nstack")

    monkeypatch.setattr(scoring, "areas", areas)
    said = r"A device failed or was lost \(INTERNAL: it fell off the bus\)\. What is"
    with pytest.raises(errors.DeviceError, match=said):
        benchmark_job.run(settings(folder), tmp_path / "run")


def test_an_accelerator_writes_the_click_maps_of_a_cpu(
    folder, tmp_path, narrow, accelerated
):
    asked = map_settings(
        folder, model=narrow, batch=2, precision="float32", groups=(0, 1, 10)
    )
    click_maps_job.run(asked, tmp_path / "host")
    passes = accelerated()
    outcome = click_maps_job.run(asked, tmp_path / "device")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    assert sum(passes) == 3
    ours, theirs = (rows_of(tmp_path / name) for name in ("device", "host"))
    assert len(ours) == 3 * 3 * 4
    # Rounding may move a level, and a level a click.
    assert sum(one != other for one, other in zip(ours, theirs, strict=True)) <= 1
    for name in "abc":
        ours, theirs = (
            cv2.imread(str(path / "maps/mine" / name / f"{name}.png"), -1)
            for path in (tmp_path / "device", tmp_path / "host")
        )
        np.testing.assert_allclose(ours.astype(int), theirs, atol=2)
        assert ours.max() == 65535


def test_an_accelerator_measures_what_a_cpu_measures(
    clicked, tmp_path, narrow, accelerated
):
    asked = evaluation.EvaluateConfig(
        data=f"folder:{clicked}",
        click_models=(narrow, "UD"),
        split="all",
        draws=3,
        precision="float32",
        batch=2,
        processes=1,
    )
    evaluation_job.run(asked, tmp_path / "host")
    passes = accelerated()
    outcome = evaluation_job.run(asked, tmp_path / "device")
    assert outcome.counts == {"ok": 6, "skipped": 0, "failed": 0}
    assert sum(passes) == 6
    ours, theirs = (
        task_records.read_all(store.RunFolder(tmp_path / name))
        for name in ("device", "host")
    )
    for one, other in zip(ours, theirs, strict=True):
        assert one.models["UD"] == other.models["UD"]
        for maps in ("raw", "masked"):
            measured, expected = (
                # KS counts sets of draws, and there are three.
                {name: each for name, each in task.models["CM narrow"][maps].items()
                 if name != "ks"}
                for task in (one, other)
            )  # fmt: skip
            assert measured == pytest.approx(expected, rel=1e-2, abs=1e-3)


@pytest.mark.long
def test_whole_runs_have_the_same_bits_on_any_number_of_devices(clicked, tmp_path):
    model = two_convolutions.save(tmp_path / "narrow")
    arguments = [sys.executable, PROGRAM, clicked, model, tmp_path]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert not done.returncode, done.stderr
    runs = json.loads(done.stdout)
    for job in ("benchmark", "click_maps", "evaluation"):
        of_job = {count: runs[f"{job} {count}"] for count in (1, 2, 4, 8)}
        assert len({each["hash"] for each in of_job.values()}) == 1
        for count, each in of_job.items():
            assert each["counts"] == {"ok": 6, "skipped": 0, "failed": 0}
            # Every device has a batch in every pass.
            assert each["rows"] == each["calls"] * each["batch"] * count
            assert each["real"] <= each["rows"]
        assert of_job[1]["calls"] > of_job[8]["calls"]
