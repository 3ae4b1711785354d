"""Times the bridge: a call that brings 11 masks back, and two workers beside one.

python tests/perf/bridge.py

The adapter answers at once, so a round trip is what the bridge adds. In shares of the
cores: the adapter is busy for a fixed processor time a call.
"""

import os
import pathlib
import time
from concurrent import futures

import numpy as np
import page
from timing import median_ms

from rclicks_jax.bridge import memory
from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

ADAPTER = pathlib.Path(__file__).with_name("bridge_adapter.py")
CLICKS = Clicks(
    np.zeros((11, 20, 2), np.int32), np.ones((11, 20), bool), np.ones(11, np.int32)
)
IMAGE = np.zeros((1500, 2000, 3), np.uint8)
IMAGES, CALLS, BUSY = 8, 5, 0.2


def round_trip():
    """Returns milliseconds of a call that brings 11 masks of 1500x2000 back."""
    segmenter = load.load(f"bridge:adapter={ADAPTER}")
    session = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0] * 11)
    taken = median_ms(lambda: session.predict(np.arange(11), CLICKS))
    segmenter.close()
    return taken


def through_the_pipe():
    """Returns the same without shared memory: files that cannot be written."""
    opened = memory.open_file
    memory.open_file = lambda: os.open(f"/proc/self/fd/{opened()}", os.O_RDONLY)
    try:
        return round_trip()
    finally:
        memory.open_file = opened


def whole_run(workers):
    """Returns seconds for all images, each with some calls of a busy adapter."""
    spec = f"bridge:adapter={ADAPTER}:busy={BUSY}:workers={workers}"
    segmenter = load.load(spec)
    small = np.zeros((48, 64, 3), np.uint8)

    def play(_):
        photograph = segmenter.encode(small)
        session = segmenter.start(photograph, [small[..., 0] > 0] * 11)
        for _ in range(CALLS):
            session.predict(np.arange(11), CLICKS)
        segmenter.release(photograph)

    start = time.perf_counter()
    with futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(play, range(IMAGES)))
    taken = time.perf_counter() - start
    segmenter.close()
    return taken


def table():
    yield page.machine()
    yield ""
    yield "| what | |"
    yield "|---|---:|"
    yield f"| 11 masks of 1500x2000, round trip | {round_trip():.1f} ms |"
    yield f"| the same, through the pipe | {through_the_pipe():.1f} ms |"
    one, two = whole_run(1), whole_run(2)
    yield f"| {IMAGES} images, one worker | {one:.1f} s |"
    yield f"| the same, two workers | {two:.1f} s, {one / two:.2f} times as fast |"


if __name__ == "__main__":
    page.put("bridge", page.printed(table()))
