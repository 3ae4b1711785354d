"""A whole benchmark of a PyTorch segmenter of the catalogue, in its own environment."""

import os
import pathlib
import subprocess

import numpy as np
import pytest

from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.jobs import store
from rclicks_jax.results import aggregate
from rclicks_jax.segmenters import load
from rclicks_jax.settings import benchmark, protocols
from rclicks_jax.types import Clicks

SAVE_SAM = pathlib.Path(__file__).parent.parent / "adapters" / "save_sam.py"


@pytest.fixture(scope="module")
def sam(tmp_path_factory):
    """Names a small SAM with seeded weights and the environment it runs in."""
    python = os.environ.get("RCLICKS_TORCH_PYTHON")
    if not python:
        pytest.skip("RCLICKS_TORCH_PYTHON names no interpreter with PyTorch")
    folder = tmp_path_factory.mktemp("sam") / "model"
    subprocess.run([python, str(SAVE_SAM), str(folder)], check=True)
    return f"transformers_sam:checkpoint={folder}:python={python}"


@pytest.mark.torch
def test_sam_is_benchmarked_with_one_encoding_an_image(sam, tmp_path):
    settings = benchmark.BenchmarkConfig(
        data="sample",
        split="val",
        segmenter=sam,
        click_model="DT",
        groups=(1, 10),
        max_images=2,
        pictures=0,
    )
    outcome = benchmark_job.run(settings, tmp_path / "run")
    folder = store.RunFolder(tmp_path / "run")
    (result,) = aggregate.collect(records.read_all(folder))
    assert outcome.worked == 2
    assert result.encodes == (2, 2)
    assert result.counts["failed"] == 0
    # Seeded weights know nothing, but they answer differently to different clicks.
    assert np.unique(result.by_group.whole).size > 100
    assert folder.info().identity["segmenter"]["name"] == "transformers_sam"


def second_answer(spec, protocol):
    """Returns probabilities after a click on an object and one beside it."""
    segmenter = load.load(spec, protocol=protocol)
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    session = segmenter.start(segmenter.encode(image), [image[..., 0] > 0])
    yx, positive = np.array([[[20, 30], [50, 70]]], np.int32), np.array([[True, False]])
    for count in (1, 2):
        clicks = Clicks(yx, positive, np.array([count], np.int32))
        _, found = session.predict_with_probabilities(np.arange(1), clicks)
    segmenter.close()
    return found


@pytest.mark.torch
def test_sam_keeps_its_mask_prompt_in_strict_by_whatever_name_it_runs(sam):
    bridged = sam.replace("transformers_sam:", "bridge:adapter=transformers_sam:", 1)
    strict = second_answer(sam, protocols.STRICT)
    np.testing.assert_array_equal(second_answer(bridged, protocols.STRICT), strict)
    assert abs(second_answer(bridged, protocols.PAPER) - strict).max() > 0.001
