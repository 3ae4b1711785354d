"""A stand-in for a device whose passes follow each other, under the real `OnDevice`."""

import dataclasses
import threading
import types

import jax
import numpy as np

from rclicks_jax.clicks import on_device
from rclicks_jax.jobs import meter, scheduler


class Stream:
    """Stands for the passes of a network.

    Attributes:
        passes: Passes that were sent.
    """

    def __init__(self, plan, send, wait):
        """Takes what a pass needs.

        Args:
            plan: The plan of the passes.
            send: Called with the number of a pass; the host can prepare no other
                meanwhile.
            wait: Called with the number of a pass; returns when the device has done it.
        """
        self.plan, self.images, self.targets = plan, self, self
        self.passes, self._send, self._wait = 0, send, wait
        self._lock = threading.Lock()

    def find(self, array, write):
        return 0

    def preparing(self):
        return self._lock

    def send(self, arrays):
        return jax.device_put(arrays, self.plan.divided)

    def start(self, image_slots, target_slots, regions):
        self._send(self.passes)
        self.passes += 1
        return self.passes - 1

    def fetch(self, arrays):
        drawn, native = arrays
        self._wait(drawn[0])
        none = np.zeros(self.plan.rows)
        pixels = np.zeros((self.plan.rows, 16), np.int32)
        return [(pixels, none, none, none) for _ in drawn], native


def run(model, query, passes, send, wait, *, coroutines, lanes=2):
    """Asks for so many passes of a network on a stand-in; returns the meter.

    Args:
        model: A network on one device.
        query: What each row of each pass is asked.
        passes: Number of passes.
        send: See `Stream`.
        wait: See `Stream`.
        coroutines: Number of coroutines that ask, as often each.
        lanes: Passes under way at a time.
    """
    answerer = on_device.OnDevice(model, cut="mass", empty_map="baseline")
    stream = Stream(answerer._passes.plan, send, wait)
    answerer._passes, answerer._draw = stream, lambda maps, *arrays: maps
    answerer._letterbox = types.SimpleNamespace(place=lambda regions, *arrays: regions)
    staged = scheduler.of_device("device", answerer)
    assert staged.lanes == 2

    def rounds():
        for _ in range(passes // coroutines):
            yield scheduler.Question("device", [query] * staged.batch, "device")

    noted = meter.Meter()
    ended = scheduler.run(
        (rounds() for _ in range(coroutines)),
        [dataclasses.replace(staged, lanes=lanes)],
        scheduler.Limits(places=coroutines, bytes=1 << 40, threads=2),
        noted,
    )
    assert len(list(ended)) == coroutines
    assert stream.passes == passes
    return noted
