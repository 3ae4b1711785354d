"""Times a device whose pass takes 50 ms, and whose host takes 30 ms before each.

    python tests/perf/two_passes.py

Both are stand-ins that take time without the processor; what lies between them, the
scheduler and the packing of queries, is real. A pass is sent while another is on the
device, so that the run takes the longer of both.
"""

import importlib
import pathlib
import sys
import time

import numpy as np
import page
from timing import wait_until_idle

from rclicks_jax.clicks.map_clicks import Query
from rclicks_jax.networks import cards, clickability, infer
from rclicks_jax.ops import bit_masks
from rclicks_jax.settings import networks

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
device_stream = importlib.import_module("device_stream")

PASSES, BATCH, SHAPE = 120, 80, (480, 640)
ON_DEVICE, ON_HOST = 0.05, 0.03


def network():
    config = networks.network("nano")
    card = cards.Card(config, 64, 5.0, "nothing", "random weights", {})
    variables = clickability.init_variables(config, 0)
    return infer.ClickabilityModel(variables, card, batch=BATCH)


def query():
    target = np.zeros(SHAPE, bool)
    target[100:300, 200:400] = True
    image = np.zeros((*SHAPE, 3), np.uint8)
    nothing = np.zeros((0, 2), np.int32)
    region = bit_masks.pack(target)
    bits = np.ones(1, np.uint64)
    return Query(image, target, region, nothing, np.array([5]), bits, False)


def seconds(model, lanes):
    """Seconds of a run, with so many passes under way at a time."""
    free = [0.0] * (PASSES + 1)

    def send(number):
        time.sleep(ON_HOST)
        begin = max(free[number], time.perf_counter())
        free[number + 1] = begin + ON_DEVICE

    def wait(number):
        time.sleep(max(0, free[number + 1] - time.perf_counter()))

    wait_until_idle(5)
    noted = device_stream.run(
        model, query(), PASSES, send, wait, coroutines=6, lanes=lanes
    )
    return noted.seconds


def table():
    yield page.machine()
    yield ""
    yield "| passes under way | run, s | times the longer of device and host |"
    yield "|---:|---:|---:|"
    model = network()
    for lanes in (1, 2):
        run = seconds(model, lanes)
        yield f"| {lanes} | {run:.2f} | {run / (PASSES * ON_DEVICE):.2f} |"


if __name__ == "__main__":
    page.put("two passes", page.printed(table()))
