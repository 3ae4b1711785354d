"""Several photographs, several workers, workers that are replaced, and their ends."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from helpers import is_alive

from rclicks_jax import errors
from rclicks_jax.bridge import client, connection, keeper
from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

ADAPTER = pathlib.Path(__file__).parent.parent / "programs" / "troublesome_adapter.py"
IMAGE = np.zeros((12, 16, 3), np.uint8)


def clicks_of(count):
    yx = np.array([[[1, 2], [3, 4], [5, 6]]], np.int32)
    return Clicks(yx, np.ones((1, 3), bool), np.full(1, count, np.int32))


def pids_of(segmenter):
    """Returns the workers, each the first process below its keeper."""
    keepers = [one._connection.process.pid for one in segmenter._workers if one.alive]
    return [keeper.descendants(pid)[0] for pid in keepers]


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def opened():
    """Loads segmenters that are closed at the end."""
    kept = []

    def open_one(options=""):
        kept.append(load.load(f"bridge:adapter={ADAPTER}{options}"))
        return kept[-1]

    yield open_one
    for one in kept:
        one.close()


def test_photographs_are_shared_out(opened):
    segmenter = opened(":workers=2")
    assert (segmenter.lanes, segmenter.most_images) == (2, 0)
    assert len(set(pids_of(segmenter))) == 2
    photographs = [segmenter.encode(IMAGE) for _ in range(4)]
    held = [one.worker for one in photographs]
    assert held == [held[0], held[1], held[0], held[1]]
    assert held[0] is not held[1]
    segmenter.release(photographs[0])
    segmenter.release(photographs[2])
    assert segmenter.encode(IMAGE).worker is held[0]


def test_devices_and_cores_are_shared_out(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    path = tmp_path / "telling.py"
    path.write_text(
        "import os\n"
        "def load(options): return None\n"
        "def describe(model):\n"
        "    names = ('CUDA_VISIBLE_DEVICES', 'OMP_NUM_THREADS')\n"
        "    return {name: os.environ.get(name, '') for name in names}\n"
        "encode = predict = load\n"
    )

    def told(options):
        segmenter = load.load(f"bridge:adapter={path}:{options}")
        segmenter.close()
        keys = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
        return [tuple(one.versions[key] for key in keys) for one in segmenter._workers]

    assert told("devices=3,5") == [("3", ""), ("5", "")]
    share = str(max(1, len(os.sched_getaffinity(0)) // 2))
    assert told("workers=2") == [("", share)] * 2
    assert told("workers=1") == [("", "")]


def test_a_death_is_mended_for_every_photograph_of_the_worker(opened):
    segmenter = opened()
    first, second = (segmenter.encode(IMAGE) for _ in range(2))
    one = segmenter.start(first, [IMAGE[..., 0] > 0])
    other = segmenter.start(second, [IMAGE[..., 0] > 0])
    assert one.predict(np.arange(1), clicks_of(1)).sum() == 1
    assert other.predict(np.arange(1), clicks_of(1)).sum() == 1
    os.kill(pids_of(segmenter)[0], signal.SIGKILL)
    assert one.predict(np.arange(1), clicks_of(2)).sum() == 2
    assert other.predict(np.arange(1), clicks_of(2)).sum() == 2
    fresh = segmenter.start(second, [IMAGE[..., 0] > 0])
    assert fresh.predict(np.arange(1), clicks_of(1)).sum() == 1
    assert segmenter.encodes == 2


def test_a_photograph_outlives_two_deaths(opened):
    segmenter = opened(":trouble=die")
    photograph = segmenter.encode(IMAGE)
    deadly = segmenter.start(photograph, [IMAGE[..., 0] > 0])
    deadly.predict(np.arange(1), clicks_of(1))
    with pytest.raises(errors.SegmenterError, match="died twice"):
        deadly.predict(np.arange(1), clicks_of(2))
    # As the objects of a batch that failed are each played alone.
    alone = segmenter.start(photograph, [IMAGE[..., 0] > 0])
    assert alone.predict(np.arange(1), clicks_of(1)).sum() == 1
    segmenter.release(photograph)


def test_a_worker_that_cannot_start_again_says_why_until_it_can(opened, tmp_path):
    broken = tmp_path / "broken"
    segmenter = opened(f":broken_if={broken}")
    photograph = segmenter.encode(IMAGE)
    session = segmenter.start(photograph, [IMAGE[..., 0] > 0])
    session.predict(np.arange(1), clicks_of(1))
    broken.touch()
    os.kill(pids_of(segmenter)[0], signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(errors.SegmenterError, match="no such checkpoint"):
            session.predict(np.arange(1), clicks_of(2))
    broken.unlink()
    assert session.predict(np.arange(1), clicks_of(2)).sum() == 2


def test_a_first_death_is_told_where_a_fresh_worker_does_not_start(opened, tmp_path):
    broken = tmp_path / "broken"
    segmenter = opened(f":trouble=die:broken_if={broken}")
    session = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0])
    session.predict(np.arange(1), clicks_of(1))
    broken.touch()
    told = r"died: it ended \(exit status 7\)[\s\S]*last words[\s\S]*no such checkp"
    with pytest.raises(errors.SegmenterError, match=told):
        session.predict(np.arange(1), clicks_of(2))


def test_a_worker_is_not_started_to_forget(opened, tmp_path):
    broken = tmp_path / "broken"
    segmenter = opened(f":broken_if={broken}")
    first, second = segmenter.encode(IMAGE), segmenter.encode(IMAGE)
    broken.touch()
    os.kill(pids_of(segmenter)[0], signal.SIGKILL)
    segmenter.release(first)
    assert not segmenter._workers[0].alive
    segmenter.release(second)


@pytest.mark.parametrize("load_of_the_second", ["raise RuntimeError", "os._exit(3)"])
def test_workers_that_did_start_end_if_another_cannot(tmp_path, load_of_the_second):
    path = tmp_path / "halved.py"
    path.write_text(
        "import os\n"
        "def load(options):\n"
        "    with open(options['pids'], 'a') as file: print(os.getpid(), file=file)\n"
        f"    if os.environ['CUDA_VISIBLE_DEVICES'] == '1': {load_of_the_second}\n"
        "encode = predict = load\n"
    )
    pids = tmp_path / "pids"
    count = len(os.listdir("/proc/self/fd"))
    with pytest.raises(errors.SegmenterError, match="could not load its model"):
        load.load(f"bridge:adapter={path}:pids={pids}:devices=0,1")
    started = list(map(int, pids.read_text().split()))
    assert len(started) == 2
    assert not any(map(is_alive, started))
    assert len(os.listdir("/proc/self/fd")) == count


def test_an_interrupt_while_a_model_loads_leaves_no_worker(tmp_path, monkeypatch):
    started = []

    def interrupted(self, *_):
        started.append(self.process.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(connection.Connection, "call", interrupted)
    launch = client.Launch(client.python_command(sys.executable, str(ADAPTER)), {}, {})
    with pytest.raises(KeyboardInterrupt):
        client.WorkerClient(launch)
    assert len(started) == 1
    assert not is_alive(started[0])


def test_several_threads_may_ask_at_once(opened):
    segmenter = opened(":workers=2")
    sums = []

    def play():
        for _ in range(5):
            photograph = segmenter.encode(IMAGE)
            session = segmenter.start(photograph, [IMAGE[..., 0] > 0])
            for count in (1, 2, 3):
                sums.append(session.predict(np.arange(1), clicks_of(count)).sum())
            segmenter.release(photograph)

    threads = [threading.Thread(target=play) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sums) == [1] * 20 + [2] * 20 + [3] * 20


@pytest.mark.parametrize("limit", ["recycle=2", "max_rss_gb=0.001"])
def test_workers_are_replaced_between_photographs(opened, limit):
    segmenter = opened(f":{limit}")
    seen = []
    for _ in range(4):
        photograph = segmenter.encode(IMAGE)
        session = segmenter.start(photograph, [IMAGE[..., 0] > 0])
        assert session.predict(np.arange(1), clicks_of(1)).sum() == 1
        seen += pids_of(segmenter)
        segmenter.release(photograph)
    assert len(set(seen)) == (2 if limit.startswith("recycle") else 4)


def test_a_closed_worker_and_its_children_are_gone(opened, tmp_path):
    segmenter = opened(f":trouble=child:child={tmp_path / 'pid'}")
    session = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0])
    for count in (1, 2):
        session.predict(np.arange(1), clicks_of(count))
    pids = [*pids_of(segmenter), int((tmp_path / "pid").read_text())]
    assert all(map(is_alive, pids))
    segmenter.close()
    wait_for(lambda: not any(map(is_alive, pids)))


@pytest.mark.parametrize("trouble", ["", "hang", "freeze", "child"])
def test_nothing_is_left_when_the_parent_is_killed(tmp_path, trouble):
    child = tmp_path / "child"
    code = f"""
import sys, threading, numpy as np
sys.path[:0] = {[str(folder) for folder in pathlib.Path(__file__).parents[:2]]!r}
from test_pool import ADAPTER, IMAGE, clicks_of, pids_of
from rclicks_jax.segmenters import load
one = load.load(f"bridge:adapter={{ADAPTER}}:trouble={trouble}:child={child}")
session = one.start(one.encode(IMAGE), [IMAGE[..., 0] > 0])
session.predict(np.arange(1), clicks_of(1))
print(*pids_of(one), flush=True)
session.predict(np.arange(1), clicks_of(2))
print("done", flush=True)
threading.Event().wait()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    )
    pids = [int(parent.stdout.readline())]
    if trouble in ("hang", "freeze"):
        time.sleep(0.5)
    else:
        assert parent.stdout.readline() == "done\n"
    if trouble == "child":
        pids.append(int(child.read_text()))
    assert all(map(is_alive, pids))
    parent.kill()
    parent.communicate()
    # Shared memory has no name: it is gone with the last of them.
    wait_for(lambda: not any(map(is_alive, pids)))


def test_a_request_cut_short_ends_the_worker():
    launch = client.Launch(client.python_command(sys.executable, str(ADAPTER)), {}, {})
    one = connection.Connection(launch.command, 30)
    one.process.stdin.write(b"RCLB\x20\x00\x00\x00{")
    one.process.stdin.close()
    assert one.process.wait(timeout=10) == 0
    one.close()


def test_descriptors_are_not_leaked(opened):
    count = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        segmenter = opened()
        segmenter.encode(IMAGE)
        segmenter.close()
    assert len(os.listdir("/proc/self/fd")) == count
