"""Times a whole evaluation of five click models that need no network.

    python tests/perf/evaluation.py [--tasks=1900]

Photographs are decoded, masks made, and maps computed while it runs. The fifth model is
spectral residual once more, behind the bridge.
"""

import argparse
import contextlib
import os
import pathlib
import tempfile
import threading
import time

import cv2
import numpy as np
import page
import timing
from click_prediction import DRAWS, SHAPE, clicks_on, region

from rclicks_jax.data import packages
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.settings import evaluation
from rclicks_jax.types import ClickExample

ADAPTER = pathlib.Path(__file__).resolve().with_name("residual_adapter.py")
MODELS = (
    "UD",
    "DT",
    "SM:source=spectral_residual",
    "SI:source=spectral_residual",
    f"SM:adapter={ADAPTER}",
)


class Tasks:
    """A package whose photographs are encoded and whose masks are made when read."""

    dataset, checksum, notes = "perf", "none", ()

    def __init__(self, count):
        random = np.random.default_rng(0)
        noise = random.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
        smooth = cv2.GaussianBlur(noise, (0, 0), 5)
        self.encoded = cv2.imencode(".jpg", smooth)[1]
        kinds = ("first", "fn", "fp")
        self.rows = [
            packages.Row(
                "val", i, f"task{i}", (), kinds[i % 3], "", "", ("",), (480, 640)
            )
            for i in range(count)
        ]

    def select(self, split):
        return self.rows

    def read(self, row):
        number, target = row.position, region(SHAPE, row.position)
        shift = SHAPE[1] // 12
        others = {"first": None, "fn": shift, "fp": -shift}[row.click_type]
        prev_mask = None
        if others is not None:
            prev_mask = np.roll(target, others, axis=1).astype(np.float32)
        example = ClickExample(
            "perf", row.name, f"photo{number // 3}", row.click_type, "", "synthetic",
            cv2.imdecode(self.encoded, cv2.IMREAD_COLOR), target, prev_mask,
            np.zeros((0, 2), int),
        )  # fmt: skip
        clicks = clicks_on(example.error_mask > 0, number)
        return ClickExample(**{**vars(example), "clicks_yx": clicks})


class Memory(threading.Thread):
    """Looks at how much memory this process and its children hold together."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.ended = 0, False

    def run(self):
        while not self.ended:
            pids = [os.getpid(), *children()]
            self.most = max(self.most, sum(map(proportional, pids)))
            time.sleep(0.5)


def children():
    found = pathlib.Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(pid) for path in found for pid in path.read_text().split()]


def proportional(pid):
    """Bytes of a process; what several share is divided among them."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def processor_time():
    """Seconds of all cores, of this process and of those that it has ended."""
    spent = os.times()
    return sum(spent[:4])


def evaluate_tasks(count):
    packages.open_clicks = lambda spec: Tasks(count)
    settings = evaluation.EvaluateConfig(click_models=MODELS, draws=DRAWS)
    memory = Memory()
    memory.start()
    with tempfile.TemporaryDirectory() as workdir:
        watch, before = timing.Watch(), processor_time()
        outcome = evaluation_job.run(settings, workdir)
        seconds, used = watch.seconds(), processor_time() - before
    memory.ended = True
    assert outcome.counts["ok"] == count, outcome
    size = f"{SHAPE[0]}x{SHAPE[1]}"
    yield page.machine()
    yield ""
    yield (
        f"{count} tasks, {size}, {len(MODELS)} click models: {seconds:.0f} s, "
        f"{1000 * seconds / count:.0f} ms a task, of processor time "
        f"{1000 * used / count:.0f} ms; {memory.most / 1e6:.0f} MB at most in all "
        "processes."
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=1900)
    count = parser.parse_args().tasks
    page.put("evaluation", page.printed(evaluate_tasks(count)))


if __name__ == "__main__":
    main()
