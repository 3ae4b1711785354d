"""Nothing that a worker started outlives it, and its end is noticed at once."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import types

import numpy as np
import pytest
from bridged import IMAGE, clicks_of

from rclicks_jax import errors
from rclicks_jax.bridge import keeper, waiting
from rclicks_jax.segmenters import base, load

# Children that left the worker's group, one of them an orphan of an orphan. The first
# answer comes; at the second click it does what `trouble` says.
FAMILY = """
import os, subprocess, sys, time
import numpy as np
def load(options):
    sleep = [sys.executable, "-c", "import time; time.sleep(1234.5)"]
    for _ in range(3):
        subprocess.Popen(sleep, start_new_session=True, env={})
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, sleep)
        os._exit(0)
    os.wait()
    return options
def encode(model, image): return image.shape[:2]
def predict(model, shape, clicks, state):
    if clicks.count[0] == 2:
        if model.get("trouble") == "fork and die":
            if os.fork() == 0:
                os.setsid()
                time.sleep(60)
            os._exit(3)
        if model.get("trouble") == "hang":
            time.sleep(60)
    return np.zeros((len(clicks.count), *shape), bool), None
"""


@pytest.fixture
def family(tmp_path):
    path = tmp_path / "family.py"
    path.write_text(FAMILY)
    return path


def sleepers(root):
    """Returns how many of the family's children run below a process."""
    count = 0
    for pid in keeper.descendants(root):
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        count += b"1234.5" in command
    return count


def left_of(pids):
    """Returns those of some processes that still run."""
    running = set(keeper.descendants(1)) | {1}
    return [pid for pid in pids if pid in running]


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("how", ["close", "kill the worker"])
def test_children_in_sessions_of_their_own_end_with_the_worker(family, how):
    segmenter = load.load(f"bridge:adapter={family}")
    root = segmenter._workers[0]._connection.process.pid
    wait_for(lambda: sleepers(root) == 4)
    started = keeper.descendants(root)
    assert len(started) == 5
    if how == "close":
        segmenter.close()
    else:
        os.kill(started[0], signal.SIGKILL)
    wait_for(lambda: not left_of(started))
    segmenter.close()


# JAX warns of any fork of a process in which it was imported.
@pytest.mark.filterwarnings("ignore:os.fork")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_children_of_an_adapter_in_this_process_end_with_it(tmp_path):
    path = tmp_path / "parent.py"
    path.write_text(
        "import os, sys\n"
        "def load(options):\n"
        "    sleep = [sys.executable, '-c', 'import time; time.sleep(1234.5)']\n"
        "    return os.spawnv(os.P_NOWAIT, sys.executable, sleep)\n"
        "encode = predict = load\n"
    )
    segmenter = load.load(str(path))
    wait_for(lambda: sleepers(os.getpid()) == 1)
    segmenter.close()
    wait_for(lambda: sleepers(os.getpid()) == 0)


def test_children_in_sessions_of_their_own_end_with_a_killed_client(family):
    code = (
        "import sys\n"
        "from rclicks_jax.segmenters import load\n"
        f"one = load.load('bridge:adapter={family}')\n"
        "print(one._workers[0]._connection.process.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    client = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    root = int(client.stdout.readline())
    wait_for(lambda: sleepers(root) == 4)
    started = [root, *keeper.descendants(root)]
    client.kill()
    client.communicate()
    wait_for(lambda: not left_of(started))


def test_a_worker_that_forked_and_died_is_noticed_at_once(family):
    segmenter = load.load(f"bridge:adapter={family}:trouble=fork and die:timeout=60")
    session = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0] * 2)
    session.predict(np.arange(2), clicks_of(1))
    began = time.monotonic()
    with pytest.raises(errors.SegmenterError, match=r"it ended \(exit status 3\)"):
        session.predict(np.arange(2), clicks_of(2))
    assert time.monotonic() - began < 30
    segmenter.close()


@pytest.mark.parametrize("signal_of_the_end", [signal.SIGKILL, signal.SIGSEGV])
def test_a_keeper_ends_as_its_worker_did(tmp_path, signal_of_the_end):
    descriptors = [*os.pipe(), *os.pipe()]
    code = f"import os; os.kill(os.getpid(), {signal_of_the_end})"
    command = [sys.executable, "-I", "-S", keeper.__file__, sys.executable, "-c", code]
    one, _, two, hold = descriptors
    done = subprocess.run(
        [*command, str(one), str(one + 1), str(two)],
        pass_fds=(one, one + 1, two),
        timeout=60,
    )
    assert done.returncode == -signal_of_the_end
    for each in descriptors:
        os.close(each)
    assert hold


def test_an_abort_ends_calls_that_hang(family):
    segmenter = load.load(f"bridge:adapter={family}:trouble=hang:timeout=300")
    session = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0] * 2)
    session.predict(np.arange(2), clicks_of(1))
    failed = []

    def ask():
        try:
            session.predict(np.arange(2), clicks_of(2))
        except errors.SegmenterError as error:
            failed.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    with pytest.raises(KeyboardInterrupt), base.aborted_on_error(segmenter):
        raise KeyboardInterrupt
    asking.join(timeout=30)
    assert failed == ["Interrupted."]
    began = time.monotonic()
    with pytest.raises(errors.SegmenterError, match="Interrupted"):
        segmenter.encode(IMAGE)
    segmenter.close()
    assert time.monotonic() - began < 30


def test_a_wait_says_what_it_waits_for(monkeypatch):
    now = [0.0]
    clock = types.SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(waiting, "time", clock)
    said = []
    notices = waiting.Notices("mine.py", said.append)

    def call(action, seconds):
        notices.begin(action, 300)
        for _ in range(10):
            now[0] += seconds / 10
            notices.look(lambda: "first\nDownloading 45 %")
        notices.end()

    call("encode", 4)
    assert said == []
    call("load", 6)
    assert said == [
        "Waiting for the worker of mine.py (load) for 5 s; the time-out is 300 s. It "
        "last wrote: Downloading 45 %"
    ]
    # One that always takes long is not told each time.
    call("encode", 13)
    assert len(said) == 2
    call("encode", 20)
    assert len(said) == 2
    call("encode", 130)
    assert len(said) == 4


def test_a_slow_start_is_told(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(waiting, "_FIRST", 0.3)
    path = tmp_path / "slow.py"
    path.write_text(
        "import time\n"
        "def load(options):\n    print('reading weights', flush=True); time.sleep(1)\n"
        "encode = predict = load\n"
    )
    load.load(f"bridge:adapter={path}").close()
    told = "Waiting for the worker of slow.py (load) for "
    assert told in capfd.readouterr().err
