"""Times the way of examples to the device: made, read again, batched and augmented.

    python tests/perf/input.py [NAME:DIR]
    python tests/perf/input.py --hosts=16,4 [NAME:DIR]

Of a dataset with clicks (`sample` if none is named), at 416 pixels, into a cache of its
own.

With `--hosts` every host of a training is played, one after the other on this machine:
the real batches of its shard, read from the cache and augmented by the real threads,
and a device that is a clock. It takes the time of a step at the rate of the estimate
for a v4-32 slice, 2,124 examples a second over all hosts in batches of 256, and has one
more step waiting. "Waited" is the share of the time in which the loop waits for a
batch, which is what `metrics.jsonl` calls it; "idle" that in which the device has
nothing to do. The first step is left out, as there. Cores are processor time of an
example, of all threads, times the rate of a host: a machine must have more.
"""

import itertools
import os
import tempfile
import time

import page
import timing
from absl import app, flags, logging

from rclicks_jax import cache as user_cache
from rclicks_jax.data import letterbox_cache, packages, preprocess, specs, stream
from rclicks_jax.settings import training
from rclicks_jax.training import devices

SIZE, SIGMA, BATCH, WORKERS = 416, 5.0, 16, training.TrainConfig.workers
TASKS = 64
RATE, WHOLE_BATCH = 2124, 256
HOSTS = flags.DEFINE_list("hosts", [], "Numbers of hosts to play.")
STEPS = flags.DEFINE_integer("steps", 60, "Steps of each host.")
CHANGES = {
    "mirrored": stream.Augmentation(True),
    "mirrored, recoloured, zoomed": stream.Augmentation(True, 0.2, 0.2),
}


def some_split(package):
    return next(row.split for row in package.rows if not row.problem)


def opened(package):
    settings = letterbox_cache.LetterboxSettings(SIZE, SIGMA)
    split = some_split(package)
    return stream.TrainSource([package], split, settings, workers=WORKERS)


def rows(package):
    chosen = [row for row in package.rows if not row.problem][:TASKS]

    def make():
        for row in chosen:
            preprocess.pack(package.read(row), SIZE, SIGMA)

    made = timing.measure(make, 3).median / len(chosen)
    yield "made from a photograph, one thread", made
    source = opened(package)

    def read():
        for index in range(len(source)):
            source[index]

    yield "read from the cache", timing.measure(read, 3).median / len(source)
    for name, augmentation in CHANGES.items():
        batches = stream.train_batches(
            source,
            batch_size=BATCH,
            seed=0,
            augmentation=augmentation,
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


def played(source, augmentation, shard, shards):
    """Returns shares of waiting and of an idle device, and processor seconds."""
    batches = stream.train_batches(
        source,
        batch_size=WHOLE_BATCH,
        seed=0,
        augmentation=augmentation,
        start_step=0,
        workers=WORKERS,
        shard=shard,
        shards=shards,
    )
    devices.divide(next(batches))
    step = WHOLE_BATCH / RATE
    waited = idle = 0.0
    began, worked = time.perf_counter(), time.process_time()
    pending = free = began + step
    for _ in range(STEPS.value):
        before = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - before
        devices.divide(batch)
        now = time.perf_counter()
        idle += max(0.0, now - free)
        free = max(free, now) + step
        time.sleep(max(0.0, pending - time.perf_counter()))
        pending = free
    spent = time.perf_counter() - began
    worked = time.process_time() - worked
    return waited / spent, idle / spent, worked / STEPS.value * shards / WHOLE_BATCH


def simulation(package):
    source = opened(package)
    yield page.machine()
    yield ""
    yield (
        f"{len(source)} examples of {package.dataset}; {STEPS.value} steps of "
        f"{1000 * WHOLE_BATCH / RATE:.1f} ms on each host, {WORKERS} threads."
    )
    yield ""
    yield (
        "| hosts | examples/s each | examples | waited, mean | waited, worst host "
        "| idle, worst host | processor ms an example | cores |"
    )
    yield "|---:|---:|---|---:|---:|---:|---:|---:|"
    for shards, (name, augmentation) in itertools.product(
        map(int, HOSTS.value), CHANGES.items()
    ):
        every = [played(source, augmentation, n, shards) for n in range(shards)]
        waited, idle, worked = zip(*every, strict=True)
        mean, cost = sum(waited) / shards, sum(worked) / shards
        yield (
            f"| {shards} | {RATE / shards:.0f} | {name} | {100 * mean:.2f} % "
            f"| {100 * max(waited):.2f} % | {100 * max(idle):.2f} % "
            f"| {1000 * cost:.2f} | {cost * RATE / shards:.2f} |"
        )


def main(arguments):
    logging.set_verbosity(logging.WARNING)
    (spec,) = specs.parse(arguments[1] if len(arguments) > 1 else "sample")
    package = packages.open_clicks(spec)
    with tempfile.TemporaryDirectory() as cache:
        os.environ[user_cache.VARIABLE] = cache
        if HOSTS.value:
            page.put("hosts", page.printed(simulation(package)))
        else:
            page.put("input", page.printed(table(package)))


if __name__ == "__main__":
    app.run(main)
