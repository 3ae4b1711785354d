"""The training command on several processes, as on the hosts of a TPU pod."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import flax.traverse_util
import numpy as np
import pytest

from rclicks_jax.networks import cards, infer
from rclicks_jax.types import ClickQuery

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = (
    "--config=configs/train_clickability.py:nano",
    "--config.epochs=1",
    "--config.batch_size=16",
    "--config.save_every=3",
    "--config.recipe=paper:learning_rate=0.0001",
)
# Of a wait; on a machine with other work, programs take minutes to compile.
TIMEOUT = 600


def start(workdir, devices, process=0, processes=1, port=0):
    """Starts one host with so many fake devices."""
    together = [
        f"--coordinator=localhost:{port}",
        f"--process_count={processes}",
        f"--process_id={process}",
    ]
    return subprocess.Popen(
        [
            sys.executable, "-m", "rclicks_jax.launch.train", *FLAGS,
            f"--workdir={workdir}",
            *(together if processes > 1 else []),
        ],
        env={
            **os.environ,
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        },
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def start_pod(workdir):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    return [start(workdir, 4, process, 2, port) for process in range(2)]


def stop(hosts):
    for host in hosts:
        host.kill()
        host.communicate()


def ended(hosts):
    """Waits for all; returns what each printed. None outlives the test."""
    try:
        return [host.communicate(timeout=TIMEOUT)[0] for host in hosts]
    finally:
        stop(hosts)


def finish(hosts):
    for host, output in zip(hosts, ended(hosts), strict=True):
        assert host.returncode == 0, output


def leaves(workdir):
    variables, _ = cards.load(workdir / "model")
    return flax.traverse_util.flatten_dict(variables, sep="/")


# What these add is subtracted again, by a group normalisation of single channels and
# by scaling maps to [0, 1]: their gradients are rounding, which Adam makes steps of.
NO_GRADIENT = re.compile(r"(norm4|conv_seg)/bias$")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("alone")
    finish([start(workdir, 8)])
    return workdir


@pytest.fixture(scope="module")
def pod(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("pod")
    finish(start_pod(workdir))
    return workdir


def test_two_hosts_of_four_devices_learn_what_one_host_of_eight_does(alone, pod):
    expected, ours = leaves(alone), leaves(pod)
    assert set(ours) == set(expected)
    for name, leaf in expected.items():
        if not NO_GRADIENT.search(name):
            np.testing.assert_allclose(ours[name], leaf, atol=1e-6, err_msg=name)


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


def test_a_pod_that_lost_a_host_goes_on_to_the_same_bits(pod, tmp_path):
    hosts = start_pod(tmp_path)
    kept = tmp_path / "checkpoints"
    limit = time.monotonic() + TIMEOUT
    try:
        while not [p for p in kept.glob("*") if p.name.isdigit()]:
            assert time.monotonic() < limit, "no checkpoint was made"
            assert hosts[1].poll() is None, hosts[1].communicate()[0]
            time.sleep(0.05)
        hosts[1].send_signal(signal.SIGKILL)
        assert hosts[1].wait() == -signal.SIGKILL
        said, _ = hosts[0].communicate(timeout=60)
        assert hosts[0].returncode == 2
        # Either the lost connection is noticed first or the missing signs of life.
        assert "What is finished is kept" in said
        assert "start all" in said
    finally:
        stop(hosts)
    finish(start_pod(tmp_path))
    expected, ours = leaves(pod), leaves(tmp_path)
    for name, leaf in expected.items():
        np.testing.assert_array_equal(ours[name], leaf, err_msg=name)
