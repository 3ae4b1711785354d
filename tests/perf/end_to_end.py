"""Times a benchmark of SAM-B beside the original's way of running it.

    python tests/perf/end_to_end.py ENV/bin/python

The original encodes the image at each click and plays strategy after strategy. That
takes an hour, so it is timed on a few clicks and multiplied.
"""

import dataclasses
import functools
import subprocess
import sys
import tempfile
import time

import numpy as np
import page
import played

from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.clicks import click_models
from rclicks_jax.segmenters import load
from rclicks_jax.settings import protocols
from rclicks_jax.types import ImageExample, InstanceExample

SHAPE, OBJECTS, FEW = (480, 640), 2, 3
STRATEGIES = 11
# The package's own start is so small (1e-10) that processors compute denormals.
SAVE = """
import sys, transformers
config = transformers.SamConfig(vision_config={{"initializer_range": 0.02}})
config.initializer_range = 0.02
transformers.SamModel(config).save_pretrained({!r})
"""


def examples():
    rows, columns = np.indices(SHAPE)
    random = np.random.default_rng(0)
    for number in range(OBJECTS):
        centre = (200 + 60 * number, 280 + 70 * number)
        target = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < 90**2
        image = random.integers(0, 90, (*SHAPE, 3), np.uint8)
        image[target] += 120
        one = InstanceExample("object", target, None, np.zeros((0, 2), np.int32), "")
        yield ImageExample("set", f"photo{number}", image, (one,))


class EncodingAtEachClick:
    """A segmenter that encodes the image again before it answers a click."""

    def __init__(self, segmenter, image):
        self._segmenter, self._image = segmenter, image

    def start(self, features, gt_masks):
        self._session = self._segmenter.start(features, gt_masks)
        return self

    def predict(self, rows, clicks):
        self._segmenter.release(self._segmenter.encode(self._image))
        return self._session.predict(rows, clicks)


def play(example, segmenter, features, click_model, setup):
    start = functools.partial(segmenter.start, features)
    played.play_objects(example, example.instances, start, click_model, setup)


def ours(segmenter, click_model, setup):
    start = time.perf_counter()
    for example in examples():
        features = segmenter.encode(example.image)
        play(example, segmenter, features, click_model, setup)
        segmenter.release(features)
    return time.perf_counter() - start


def the_originals_way(segmenter, click_model, setup):
    """Seconds of a click, encoded anew, one trajectory at a time."""
    few = dataclasses.replace(setup.protocol, max_clicks=FEW)
    alone = [((), True), ((1,), False), ((10,), False)]
    seconds = 0.0
    for example in examples():
        features = segmenter.encode(example.image)
        naive = EncodingAtEachClick(segmenter, example.image)
        start = time.perf_counter()
        for chosen, baseline in alone:
            one = dataclasses.replace(
                setup, protocol=few, groups=chosen, baseline=baseline
            )
            play(example, naive, features, click_model, one)
        seconds += time.perf_counter() - start
        segmenter.release(features)
    return seconds / (OBJECTS * len(alone) * FEW)


def main(python):
    setup = Setup(protocols.PAPER, 0, tuple(range(1, 11)), True, 1)
    click_model = click_models.load("toy", batch=10)
    one_map = click_models.load("toy", batch=1)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-c", SAVE.format(folder)], check=True)
        segmenter = load.load(f"transformers_sam:checkpoint={folder}:python={python}")
        try:
            for model in (click_model, one_map):
                few = dataclasses.replace(setup.protocol, max_clicks=2)
                warm = dataclasses.replace(setup, protocol=few)
                ours(segmenter, model, warm)
            machine = page.machine()
            whole = ours(segmenter, click_model, setup)
            click = the_originals_way(segmenter, one_map, setup)
        finally:
            segmenter.close()
    clicks = OBJECTS * STRATEGIES * setup.protocol.max_clicks
    lines = [
        machine,
        "",
        "| way | seconds | a click, ms |",
        "|---|---:|---:|",
        f"| ours, {clicks} clicks, 2 encodings | {whole:.0f} "
        f"| {1000 * whole / clicks:.0f} |",
        f"| the original's, {clicks} times {click:.1f} s | {clicks * click:.0f} "
        f"| {1000 * click:.0f} |",
        f"| ratio | {clicks * click / whole:.0f} | |",
    ]
    page.put("end to end", page.printed(lines))


if __name__ == "__main__":
    main(sys.argv[1])
