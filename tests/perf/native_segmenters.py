"""Times methods in JAX beside the same weights through the bridge with PyTorch.

    python tests/perf/native_segmenters.py PYTHON METHOD SIZE CHECKOUT [FOLDER]
    python tests/perf/native_segmenters.py --together

PYTHON has PyTorch, METHOD is one of `both_ways`, SIZE one of its sizes, and CHECKOUT
its authors' code. FOLDER keeps the checkpoint of seeded weights. Each way plays in a
process of its own, one after the other, and says how long a call took and how many
seconds of the cores it used: the second number holds on a busy machine too.

`--together` times a small SAM whose passes answer clicks on several photographs beside
one that is asked about a photograph at a time.
"""

import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from rclicks_jax import allocator
from rclicks_jax.segmenters import base, load
from rclicks_jax.types import Clicks

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(1, str(HERE.parents[1]))

import both_ways
import sam_cases
import small_sam

TRAJECTORIES, ROUNDS, REPEATS = 11, 3, 3
# Clicks and repeats of a method whose clicks take minutes.
SLOW = {"simpleclick": (1, 1)}
PHOTOGRAPHS, REPEATS_TOGETHER = 12, 4
SHAPE = (480, 640)


def fields_of(process):
    """Returns what /proc says of a process after its name; nothing if it has ended."""
    try:
        text = pathlib.Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rsplit(")", 1)[1].split()


def processes():
    """Returns this process and those that it started, directly or not."""
    parents = {}
    for place in pathlib.Path("/proc").glob("[0-9]*"):
        fields = fields_of(place.name)
        if fields:
            parents[int(place.name)] = int(fields[1])
    found = [os.getpid()]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def core_seconds():
    """Returns the seconds of cores that this process and its workers have used."""
    total = 0
    for process in processes():
        total += sum(map(int, fields_of(process)[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def peak_memory():
    """Returns the most memory that this process has held, and each worker, GB."""
    peaks = []
    for process in processes():
        status = pathlib.Path(f"/proc/{process}/status").read_text()
        peaks.append(int(status.partition("VmHWM:")[2].split()[0]))
    return sum(peaks) / 1e6


def play(spec, rounds=ROUNDS, repeats=REPEATS, trajectories=TRAJECTORIES):
    """Prints seconds and seconds of cores of each call, least of the repeats."""
    # As commands do.
    allocator.keep_freed_memory()
    segmenter = load.load(spec, trajectories)
    image = sam_cases.photograph(SHAPE)
    random = np.random.default_rng(0)
    yx = random.integers(0, SHAPE, (trajectories, 20, 2)).astype(np.int32)
    signs = np.ones((trajectories, 20), bool)
    taken = {"encode": [], "predict": []}

    def timed(name, function):
        cores, start = core_seconds(), time.perf_counter()
        result = function()
        taken[name].append((time.perf_counter() - start, core_seconds() - cores))
        return result

    def once(rows, rounds):
        features = timed("encode", lambda: segmenter.encode(image))
        session = segmenter.start(features, [image[..., 0] > 0] * trajectories)
        for count in range(1, rounds + 1):
            counts = np.full(len(rows), count, np.int32)
            clicks = Clicks(yx[rows], signs[rows], counts)
            timed("predict", functools.partial(session.predict, rows, clicks))
        segmenter.release(features)

    # Compiles, and warms caches. Clicks of trajectories see crops of several shapes, of
    # which each is a program.
    once(np.arange(trajectories if rounds > 1 else 1), rounds)
    taken = {name: [] for name in taken}
    for _ in range(repeats):
        once(np.arange(trajectories), rounds)
    least = {name: [min(each) for each in zip(*pairs, strict=True)]
             for name, pairs in taken.items()}  # fmt: skip
    print(json.dumps({**least, "memory": peak_memory()}), flush=True)
    segmenter.close()


def together():
    """Prints the rows answered a second of the cores, for passes of several sizes."""
    with tempfile.TemporaryDirectory() as folder:
        spec = f"jax_sam:checkpoint={small_sam.write(pathlib.Path(folder, 'sam.pth'))}"
        for batch in (4, 16, 64):
            rates = _rates(load.load(f"{spec}:batch={batch}"))
            print(
                f"batch {batch}: {rates[0]:.0f} rows a second of the cores on "
                f"{PHOTOGRAPHS} photographs together, {rates[1]:.0f} on one at a time: "
                f"{rates[0] / rates[1]:.2f} times as many",
                flush=True,
            )


def _rates(segmenter):
    """Returns rows a second of the cores, of photographs together and one at a time."""
    images = [sam_cases.photograph((96, 128), number) for number in range(PHOTOGRAPHS)]
    features = [segmenter.encode(image) for image in images]
    yx = np.full((TRAJECTORIES, 20, 2), 40, np.int32)
    signs = np.ones((TRAJECTORIES, 20), bool)
    # Five of the trajectories go on.
    goes_on = [np.arange(TRAJECTORIES), *[np.arange(5)] * (ROUNDS - 1)]
    least = []
    for size in (PHOTOGRAPHS, 1):
        taken = []
        for _ in range(1 + REPEATS_TOGETHER):
            sessions = [
                segmenter.start(each, [None] * TRAJECTORIES) for each in features
            ]
            start = core_seconds()
            for count, rows in enumerate(goes_on, 1):
                counts = np.full(len(rows), count, np.int32)
                clicks = Clicks(yx[rows], signs[rows], counts)
                for first in range(0, PHOTOGRAPHS, size):
                    segmenter.predict_together([
                        base.Request(session, rows, clicks)
                        for session in sessions[first : first + size]
                    ])  # fmt: skip
            taken.append(core_seconds() - start)
        least.append(min(taken[1:]))
    rows = PHOTOGRAPHS * sum(map(len, goes_on))
    return [rows / seconds for seconds in least]


def main(python, method, size, checkout, folder=None):
    """Prints a row for each call, and one of the memory."""
    with tempfile.TemporaryDirectory() as temporary:
        place = pathlib.Path(folder or temporary).absolute()
        ways = both_ways.ways(method, size, python, checkout, place)
        found = {}
        for way in ways:
            command = [sys.executable, str(HERE), "--play", way.spec]
            command += map(str, SLOW.get(method, ()))
            printed = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True
            ).stdout
            found[way.name] = json.loads(printed.splitlines()[-1])
    ours, theirs = found["JAX"], found["bridge"]
    print(f"load {os.getloadavg()[0]:.0f}")
    print("| method | call | JAX, s of cores | bridge | ratio | JAX, s | bridge |")
    for call in ("encode", "predict"):
        (wall, cores), (their_wall, their_cores) = ours[call], theirs[call]
        print(
            f"| {method} `{size}` | {call} | {cores:.2f} | {their_cores:.2f} | "
            f"{cores / max(their_cores, 0.01):.2f} | {wall:.2f} | {their_wall:.2f} |"
        )
    print(f"memory, GB: {ours['memory']:.2f}, bridge {theirs['memory']:.2f}")


if __name__ == "__main__":
    if sys.argv[1] == "--play":
        play(sys.argv[2], *map(int, sys.argv[3:]))
    elif sys.argv[1] == "--together":
        together()
    else:
        main(*sys.argv[1:])
