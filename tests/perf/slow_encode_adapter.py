"""An adapter whose `encode` computes for some seconds on all cores."""

import os
import threading
import time

import numpy as np


def load(options):
    return float(options["seconds"])


def encode(seconds, image):
    end = time.monotonic() + seconds
    values = np.random.default_rng(0).random(200_000)

    def compute():
        while time.monotonic() < end:
            np.sort(values)

    threads = [threading.Thread(target=compute) for _ in range(os.cpu_count() or 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return image.shape[:2]


def predict(seconds, shape, clicks, state):
    return np.ones((len(clicks.count), *shape), bool), None
