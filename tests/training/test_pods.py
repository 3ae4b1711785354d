"""The training command on several processes, as on the hosts of a TPU pod.

The network has two convolutions, which compile in a second; tests/soak has `nano`.
"""

import functools
import re
import signal

import clicked_folders
import numpy as np
import pytest
from pods import (
    NO_GRADIENT,
    assert_same_bits,
    ended,
    finish,
    leaves,
    start,
    start_pod,
    steps,
    stop,
    wait_for_checkpoint,
)

from rclicks_jax.networks import infer
from rclicks_jax.types import ClickQuery

pytestmark = pytest.mark.usefixtures("second_architecture")
# Enough of them that a host can be lost between two checkpoints.
FLAGS = ("--config.epochs=8", "--config.batch_size=8")


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clicked") / "disks"
    clicked_folders.write_disks(folder)
    return folder


@pytest.fixture(scope="module")
def start_small_pod(disks):
    return functools.partial(start_pod, flags=FLAGS, small=disks)


@pytest.fixture(scope="module")
def alone(tmp_path_factory, disks):
    workdir = tmp_path_factory.mktemp("alone")
    finish([start(workdir, 8, flags=FLAGS, small=disks)])
    return workdir


@pytest.fixture(scope="module")
def pod(tmp_path_factory, start_small_pod):
    workdir = tmp_path_factory.mktemp("pod")
    finish(start_small_pod(workdir))
    return workdir


@pytest.mark.long
def test_two_hosts_of_four_devices_learn_what_one_host_of_eight_does(alone, pod):
    expected, ours = leaves(alone), leaves(pod)
    assert set(ours) == set(expected)
    for name, leaf in expected.items():
        if not NO_GRADIENT.search(name):
            np.testing.assert_allclose(ours[name], leaf, atol=1e-6, err_msg=name)


@pytest.mark.long
def test_and_predict_the_same(alone, pod):
    random = np.random.default_rng(0)
    target = np.zeros((40, 48), bool)
    target[10:30, 12:40] = True
    image = random.integers(0, 256, (40, 48, 3), dtype=np.uint8)
    query = ClickQuery(image, target, target)
    first, second = (
        infer.load(workdir / "model", batch=1)([query])[0] for workdir in (alone, pod)
    )
    np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.mark.long
def test_a_pod_that_lost_a_host_goes_on_to_the_same_bits(
    pod, start_small_pod, tmp_path, monkeypatch
):
    monkeypatch.setenv("RCLICKS_LOST", "10")
    hosts = start_small_pod(tmp_path)
    try:
        wait_for_checkpoint(hosts, tmp_path)
        hosts[1].send_signal(signal.SIGKILL)
        assert hosts[1].wait() == -signal.SIGKILL
        said, _ = hosts[0].communicate(timeout=60)
        assert hosts[0].returncode == 2
        # Either the lost connection is noticed first or the missing signs of life.
        assert "What is finished is kept" in said
        assert "start all" in said
    finally:
        stop(hosts)
    finish(start_small_pod(tmp_path))
    assert_same_bits(tmp_path, pod)


@pytest.mark.long
def test_a_signal_to_one_host_stops_all_and_nothing_is_lost(disks, tmp_path):
    flags = ["--config.epochs=30"]
    hosts = start_pod(tmp_path, 1, flags=flags, small=disks)
    wait_for_checkpoint(hosts, tmp_path)
    hosts[1].send_signal(signal.SIGTERM)
    first, second = ended(hosts)
    assert [host.returncode for host in hosts] == [2, 2], (first, second)
    stopped = re.search(r"Stopped by SIGTERM at process 1 after step (\d+)", first)
    assert stopped, first
    assert "Process 0 ended early: Stopped by SIGTERM at process 1" in second, second
    assert "Traceback" not in first + second
    assert steps(tmp_path)[-1] == int(stopped[1])
