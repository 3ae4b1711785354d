"""Runs whose click maps stay on devices, here on simulated ones."""

import jax
from benchmark_runs import settings

from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.clicks import on_device
from rclicks_jax.jobs import store


def trajectories(workdir):
    """Returns clicks and areas of all trajectories of a run, by object."""
    return {
        instance.instance_id: instance.trajectories
        for image in records.read_all(store.RunFolder(workdir))
        for instance in image.instances
    }


def test_an_accelerator_plays_what_a_cpu_plays(folder, tmp_path, nano, monkeypatch):
    asked = settings(
        folder,
        click_model=nano,
        click_model_batch=2,
        click_model_precision="float32",
        groups=(1, 6, 10),
        users=False,
    )
    benchmark_job.run(asked, tmp_path / "host")
    passes = []
    answer = on_device.OnDevice.answer

    def counted(self, prepared):
        passes.append(len(prepared))
        return answer(self, prepared)

    monkeypatch.setattr(on_device.OnDevice, "answer", counted)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    outcome = benchmark_job.run(asked, tmp_path / "device")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    # All rounds of all objects, but for trajectories that nothing is wrong in any more.
    assert sum(passes) > 3 * 20
    assert trajectories(tmp_path / "device") == trajectories(tmp_path / "host")
