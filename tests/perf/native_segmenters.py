"""Times segmenters in JAX beside the same weights through the bridge with PyTorch.

    python tests/perf/native_segmenters.py PYTHON CHECKOUT [VARIANT]
    python tests/perf/native_segmenters.py --together

PYTHON has PyTorch. VARIANT is a size of SAM, such as vit_b, and CHECKOUT one of
facebookresearch/segment-anything; or VARIANT is a size of RITM, such as h18_itermask,
and CHECKOUT one of SamsungLabs/ritm_interactive_segmentation. Each segmenter plays in a
process of its own, in turns, and says how long a call took and how many seconds of the
cores it used: the second number holds on a busy machine too. A call answers one click
of all trajectories; the first of a photograph is said apart.

`--together` times a small SAM whose passes answer clicks on several photographs beside
one that is asked about a photograph at a time.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from rclicks_jax.networks.ritm import sizes as ritm_sizes
from rclicks_jax.networks.ritm import weights as ritm_weights
from rclicks_jax.networks.sam import sizes, weights
from rclicks_jax.segmenters import base, load
from rclicks_jax.types import Clicks
from rclicks_jax.weights import torch_files

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(1, str(HERE.parents[1]))

import checkpoint_files
import ritm_cases
import sam_cases
import small_sam

ADAPTER = HERE.with_name("native_segmenters_adapter.py")
RITM = HERE.parents[2] / "rclicks_jax" / "bridge" / "adapters" / "ritm.py"
TRAJECTORIES, ROUNDS, REPEATS = 11, 3, 2
PHOTOGRAPHS = 12
SHAPE = (480, 640)


def write_checkpoint(path, variant):
    """Writes a checkpoint of a size, with seeded weights; returns the method."""
    if variant not in ritm_sizes.PUBLISHED:
        shapes = weights.torch_shapes(sizes.PUBLISHED[variant])
        torch_files.write(path, sam_cases.state_of(shapes, {}))
        return "sam"
    shapes = ritm_weights.torch_shapes(ritm_sizes.PUBLISHED[variant])
    state = {
        key: checkpoint_files.tensor(array)
        for key, array in ritm_cases.state_of(shapes, variant).items()
    }
    config = ritm_cases.config_of(variant)
    checkpoint_files.save(path, {"config": config, "state_dict": state})
    return "ritm"


def processes():
    """Returns this process and its workers, as /proc names them."""
    tasks = pathlib.Path("/proc/self/task").glob("*/children")
    return ["self", *(child for task in tasks for child in task.read_text().split())]


def core_seconds():
    """Returns the seconds of cores that this process and its workers have used."""
    total = 0
    for process in processes():
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1]
        total += sum(map(int, fields.split()[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def peak_memory():
    """Returns the most memory that this process or a worker has held, GB."""
    peaks = []
    for process in processes():
        status = pathlib.Path(f"/proc/{process}/status").read_text()
        peaks.append(int(status.partition("VmHWM:")[2].split()[0]))
    return max(peaks) / 1e6


def play(spec):
    """Prints seconds and seconds of cores of each call, least of the repeats."""
    segmenter = load.load(spec, TRAJECTORIES)
    image = sam_cases.photograph(SHAPE)
    random = np.random.default_rng(0)
    yx = random.integers(0, SHAPE, (TRAJECTORIES, 20, 2)).astype(np.int32)
    signs = np.ones((TRAJECTORIES, 20), bool)
    rows, taken = np.arange(TRAJECTORIES), {"encode": [], "predict": []}

    def timed(name, function):
        cores, start = core_seconds(), time.perf_counter()
        result = function()
        taken[name].append((time.perf_counter() - start, core_seconds() - cores))
        return result

    for _ in range(1 + REPEATS):
        features = timed("encode", lambda: segmenter.encode(image))
        session = segmenter.start(features, [image[..., 0] > 0] * TRAJECTORIES)
        for count in range(1, ROUNDS + 1):
            clicks = Clicks(yx, signs, np.full(TRAJECTORIES, count, np.int32))
            timed("predict", lambda: session.predict(rows, clicks))  # noqa: B023
        segmenter.release(features)
    # The first repeat compiles, and warms caches.
    warm = {"encode": taken["encode"][1:], "predict": taken["predict"][ROUNDS:]}
    warm["first"] = warm["predict"][::ROUNDS]
    least = {name: [min(each) for each in zip(*pairs, strict=True)]
             for name, pairs in warm.items()}  # fmt: skip
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
        for _ in range(1 + 2 * REPEATS):
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


def main(python, checkout, variant="vit_b"):
    """Prints a table."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, f"{variant}.pth")
        method = write_checkpoint(path, variant)
        adapter, more = ADAPTER, f":variant={variant}"
        if method == "ritm":
            adapter, more = RITM, ""
        specs = {
            f"jax_{method}": f"jax_{method}:checkpoint={path}",
            "bridge, PyTorch": f"bridge:adapter={adapter}:python={python}:timeout=3000"
            f":checkout={checkout}:checkpoint={path}{more}",
        }
        print(f"{variant}, {TRAJECTORIES} trajectories, load {os.getloadavg()[0]:.0f}")
        for name, spec in specs.items():
            command = [sys.executable, str(HERE), "--play", spec]
            found = json.loads(subprocess.run(
                command, capture_output=True, text=True, check=True
            ).stdout.splitlines()[-1])  # fmt: skip
            print(
                f"{name}: encode {found['encode'][0]:.2f} s (of cores "
                f"{found['encode'][1]:.2f}), predict {found['predict'][0]:.3f} s "
                f"({found['predict'][1]:.2f}), the first click {found['first'][0]:.3f} "
                f"s ({found['first'][1]:.2f}), {found['memory']:.1f} GB",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1] == "--play":
        play(sys.argv[2])
    elif sys.argv[1] == "--together":
        together()
    else:
        main(*sys.argv[1:])
