"""Plays one benchmark under several means and compares the trajectories.

    python tests/perf/same_clicks.py MODEL DATA IMAGES [SEGMENTER]

MODEL is a folder of a network, DATA a `--data`, IMAGES how many photographs are played.
A trajectory differs if one of its clicks does. All runs are compared with the first.
"""

import os
import subprocess
import sys
import tempfile

import page

from rclicks_jax.benchmark import records
from rclicks_jax.jobs import store

CORES = sorted(os.sched_getaffinity(0))[:2]
# Cores, further flags, and whether the device's program draws.
FLOAT32 = "--config.click_model_precision=float32"
MEANS = {
    "two cores, 10 maps a pass": (2, 10, FLOAT32, False),
    "the same again": (2, 10, FLOAT32, False),
    "one core": (1, 10, FLOAT32, False),
    "3 maps a pass": (2, 3, FLOAT32, False),
    "draws by the device's program": (2, 10, FLOAT32, True),
    "bfloat16": (2, 10, "--config.click_model_precision=bfloat16", False),
}
# The program for devices, on the processor.
ON_DEVICE = (
    "import sys; from rclicks_jax.clicks import sampling; before = sampling.draw_all;"
    "sampling.draw_all = lambda d, *, cut, on_device: before(d, cut=cut, on_device=1);"
    "from rclicks_jax.launch import benchmark; benchmark.run()"
)


def play(folder, model, data, images, segmenter, means):
    """Plays a run in a process of its own."""
    cores, batch, precision, on_device = means
    command = [
        sys.executable,
        *(["-c", ON_DEVICE] if on_device else ["-m", "rclicks_jax.launch.benchmark"]),
        f"--workdir={folder}",
        f"--data={data}",
        f"--click_model={model}",
        f"--segmenter={segmenter}",
        f"--config.max_images={images}",
        f"--config.click_model_batch={batch}",
        precision,
    ]
    subprocess.run(
        ["taskset", "-c", ",".join(map(str, CORES[:cores])), *command],
        check=True,
        capture_output=True,
    )
    return {
        (image.image_id, one.instance_id, each.strategy, each.group): each
        for image in records.read_all(store.RunFolder(folder))
        for one in image.instances
        for each in one.trajectories
    }


def table(model, data, images, segmenter):
    yield page.machine()
    yield ""
    yield f"{images} photographs of {data.split(':')[0]}, {segmenter}."
    yield ""
    yield "| means | trajectories | of which differ | in clicks | in first clicks |"
    yield "|---|---:|---:|---:|---:|"
    first = None
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, means) in enumerate(MEANS.items()):
            place = f"{folder}/{number}"
            played = play(place, model, data, images, segmenter, means)
            first = first or played
            groups = [key for key in first if key[2] == "group"]
            counts = [
                sum(first[key] != played[key] for key in groups),
                sum(first[key].clicks != played[key].clicks for key in groups),
                sum(first[key].clicks[0] != played[key].clicks[0] for key in groups),
            ]
            yield f"| {name} | {len(groups)} | {' | '.join(map(str, counts))} |"


def main():
    model, data, images, *segmenter = sys.argv[1:]
    for line in table(model, data, images, *(segmenter or ["random_walker"])):
        print(line, flush=True)


if __name__ == "__main__":
    main()
