"""A training killed at random moments ends in the same bits as one that never was.

It saves at every step, so most kills hit a checkpoint in the middle. `small` is a
network of two convolutions, where `nano` would compile for minutes.
RCLICKS_SOAK_KILLS chooses another number of kills.
"""

import os
import random
import re
import signal
import subprocess
import time

import clicked_folders
import pytest
from pods import assert_same_bits, finish, start, steps

KILLS = int(os.environ.get("RCLICKS_SOAK_KILLS", "40"))
FLAGS = ("--config.save_every=1", "--config.size=32", "--config.batch_size=4")
# Steps are taken two an epoch.
EPOCHS = {"nano": (), "small": ("--config.epochs=40",)}


def partial(workdir):
    """Returns the names of checkpoints that are not whole."""
    names = [path.name for path in (workdir / "checkpoints").glob("*")]
    return [name for name in names if not name.isdigit()]


def wait_for_news(process, workdir, before):
    """Waits until a training has written a checkpoint, or has ended."""
    while process.poll() is None and max(steps(workdir), default=0) <= before:
        time.sleep(0.01)


@pytest.mark.parametrize("network", ["nano", "small"])
def test_random_kills_change_no_bit(tmp_path, network, second_architecture):
    data = None
    if network == "small":
        data = tmp_path / "disks"
        clicked_folders.write_disks(data)

    def begin(workdir):
        return start(workdir, 1, flags=[*FLAGS, *EPOCHS[network]], small=data)

    finish([begin(tmp_path / "whole")])
    moments = random.Random(time.time_ns())
    killed, in_the_middle, folders = 0, 0, [tmp_path / "killed"]
    while killed < KILLS:
        workdir = folders[-1]
        before = max(steps(workdir), default=0)
        process = begin(workdir)
        wait_for_news(process, workdir, before)
        try:
            said, _ = process.communicate(timeout=moments.uniform(0, 1.5))
            assert process.returncode == 0, said
            folders.append(tmp_path / f"killed-{len(folders)}")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            said, _ = process.communicate()
            killed += 1
            in_the_middle += bool(partial(workdir))
            last = max(steps(workdir), default=0)
            print(f"kill {killed} at step {last}, not whole: {partial(workdir)}")
        if before:
            assert re.search(rf"Going on after step {before} of", said), said
    print(f"{in_the_middle} of {killed} kills in the middle of a checkpoint")
    assert in_the_middle > killed / 10
    finish([begin(folders[-1])])
    for folder in folders:
        assert_same_bits(folder, tmp_path / "whole")
        # What was not whole was removed.
        assert not partial(folder)
