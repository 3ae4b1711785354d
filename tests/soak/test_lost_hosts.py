"""Hosts of a training that are killed, stand still or are stopped, at random moments.

Each time the others end with a sentence, within a minute where no signal says why, and
the same command goes on.
"""

import random
import re
import signal
import time

import clicked_folders
import pytest
from pods import start_pod, steps, stop, wait_for_checkpoint

# Far more than are taken.
FLAGS = ("--config.epochs=1000000", "--config.batch_size=6")
CASES = [
    (count, guilty, number)
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM)
    for count, guilty in ((2, 0), (2, 1), (3, 1))
]


def goes_on(hosts, workdir, after):
    """Waits until a new checkpoint is whole; returns what host 0 printed."""
    while max(steps(workdir)) <= after:
        time.sleep(0.1)
        for host in hosts:
            assert host.poll() is None, host.communicate()[0]
    for host in hosts:
        host.kill()
    said, *_ = [host.communicate()[0] for host in hosts]
    return said


@pytest.mark.parametrize(("count", "guilty", "number"), CASES)
def test_the_others_end_and_the_same_command_goes_on(tmp_path, count, guilty, number):
    data = tmp_path / "disks"
    clicked_folders.write_disks(data)
    moment = random.Random(time.time_ns()).uniform(0, 2)
    hosts = start_pod(tmp_path, 1, count, FLAGS, data)
    wait_for_checkpoint(hosts, tmp_path)
    time.sleep(moment)
    hosts[guilty].send_signal(number)
    began = time.monotonic()
    others = [host for host in hosts if host is not hosts[guilty]]
    try:
        outputs = [host.communicate(timeout=100)[0] for host in others]
        took = time.monotonic() - began
    finally:
        stop(hosts)
    print(f"{number.name} to {guilty} of {count}: others ended after {took:.1f} s")
    for host, output in zip(others, outputs, strict=True):
        print("   ", host.returncode, output.rstrip().splitlines()[-1][:300])
    assert took < 60
    for host, output in zip(others, outputs, strict=True):
        assert host.returncode == 2, output
        assert "Traceback" not in output
        assert "Fatal Python error" not in output
        last = output.rstrip().splitlines()[-1]
        assert "kept" in last or "the same command goes on" in last, output
    kept = max(steps(tmp_path))
    if number == signal.SIGTERM:
        assert took < 30
        assert any(f"after step {kept};" in output for output in outputs)
    again = start_pod(tmp_path, 1, count, FLAGS, data)
    said = goes_on(again, tmp_path, kept)
    assert re.search(rf"Going on after step {kept} of", said)
