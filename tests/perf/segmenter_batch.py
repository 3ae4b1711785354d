"""Times a call with 11 trajectories beside the network's own time for that batch.

python tests/perf/segmenter_batch.py [INTERPRETER]

Both times are taken in every call, in the worker and around it, so that a busy machine
slows them alike. INTERPRETER has PyTorch and transformers; `make test-torch` makes it.
"""

import pathlib
import statistics
import sys
import tempfile

import numpy as np
import page
import timing

from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

HERE = pathlib.Path(__file__).resolve()
ADAPTER = HERE.with_name("segmenter_batch_adapter.py")
PYTHON = HERE.parents[2] / ".venv-torch" / "bin" / "python"
TRAJECTORIES, WARM, CALLS = 11, 2, 15
PHOTOGRAPHS = ((480, 640), (1500, 2000))


def clicks_on(height, width, count):
    """Returns `count` random clicks of each trajectory."""
    random = np.random.default_rng(0)
    yx = random.integers(0, (height, width), (TRAJECTORIES, count, 2))
    positive = np.ones((TRAJECTORIES, count), bool)
    return Clicks(yx.astype(np.int32), positive, np.full(TRAJECTORIES, count, np.int32))


def times_of(python, height, width):
    """Returns seconds in the network, in `predict` and of the call, `[calls 3]`."""
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    rows, taken = np.arange(TRAJECTORIES), []
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "times")
        segmenter = load.load(f"bridge:adapter={ADAPTER}:python={python}:times={file}")
        features = segmenter.encode(image)
        session = segmenter.start(features, [image[..., 0] > 0] * TRAJECTORIES)
        for count in range(1, 1 + WARM + CALLS):
            clicks = clicks_on(height, width, min(count, 5))
            watch = timing.Watch()
            session.predict(rows, clicks)
            taken.append(watch.seconds())
        segmenter.close()
        inner = [list(map(float, line.split())) for line in file.open()]
    return [(*one, whole) for one, whole in zip(inner, taken, strict=True)][WARM:]


def table(python):
    """Yields the lines of the page."""
    yield page.machine()
    yield ""
    yield "| photograph | network | and masks at full size | call | ratios |"
    yield "|---|---:|---:|---:|---:|"
    for height, width in PHOTOGRAPHS:
        times = times_of(python, height, width)
        columns = zip(*times, strict=True)
        seconds = [f"{1000 * statistics.median(one):.0f} ms" for one in columns]
        ratio = statistics.median(call / network for network, _, call in times)
        other = statistics.median(call / masks for _, masks, call in times)
        cells = " | ".join([*seconds, f"{ratio:.2f}, {other:.2f}"])
        yield f"| {height}x{width} | {cells} |"


if __name__ == "__main__":
    interpreter = sys.argv[1] if len(sys.argv) > 1 else PYTHON
    page.put("segmenter batch", page.printed(table(interpreter)))
