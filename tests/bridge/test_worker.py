"""A worker that dies, hangs, prints or lies; each time the run must go on."""

import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.bridge import client
from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

IMAGE = np.zeros((12, 16, 3), np.uint8)

ADAPTER = pathlib.Path(__file__).parent.parent / "jobs" / "troublesome_adapter.py"


@pytest.fixture
def adapter():
    return ADAPTER


def clicks_of(count):
    yx = np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 9], [0, 0]]], np.int32)
    return Clicks(yx, np.ones((2, 3), bool), np.full(2, count, np.int32))


def play(spec):
    segmenter = load.load(spec)
    try:
        session = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0] * 2)
        return [session.predict(np.arange(2), clicks_of(count)) for count in (1, 2, 3)]
    finally:
        segmenter.close()


@pytest.fixture
def undisturbed(adapter):
    return play(f"bridge:adapter={adapter}")


def test_a_worker_answers_and_its_printing_harms_nothing(adapter, undisturbed):
    assert [mask.sum(axis=(1, 2)).tolist() for mask in undisturbed] == [
        [1, 1],
        [2, 2],
        [3, 3],
    ]
    printing = play(f"bridge:adapter={adapter}:trouble=print")
    np.testing.assert_array_equal(printing, undisturbed)


@pytest.mark.parametrize("trouble", ["die", "hang", "garbage"])
def test_a_worker_that_dies_once_is_replayed(adapter, undisturbed, tmp_path, trouble):
    marker = tmp_path / "died"
    spec = f"bridge:adapter={adapter}:trouble={trouble}:marker={marker}:timeout=5"
    np.testing.assert_array_equal(play(spec), undisturbed)
    assert marker.exists()


def test_a_worker_that_dies_again_fails_with_its_last_words(adapter):
    with pytest.raises(errors.SegmenterError, match=r"died twice[\s\S]*last words"):
        play(f"bridge:adapter={adapter}:trouble=die")


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("raise", "cannot do this one"),
        ("shape", "instead of"),
        ("nan", "NaN instead of masks"),
    ],
)
def test_a_worker_that_answers_nonsense_lives_on(adapter, trouble, message):
    segmenter = load.load(f"bridge:adapter={adapter}:trouble={trouble}")
    session = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0] * 2)
    session.predict(np.arange(2), clicks_of(1))
    with pytest.raises(errors.SegmenterError, match=message):
        session.predict(np.arange(2), clicks_of(2))
    other = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0] * 2)
    assert other.predict(np.arange(2), clicks_of(1)).sum() == 2
    segmenter.close()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bridge:adapter=/no/such.py", "cannot import /no/such.py"),
        ("bridge:adapter=nothing", "cannot import nothing"),
        ("bridge:adapter={adapter}:python=/no/python", "Give the interpreter"),
        ("bridge:adapter={adapter}:broken=1", "no such checkpoint"),
        ("bridge:adapter={adapter}:python=/bin/true", "did not start"),
    ],
)
def test_a_worker_that_does_not_start_says_why(adapter, spec, message):
    with pytest.raises(errors.SegmenterError, match=message):
        load.load(spec.format(adapter=adapter))


def test_another_version_is_refused(adapter, monkeypatch):
    monkeypatch.setattr("rclicks_jax.bridge.wire.VERSION", 99)
    with pytest.raises(errors.SegmenterError, match=r"speaks version 1.*this side 99"):
        load.load(f"bridge:adapter={adapter}")


def test_a_closed_worker_is_gone(adapter):
    connection = client.Connection(sys.executable, str(adapter), 30)
    connection.close()
    assert connection.process.returncode is not None


def test_a_worker_ends_with_its_parent(adapter):
    parent = (
        "import sys; from rclicks_jax.bridge import client;"
        f"c = client.Connection(sys.executable, {str(adapter)!r}, 30);"
        "print(c.process.pid, flush=True); import os; os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", parent], capture_output=True, text=True, timeout=60
    )
    status = pathlib.Path(f"/proc/{int(done.stdout)}/stat")
    for _ in range(100):
        if (
            not status.exists()
            or status.read_text().rpartition(")")[2].split()[0] == "Z"
        ):
            return
        time.sleep(0.1)
    raise AssertionError("the worker outlived its parent")


def test_the_worker_sees_nothing_of_this_environment_but_the_bridge(tmp_path):
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "import rclicks_jax, sys\n"
        "def load(options):\n"
        "    try: from rclicks_jax import errors\n"
        "    except ImportError: pass\n"
        "    assert 'jax' not in sys.modules, 'jax was imported'\n"
        "    return None\n"
        "encode = predict = load\n"
    )
    load.load(f"bridge:adapter={adapter}").close()
