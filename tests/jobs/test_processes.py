import contextlib
import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from rclicks_jax import errors
from rclicks_jax.jobs import processes


def test_every_item_has_a_result_whatever_the_number_of_processes():
    for count in (1, 2):
        assert sorted(processes.results(abs, range(-20, 0), count)) == list(
            range(1, 21)
        )


@pytest.mark.parametrize("step", ["start", "submit"])
def test_processes_that_cannot_be_started_are_a_sentence(monkeypatch, step):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "start":
        # As with a full /dev/shm.
        monkeypatch.setattr(processes.futures, "ProcessPoolExecutor", full)
    else:
        monkeypatch.setattr(processes.futures.ProcessPoolExecutor, "submit", full)
    with pytest.raises(errors.RClicksError, match=r"No space left.*/dev/shm.*proc.*=1"):
        list(processes.results(abs, [1], 2))
    assert list(processes.results(abs, [-1], 1)) == [1]


def test_few_items_are_taken_ahead():
    taken = []

    def items():
        for number in range(40):
            taken.append(number)
            yield number

    for done, _ in enumerate(processes.results(abs, items(), 2), 1):
        assert len(taken) <= done + 2 * processes._AHEAD


def test_an_error_of_the_function_is_raised():
    with pytest.raises(TypeError):
        list(processes.results(abs, ["text"], 2))


def sleep_or_die(seconds):
    time.sleep(abs(seconds))
    if seconds < 0:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_is_reported_and_the_others_are_not_waited_for():
    start = time.monotonic()
    with pytest.raises(errors.RClicksError, match="processes was 2"):
        # The third item wakes the pool, which may not have seen the second process yet.
        list(processes.results(sleep_or_die, [100, -0.5, 0], 2))
    assert time.monotonic() - start < 60


# Two processes share an output: each line of theirs is one write.
PARENT = """
import os, time
from rclicks_jax.jobs import (processes)

def slow(number):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)

if __name__ == "__main__":
    list(processes.results(slow, range(2), 2))
"""


def test_processes_end_with_their_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with started(script) as parent:
        children = [int(parent.stdout.readline()) for _ in range(2)]
        parent.kill()
    deadline = time.monotonic() + 20
    while any(map(alive, children)):
        assert time.monotonic() < deadline, "a process outlived its parent"
        time.sleep(0.05)


STARTING = """
import os, signal, time
from rclicks_jax.jobs import (processes)

if __name__ != "__main__":
    os.write(1, b"starting\\n")
    time.sleep(1)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: None)
    print(sorted(processes.results(abs, [-1, -2], 2)))
"""


def test_a_signal_to_all_does_not_end_a_process_that_is_starting(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(STARTING)
    with started(script) as parent:
        assert parent.stdout.readline() == "starting\n"
        os.killpg(parent.pid, signal.SIGTERM)
        output = parent.communicate(timeout=60)[0]
    assert parent.returncode == 0
    assert output.splitlines()[-1] == "[1, 2]"


@contextlib.contextmanager
def started(script):
    """Starts a script in a process group of its own, and ends it with the block."""
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        try:
            yield parent
        finally:
            parent.kill()


def alive(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
