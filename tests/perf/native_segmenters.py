"""Times methods in JAX beside the same weights through the bridge with PyTorch.

    python tests/perf/native_segmenters.py PYTHON METHOD SIZE CHECKOUT [FOLDER]
    python tests/perf/native_segmenters.py --together
    python tests/perf/native_segmenters.py --accelerator PYTHON CHECKOUTS FOLDER [small]

PYTHON has PyTorch, METHOD is one of `both_ways`, SIZE one of its sizes, and CHECKOUT
its authors' code. FOLDER keeps the checkpoint of seeded weights. Each way plays in a
process of its own, one after the other, and says how long a call took and how many
seconds of the cores it used: the second number holds on a busy machine too.

`--accelerator` is for a GPU: three methods in bfloat16 beside PyTorch with
`torch.compile`, 64 trajectories, on the clock. CHECKOUTS has the authors' code in
folders of their names. `small` networks show on a CPU that it works.

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
SLOW = {"simpleclick": (1, 1), "segnext": (1, 1)}
PHOTOGRAPHS, REPEATS_TOGETHER = 12, 4
# On an accelerator: methods, sizes and names of their checkouts, and trajectories. Of
# small networks of SAM 2 and SimpleClick a checkpoint does not show the size.
ACCELERATED = (
    ("sam", ("vit_b", "small"), "segment-anything"),
    ("sam2", ("l", "t"), "sam2"),
    ("simpleclick", ("vit_base", "vit_xtiny"), "SimpleClick"),
)
ROWS = 64
CALLS = {"encode and first predict": "both", "predict": "predict"}
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
    taken = {"encode": [], "predict": [], "both": []}

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
            if count == 1:
                # An accelerator may still encode while the first clicks are prepared.
                pair = taken["encode"][-1], taken["predict"][-1]
                taken["both"].append(np.sum(pair, axis=0).tolist())
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


def accelerator(python, checkouts, folder, small=None):
    """Prints seconds on the clock of each method in bfloat16, both ways."""
    print("| method | call | JAX, s | PyTorch, compiled | ratio |")
    for method, sizes, name in ACCELERATED:
        size = sizes[1 if small else 0]
        checkout = str(pathlib.Path(checkouts, name).absolute())
        place = pathlib.Path(folder).absolute()
        given = method, size, python, checkout, place
        rows = TRAJECTORIES if small else ROWS
        least = []
        for way in both_ways.ways(*given, compiled=True):
            spec = f"{way.spec}:batch={rows}"
            found = played(spec, ROUNDS, REPEATS, rows)
            least.append({name: found[call][0] for name, call in CALLS.items()})
        ours, theirs = least
        for call, seconds in ours.items():
            ratio = seconds / max(theirs[call], 1e-4)
            print(
                f"| {method} `{size}` | {call} | {seconds:.4f} "
                f"| {theirs[call]:.4f} | {ratio:.2f} |",
                flush=True,
            )


def played(spec, *counts):
    """Returns what `play` prints of a segmenter, in a process of its own."""
    command = [sys.executable, str(HERE), "--play", spec, *map(str, counts)]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(printed.stdout.splitlines()[-1])


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
        counts = SLOW.get(method, ())
        found = {way.name: played(way.spec, *counts) for way in ways}
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
    elif sys.argv[1] == "--accelerator":
        accelerator(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
