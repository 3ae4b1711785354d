"""Click models of saliency in whole runs."""

import pathlib

import numpy as np
import pytest

from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.click_maps import files as click_map_files
from rclicks_jax.click_maps import job as click_maps_job
from rclicks_jax.clicks import click_models
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.jobs import store
from rclicks_jax.settings import benchmark, click_maps, evaluation

ADAPTER = pathlib.Path(__file__).parent.parent / "programs" / "saliency_adapter.py"
CLASSICAL = "SM:source=spectral_residual"


@pytest.mark.long
def test_they_are_evaluated_and_recorded(tmp_path):
    specs = (CLASSICAL, f"SI:adapter={ADAPTER}")
    asked = evaluation.EvaluateConfig(data="sample", draws=2, click_models=specs)
    evaluation_job.run(asked, tmp_path)
    names = ["SM (spectral residual)", "SI (saliency adapter)"]
    recorded = store.RunFolder(tmp_path).info().identity["click_models"]
    described = [click_models.describe(spec) for spec in specs]
    assert recorded == dict(zip(names, described, strict=True))


def test_a_benchmark_clicks_where_they_say(tmp_path):
    asked = benchmark.BenchmarkConfig(
        data="sample",
        split="val",
        segmenter="stuck",
        click_model=CLASSICAL,
        groups=(1, 10),
        max_images=1,
        pictures=0,
    )
    outcome = benchmark_job.run(asked, tmp_path)
    assert outcome.counts["ok"] > 0
    assert outcome.counts["failed"] == 0


@pytest.mark.parametrize("trouble", ["raise", "die"])
def test_an_object_without_a_map_ends_no_run(tmp_path, trouble):
    from helpers import make_folder, write_image

    folder = make_folder(tmp_path / "mine")
    dark = np.full((48, 64, 3), 7, np.uint8)
    write_image(folder / "images" / "b.png", dark)
    model = f"SI:adapter={ADAPTER}:trouble={trouble}"
    asked = click_maps.ClickMapsConfig(model=model, data=f"folder:{folder}")
    outcome = click_maps_job.run(asked, tmp_path / "maps")
    assert outcome.counts == {"ok": 2, "skipped": 0, "failed": 1}
    (problem,) = click_map_files.problems(store.RunFolder(tmp_path / "maps"))
    assert problem.startswith("mine/b: ")
    assert ("cannot do this one" if trouble == "raise" else "died twice") in problem
