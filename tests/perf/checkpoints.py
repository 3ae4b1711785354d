"""Times what a checkpoint of `b` takes from a training, in a store of 200 ms a request.

    python tests/perf/checkpoints.py [--checkpoints=4]

The store is a folder whose every request to a file by Etils waits first, as one to a
bucket does. TensorStore makes those for arrays in threads of its own, all together, so
they are not made slower.

The training is a loop like the real one, over a device that is a clock: it takes the
time of a step at the rate of the estimate for a v4-32 slice, 2,124 examples a second in
batches of 256, and has one more step waiting. Starting a step walks over the leaves of
the state in Python, as a real start does. Counted is how much later than without a
checkpoint the last step ends, whatever made it late: `save`, the interpreter that it
shares with the writing thread, or a core. The share is that of the time between two
checkpoints, `save_every` steps.
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
from absl import app, flags, logging
from etils import epath
from etils.epath import backend

from rclicks_jax.settings import training
from rclicks_jax.training import checkpoints, devices, state

LATENCY = 0.2
PARAMETERS, LEAVES = 27_600_000, 1000
RATE, BATCH = 2124, 256
# More than a checkpoint takes.
STEPS = 300
COUNT = flags.DEFINE_integer("checkpoints", 4, "Checkpoints to save.")
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
    random = np.random.default_rng(0)
    size = PARAMETERS // LEAVES
    params = {f"w{n}": random.standard_normal(size, np.float32) for n in range(LEAVES)}
    variables = {"params": params, "batch_stats": {}, "constants": {}}
    fresh = state.create(variables, optax.scale_by_adam())
    # Numbers that cannot be compressed, as those of a training.
    moments = fresh.opt_state._replace(mu=params, nu=params)
    return devices.replicate(fresh.replace(opt_state=moments))


class Clock:
    """A device that takes a fixed time for a step; later if a step comes later."""

    def __init__(self):
        self.began = self.free = time.perf_counter()
        self.steps = 0

    def start(self, tree):
        jax.tree.map(lambda leaf: leaf.shape, tree)
        self.free = max(self.free, time.perf_counter()) + BATCH / RATE
        self.steps += 1
        return self.free

    def late(self):
        return self.free - self.began - self.steps * BATCH / RATE


def train(saved, steps, save):
    """Takes steps, one in flight; returns how late the last one ends, seconds."""
    clock, pending = Clock(), 0.0
    for number in range(steps):
        ends = clock.start(saved)
        time.sleep(max(0.0, pending - time.perf_counter()))
        pending = ends
        if number == 1:
            save()
    return clock.late()


def measured(folder, count):
    """Yields, for each checkpoint: `save` takes, all takes, lateness; seconds."""
    keeper = checkpoints.Checkpoints(epath.Path(folder), training.TrainConfig())
    saved = some_state()
    with slow_store():
        for step in range(1, count + 1):
            saved = saved.replace(step=saved.step + 1)
            jax.block_until_ready(saved)
            times = {}

            def save(saved=saved, step=step, times=times):
                start = time.perf_counter()
                keeper.save(saved, {"sim": 0.1 * step})
                times["save"] = time.perf_counter() - start
                keeper._saving.add_done_callback(
                    lambda _: times.update(whole=time.perf_counter() - start)
                )

            late = train(saved, STEPS, save)
            assert "whole" in times, "the checkpoint took longer than the steps"
            yield times["save"], times["whole"], late
            keeper.wait()
    keeper.close()


def table(folder):
    every = training.TrainConfig.save_every * BATCH / RATE
    saved = some_state()
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(saved)) / 1e6
    yield page.machine()
    yield ""
    yield (
        f"{STEPS} steps of {1000 * BATCH / RATE:.1f} ms each; the share is that of "
        f"{training.TrainConfig.save_every} steps, {every:.1f} s; a state of "
        f"{size:.0f} MB in {len(jax.tree.leaves(saved))} arrays."
    )
    yield ""
    yield "| checkpoint | `save` takes, s | whole, s | steps end later, s | share |"
    yield "|---:|---:|---:|---:|---:|"
    late = train(saved, STEPS, lambda: None)
    yield f"| none | – | – | {late:.3f} | {100 * late / every:.2f} % |"
    for number, (save, whole, late) in enumerate(measured(folder, COUNT.value), 1):
        share = 100 * late / every
        yield f"| {number} | {save:.4f} | {whole:.1f} | {late:.3f} | {share:.2f} % |"


def main(argv):
    del argv
    logging.set_verbosity(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        page.put("checkpoints", page.printed(table(folder)))


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    app.run(main)
