"""Two trajectories of three clicks, played by the adapter that makes trouble."""

import pathlib

import numpy as np

from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

IMAGE = np.zeros((12, 16, 3), np.uint8)
ADAPTER = pathlib.Path(__file__).parent / "programs" / "troublesome_adapter.py"


def clicks_of(count):
    yx = np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 9], [0, 0]]], np.int32)
    return Clicks(yx, np.ones((2, 3), bool), np.full(2, count, np.int32))


def play(spec, image=IMAGE):
    """Returns the masks after one, two and three clicks."""
    segmenter = load.load(spec)
    try:
        session = segmenter.start(segmenter.encode(image), [image[..., 0] > 0] * 2)
        return [session.predict(np.arange(2), clicks_of(count)) for count in (1, 2, 3)]
    finally:
        segmenter.close()
