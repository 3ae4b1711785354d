"""Trainings on several processes, as on the hosts of a TPU pod."""

import pathlib
import re
import socket
import time

import compiled
import flax.traverse_util
import numpy as np
import started

from rclicks_jax.networks import cards

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLAGS = (
    "--config=configs/train_clickability.py:nano",
    "--config.epochs=1",
    "--config.batch_size=16",
    "--config.save_every=3",
    "--config.recipe=paper:learning_rate=0.0001",
)
# Of a wait; on a machine with other work, programs take minutes to compile.
TIMEOUT = 600


# A training that compiles in a second; see `small` for its data.
SMALL = (
    "--config.architecture=two_convolutions",
    "--config.variant=narrow",
    "--config.size=32",
    "--config.sigma=40.0",
    "--config.batch_size=4",
    "--config.recipe=improved:learning_rate=0.01:ema=0",
)
_SMALL_PROGRAM = ROOT / "tests" / "programs" / "small_training.py"


def start(workdir, devices, process=0, processes=1, port=0, flags=(), small=None):
    """Starts one host of a training.

    Args:
        workdir: Folder of the training.
        devices: Number of fake devices of this host.
        process: Number of this host.
        processes: Number of hosts.
        port: Port of the first host.
        flags: Further flags.
        small: Folder of `clicked_folders.write_disks`, for a training of two
            convolutions on it; None for one of `nano` on the sample.
    """
    together = [
        f"--coordinator=localhost:{port}",
        f"--process_count={processes}",
        f"--process_id={process}",
    ]
    if small is None:
        command = ["rclicks_jax.launch.train", *FLAGS]
    else:
        nano = "--config=configs/train_clickability.py:nano"
        command = [_SMALL_PROGRAM, nano, f"--data=folder:{small}", *SMALL]
    command += [f"--workdir={workdir}", *(together if processes > 1 else []), *flags]
    environment = compiled.environment(devices)
    return started.Forked(command, environment, folder=ROOT, merged=True)


def start_pod(workdir, devices=4, processes=2, flags=(), small=None):
    """Starts all hosts of a training."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    return [
        start(workdir, devices, process, processes, port, flags, small)
        for process in range(processes)
    ]


def steps(workdir):
    """Returns the steps whose checkpoints are whole."""
    names = [path.name for path in (workdir / "checkpoints").glob("*")]
    return sorted(int(name) for name in names if name.isdigit())


def wait_for_checkpoint(hosts, workdir):
    """Returns once a checkpoint is whole; the hosts must be alive till then."""
    limit = time.monotonic() + TIMEOUT
    while not steps(workdir):
        assert time.monotonic() < limit, "no checkpoint was made"
        for host in hosts:
            assert host.poll() is None, host.communicate()[0]
        time.sleep(0.05)


def stop(hosts):
    for host in hosts:
        host.kill()
        host.wait()


def ended(hosts):
    """Waits for all; returns what each printed. None outlives the test."""
    try:
        return [host.communicate(timeout=TIMEOUT)[0] for host in hosts]
    finally:
        stop(hosts)


def finish(hosts):
    """Waits for all, which must end well; returns what each printed."""
    outputs = ended(hosts)
    for host, output in zip(hosts, outputs, strict=True):
        assert host.returncode == 0, output
    return outputs


def leaves(workdir):
    """Returns the parameters of a trained model, by name."""
    variables, _ = cards.load(workdir / "model")
    return flax.traverse_util.flatten_dict(variables, sep="/")


def assert_same_bits(workdir, expected):
    """Makes sure that two trainings ended in the same parameters."""
    ours, theirs = leaves(workdir), leaves(expected)
    assert set(ours) == set(theirs)
    for name, leaf in theirs.items():
        np.testing.assert_array_equal(ours[name], leaf, err_msg=name)


# What these add is subtracted again, by a group normalisation of single channels and
# by scaling maps to [0, 1]: their gradients are rounding, which Adam makes steps of.
NO_GRADIENT = re.compile(r"(norm4|conv_seg|Conv_1)/bias$")
