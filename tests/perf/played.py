"""Photographs that are played without a job, with stand-ins for all networks."""

import importlib
import pathlib
import sys
import time

import numpy as np

from rclicks_jax.clicks import map_clicks
from rclicks_jax.types import ImageExample, InstanceExample

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
played_objects = importlib.import_module("played_objects")
play_images, play_objects = played_objects.play_images, played_objects.play_objects

NO_CLICKS = np.zeros((0, 2), np.int32)


def example_of(height, width, number=0):
    """Returns a photograph with one object, an ellipse."""
    rows, columns = np.indices((height, width))
    inside = ((rows - height / 2) / height) ** 2 + ((columns - width / 2) / width) ** 2
    one = InstanceExample("object", inside < 0.07, None, NO_CLICKS, "")
    image = np.zeros((height, width, 3), np.uint8)
    return ImageExample("set", f"photo{number}", image, (one,))


class Prepared:
    """A segmenter that hands out masks which were made before.

    Each answer takes so many seconds, in which the processor does something else.
    """

    name, lanes, most_images = "prepared", 1, 0

    def __init__(self, gt_mask, rounds, trajectories, seconds=0.0):
        random = np.random.default_rng(0)
        height, width = gt_mask.shape
        self.masks, self.seconds, self.encodes = [], seconds, 0
        for round_index in range(rounds):
            shift = 0.2 * (1 - round_index / rounds)
            drawn = random.uniform(-shift, shift, (trajectories, 2)) * (height, width)
            self.masks.append(
                np.stack([np.roll(gt_mask, d.astype(int), (0, 1)) for d in drawn])
            )

    def encode(self, image, lane=None):
        self.encodes += 1
        return image

    def start(self, features, gt_masks):
        return self

    def predict(self, rows, clicks):
        time.sleep(self.seconds)
        return self.masks[int(clicks.count[0]) - 1][: len(rows)]

    def release(self, features):
        pass


class PreparedMaps:
    """A click model that hands out maps which were made before; so many in a pass."""

    name = "prepared"

    def __init__(self, shape, rows=10, seconds=0.0):
        self.rows, self._seconds = rows, seconds
        random = np.random.default_rng(1)
        self._maps = list(random.random((10, *shape), np.float32))

    def __call__(self, queries):
        time.sleep(self._seconds)
        return [self._maps[number % 10] for number in range(len(queries))]


class Elsewhere:
    """Answers where people click as a device does: the host draws nothing.

    Queries of a pass take so many seconds, in which the processor does something else;
    passes follow each other.
    """

    def __init__(self, batch=10, seconds=0.0, lock=None):
        self.batch, self._seconds, self._lock = batch, seconds, lock

    def prepare(self, queries):
        return queries

    def send(self, prepared):
        return prepared

    def answer(self, prepared):
        if self._lock is None:
            time.sleep(self._seconds)
        else:
            with self._lock:
                time.sleep(self._seconds)
        return prepared

    def finish(self, queries, raw):
        return [
            map_clicks.MapClicks(self._pixels(query), False, None) for query in queries
        ]

    def _pixels(self, query):
        height, width = query.gt_mask.shape
        drawn = query.bits % np.uint64(height * width)
        return np.stack(np.divmod(drawn.astype(np.int64), width), axis=-1)
