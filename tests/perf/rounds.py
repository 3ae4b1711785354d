"""Times whole rounds of 11 trajectories without any network, in one run.

    python tests/perf/rounds.py

Masks and click maps are made before and handed out, so what is left is this project's
own work between two network passes: error regions, robot clicks, draws, scores.
"""

import numpy as np
import page
from timing import measure

from rclicks_jax.benchmark import lockstep
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.settings import protocols
from rclicks_jax.types import ImageExample, InstanceExample

SHAPES = ((480, 640), (1500, 2000))
ROUNDS, TRAJECTORIES = 20, 11


class Prepared:
    """A segmenter and a click model that hand out what was made before."""

    name, parallel, encodes = "prepared", 1, 0

    def __init__(self, gt_mask):
        random = np.random.default_rng(0)
        height, width = gt_mask.shape
        self.masks = []
        for round_index in range(ROUNDS):
            shift = 0.2 * (1 - round_index / ROUNDS)
            drawn = random.uniform(-shift, shift, (TRAJECTORIES, 2)) * (height, width)
            self.masks.append(
                np.stack([np.roll(gt_mask, d.astype(int), (0, 1)) for d in drawn])
            )
        self.maps = list(random.random((10, height, width), np.float32))
        self.answered = 0

    def start(self, gt_masks):
        self.answered = 0
        return self

    def predict(self, rows, clicks):
        self.answered += 1
        return self.masks[self.answered - 1]

    def __call__(self, queries):
        return self.maps[: len(queries)]


def example_of(height, width):
    rows, columns = np.indices((height, width))
    inside = ((rows - height / 2) / height) ** 2 + ((columns - width / 2) / width) ** 2
    none = np.zeros((0, 2), np.int32)
    one = InstanceExample("object", inside < 0.07, None, none, "")
    image = np.zeros((height, width, 3), np.uint8)
    return ImageExample("set", "photo", image, (one,))


def row_of(height, width):
    example = example_of(height, width)
    prepared = Prepared(example.instances[0].gt_mask)
    setup = Setup(protocols.PAPER, 0, tuple(range(1, 11)), True, 1)

    def play():
        clock = Clock()
        lockstep.play(
            example, example.instances, prepared.start, prepared, setup, clock
        )
        return clock

    times = measure(play, 5)
    clock = play()
    parts = "; ".join(
        f"{part} {1000 * clock.seconds[part] / ROUNDS:.1f}"
        for part in ("simulate", "score")
    )
    return f"| {height}x{width} | {1000 * times.median / ROUNDS:.1f} | {parts} |"


def table():
    yield page.machine()
    yield ""
    yield "| photograph | a round, ms | of which |"
    yield "|---|---:|---|"
    for shape in SHAPES:
        yield row_of(*shape)


def main():
    page.put("rounds", page.printed(table()))


if __name__ == "__main__":
    main()
