"""A benchmark killed at random moments ends in the same bits as one that never was.

People click by a network, `nano` with random weights.

RCLICKS_SOAK_DATA and RCLICKS_SOAK_KILLS choose another dataset and number of kills:

    RCLICKS_SOAK_DATA=GrabCut:DIR python -m pytest tests/soak/test_kills.py
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

from benchmark_runs import content

from rclicks_jax.networks import cards, clickability
from rclicks_jax.settings import networks

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = os.environ.get("RCLICKS_SOAK_DATA", "sample")
KILLS = int(os.environ.get("RCLICKS_SOAK_KILLS", "50"))
IMAGES = 10


def save_network(folder):
    network = networks.network("nano")
    card = cards.Card(network, 64, 5.0, "nothing", "random weights", {})
    cards.save(folder, clickability.init_variables(network, 0), card)


def start(workdir):
    return subprocess.Popen(
        [
            sys.executable, "-m", "rclicks_jax.launch.benchmark",
            f"--config={ROOT / 'configs' / 'benchmark.py'}:tiny",
            f"--data={DATA}", f"--config.max_images={IMAGES}",
            f"--click_model={workdir.parent / 'nano'}", f"--workdir={workdir}",
        ],
        env={**os.environ, "XLA_FLAGS": ""},
    )  # fmt: skip


def seconds_to_first_record(process, workdir):
    began = time.monotonic()
    while process.poll() is None and not list(workdir.glob("records/*/*")):
        time.sleep(0.05)
    return time.monotonic() - began


def test_random_kills_change_no_bit(tmp_path):
    save_network(tmp_path / "nano")
    process = start(tmp_path / "whole")
    first = seconds_to_first_record(process, tmp_path / "whole")
    assert process.wait() == 0
    expected = content(tmp_path / "whole")
    assert expected[1]
    moments = random.Random(time.time_ns())
    killed, folders = 0, [tmp_path / "killed"]
    while killed < KILLS:
        process = start(folders[-1])
        # About one start in five lasts for a photograph: kills find work to the end.
        delay = moments.uniform(0.1, 1.25 * first)
        try:
            status = process.wait(timeout=delay)
            assert status == 0, f"ended by itself with {status}"
            folders.append(tmp_path / f"killed-{len(folders)}")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            print(f"kill {killed} after {delay:.1f} s")
    assert start(folders[-1]).wait() == 0
    for folder in folders:
        assert content(folder) == expected
