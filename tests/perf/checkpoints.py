"""Times what a checkpoint of `b` takes from a training, in a store of 200 ms a request.

    python tests/perf/checkpoints.py

The store is a folder whose every request to a file by Etils waits first, as one to a
bucket does. TensorStore makes those for arrays in threads of its own, all together, so
they are not made slower. Counted is what `save` keeps the training waiting,
over the time between two checkpoints: `save_every` steps at the rate of the estimate
for a v4-32 slice, 2,124 examples a second in batches of 256.
"""

import contextlib
import os
import tempfile
import time
import unittest.mock

import jax
import numpy as np
import optax
import page
from etils import epath
from etils.epath import backend

from rclicks_jax.settings import training
from rclicks_jax.training import checkpoints, devices, state

LATENCY = 0.2
PARAMETERS, LEAVES = 27_600_000, 1000
RATE, BATCH = 2124, 256
REQUESTS = (
    "open", "exists", "isdir", "listdir", "glob", "makedirs", "mkdir", "rmtree",
    "remove", "rename", "replace", "stat",
)  # fmt: skip


def late(function):
    def wrapped(*arguments, **options):
        time.sleep(LATENCY)
        return function(*arguments, **options)

    return wrapped


@contextlib.contextmanager
def slow_store():
    """Makes every request to files wait."""
    with contextlib.ExitStack() as changed:
        local = backend._OsPathBackend
        places = [(local, name) for name in REQUESTS if hasattr(local, name)]
        for owner, name in places:
            changed.enter_context(
                unittest.mock.patch.object(owner, name, late(getattr(owner, name)))
            )
        yield


def some_state():
    sizes = np.full(LEAVES, PARAMETERS // LEAVES)
    params = {f"w{n}": np.zeros(size, np.float32) for n, size in enumerate(sizes)}
    variables = {"params": params, "batch_stats": {}, "constants": {}}
    return devices.replicate(state.create(variables, optax.scale_by_adam()))


def seconds(folder, count):
    """Yields, for each checkpoint, how long `save` takes and how long all of it."""
    keeper = checkpoints.Checkpoints(epath.Path(folder), training.TrainConfig())
    saved = some_state()
    with slow_store():
        for step in range(1, count + 1):
            saved = saved.replace(step=saved.step + 1)
            jax.block_until_ready(saved)
            start = time.perf_counter()
            keeper.save(saved, {"sim": 0.1 * step})
            waited = time.perf_counter() - start
            keeper.wait()
            yield waited, time.perf_counter() - start
    keeper.close()


def table(folder):
    every = training.TrainConfig.save_every * BATCH / RATE
    yield page.machine()
    yield ""
    yield "| checkpoint | training waits, s | whole, s | share of the training |"
    yield "|---:|---:|---:|---:|"
    for number, (waited, whole) in enumerate(seconds(folder, 3), 1):
        share = 100 * waited / every
        yield f"| {number} | {waited:.3f} | {whole:.1f} | {share:.2f} % |"


def main():
    with tempfile.TemporaryDirectory() as folder:
        page.printed(table(folder))


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    main()
