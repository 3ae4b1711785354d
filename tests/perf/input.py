"""Times the way of examples to the device: made, read again, batched and augmented.

python tests/perf/input.py [NAME:DIR]

Of the first 64 tasks of a dataset with clicks (`sample` if none is named), at 416
pixels, into a cache of its own.
"""

import itertools
import os
import sys
import tempfile
import time

import page
import timing

from rclicks_jax import cache as user_cache
from rclicks_jax.data import letterbox_cache, packages, preprocess, specs, stream

SIZE, SIGMA, BATCH, WORKERS = 416, 5.0, 16, 4
TASKS = 64


def rows(package):
    chosen = [row for row in package.rows if not row.problem][:TASKS]
    split = chosen[0].split

    def make():
        for row in chosen:
            preprocess.pack(package.read(row), SIZE, SIGMA)

    made = timing.measure(make, 3).median / len(chosen)
    yield "made from a photograph, one thread", made
    settings = letterbox_cache.LetterboxSettings(SIZE, SIGMA)
    source = stream.TrainSource([package], split, settings, workers=WORKERS)

    def read():
        for index in range(len(source)):
            source[index]

    yield "read from the cache", timing.measure(read, 3).median / len(source)
    changes = {
        "mirrored": (True, 0, 0),
        "mirrored, recoloured, zoomed": (True, 0.2, 0.2),
    }
    for name, strengths in changes.items():
        batches = stream.train_batches(
            source,
            batch_size=BATCH,
            seed=0,
            augmentation=stream.Augmentation(*strengths),
            start_step=0,
            workers=WORKERS,
        )
        for _ in itertools.islice(batches, 4):
            pass
        start, count = time.perf_counter(), 30
        for _ in itertools.islice(batches, count):
            pass
        spent = (time.perf_counter() - start) / (count * BATCH)
        yield f"in shuffled batches, {name}, {WORKERS} threads", spent


def table(package):
    yield page.machine()
    yield ""
    what = f"an example of {package.dataset} at {SIZE} pixels"
    yield f"| {what} | ms | examples a second |"
    yield "|---|---:|---:|"
    for name, seconds in rows(package):
        yield f"| {name} | {1000 * seconds:.1f} | {1 / seconds:.0f} |"


def main():
    (spec,) = specs.parse(sys.argv[1] if len(sys.argv) > 1 else "sample")
    package = packages.open_clicks(spec)
    with tempfile.TemporaryDirectory() as cache:
        os.environ[user_cache.VARIABLE] = cache
        page.put("input", page.printed(table(package)))


if __name__ == "__main__":
    main()
