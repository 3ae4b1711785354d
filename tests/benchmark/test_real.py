"""A few real photographs through the whole benchmark."""

import pytest

from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.jobs import store
from rclicks_jax.results import aggregate
from rclicks_jax.settings import benchmark

PARTS = {"GrabCut": True, "Berkeley": False, "DAVIS": False, "COCO_MVal": False}


@pytest.mark.long
@pytest.mark.real
@pytest.mark.parametrize("name", PARTS)
def test_real_photographs_are_benchmarked(real_data, tmp_path, name):
    settings = benchmark.BenchmarkConfig(
        data=f"{name}:{real_data(name)}",
        segmenter="random_walker:grid=48",
        click_model="DT",
        groups=(1, 10),
        max_images=2,
        pictures=0,
    )
    outcome = benchmark_job.run(settings, tmp_path)
    assert outcome.counts == {"ok": 2, "skipped": 0, "failed": 0}
    (result,) = aggregate.collect(records.read_all(store.RunFolder(tmp_path)))
    assert result.encodes == (2, 2)
    last = result.by_group.iou[0, :, :, -1]
    assert ((last > 0) & (last <= 1)).all()
    assert result.baseline.iou[:, -1].mean() > 0.3
