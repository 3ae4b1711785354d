"""A benchmark killed at random moments ends in the same bits as one that never was.

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

from rclicks_jax.runs import store

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = os.environ.get("RCLICKS_SOAK_DATA", "sample")
KILLS = int(os.environ.get("RCLICKS_SOAK_KILLS", "10"))


def start(workdir):
    return subprocess.Popen(
        [
            sys.executable, "-m", "rclicks_jax.launch.benchmark",
            f"--config={ROOT / 'configs' / 'benchmark.py'}:tiny",
            f"--data={DATA}", f"--workdir={workdir}",
        ],
        env={**os.environ, "XLA_FLAGS": ""},
    )  # fmt: skip


def content(workdir):
    """Tables and records, without what was measured in seconds."""
    tables = {
        path.name: path.read_bytes()
        for path in (workdir / "tables").iterdir()
        if not path.name.startswith("timing")
    }
    records = {
        (record.dataset, record.image_id): record.instances
        for record in store.RunFolder(workdir).read_all()
    }
    return tables, records


def test_random_kills_change_no_bit(tmp_path):
    began = time.monotonic()
    assert start(tmp_path / "whole").wait() == 0
    took = time.monotonic() - began
    moments = random.Random(time.time_ns())
    killed = 0
    while killed < KILLS:
        process = start(tmp_path / "killed")
        # Starting takes some seconds; later kills must find work that is left.
        delay = moments.uniform(1, max(4.0, 2 * took / KILLS))
        try:
            status = process.wait(timeout=delay)
            assert status == 0, f"ended by itself with {status}"
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            print(f"kill {killed} after {delay:.1f} s")
    assert start(tmp_path / "killed").wait() == 0
    assert killed >= min(KILLS, 3)
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
