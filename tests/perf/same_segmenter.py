"""Plays one benchmark by a method in JAX and by its authors' code, and compares both.

    python tests/perf/same_segmenter.py PYTHON METHOD SIZE CHECKOUT FOLDER DATA \
        [--images=20] [--groups=1,2,3,4,5,6,7,8,9,10] [--ways=JAX,bridge,bfloat16]

PYTHON has PyTorch, METHOD is one of `both_ways`, CHECKOUT its authors' code, and DATA a
`--data`. FOLDER keeps checkpoint and run folders: the same command again goes on, also
with more images. People click by `DT`, beside the baseline. All ways are compared with
the first, on the objects that both have. `bfloat16` is JAX with that precision.
"""

import argparse
import pathlib
import subprocess
import sys
import time
from typing import NamedTuple

import both_ways
import numpy as np

from rclicks_jax.benchmark import records
from rclicks_jax.jobs import store
from rclicks_jax.metrics import interaction

# Small networks whose sizes a checkpoint does not show.
SETTINGS = {
    "sam2": "sam2_cases.published()",
    "mobile_sam": "mobile_sam_cases.of_small_squares()",
}
CLICKS, PERCENT = 20, (20, 50, 90)


class Side(NamedTuple):
    """What one way played; an entry or a row for each trajectory.

    Attributes:
        clicks: Row, column and sign, `i64[t 20 3]`.
        ious: IoU after each click, `f64[t 20]`.
        reached: Whether it reaches each of `PERCENT`, `bool[3 t 20]`.
        foreground: Share of the photograph that the mask covers, `f64[t 20]`.
    """

    clicks: np.ndarray
    ious: np.ndarray
    reached: np.ndarray
    foreground: np.ndarray


def code_of(given):
    """Returns what Python runs."""
    setting = SETTINGS.get(given.method) if given.size == "small" else None
    if setting is None:
        return ["-m", "rclicks_jax.launch.benchmark"]
    return [
        "-c",
        f"import sys; sys.path.insert(0, {str(both_ways.TESTS)!r})\n"
        f"import {setting.partition('.')[0]}\n"
        "from rclicks_jax.launch import benchmark\n"
        f"with {setting}: benchmark.run()",
    ]


def run(folder, segmenter, given):
    """Plays a benchmark in a process of its own, or the rest of it."""
    command = [
        *(sys.executable, *code_of(given)),
        f"--workdir={folder}",
        f"--data={given.data}",
        f"--segmenter={segmenter}",
        "--click_model=DT",
        f"--config.groups={given.groups}",
        f"--config.max_images={given.images}",
        "--config.pictures=0",
    ]
    subprocess.run(command, check=True, stdout=sys.stderr)


def read(folder):
    """Returns trajectories by object, strategy and group, with what their masks cover.

    That is a share of the photograph after each click.
    """
    return {
        (image.image_id, one.instance_id, each.strategy, each.group): (
            each,
            (np.array(each.intersection) + each.union - one.area) / one.image_pixels,
        )
        for image in records.read_all(store.RunFolder(folder))
        for one in image.instances
        for each in one.trajectories
    }


def side_of(played, keys):
    """Returns some of the trajectories of a run as arrays."""
    chosen = [played[key] for key in keys]
    areas = [
        np.array([getattr(each, name) for each, _ in chosen])
        for name in ("intersection", "union")
    ]
    return Side(
        np.array([each.clicks for each, _ in chosen]),
        interaction.iou(*areas),
        np.stack([interaction.reached(*areas, percent) for percent in PERCENT]),
        np.stack([covered for _, covered in chosen]),
    )


def lines_of(first, other):
    """Yields lines about the trajectories that both ways have."""
    keys = [key for key in first if key in other]
    ours, theirs = side_of(first, keys), side_of(other, keys)
    aucs = [interaction.iou_auc(side.ious) for side in (ours, theirs)]
    nocs = [
        [float(interaction.noc(each, CLICKS).mean()) for each in side.reached]
        for side in (ours, theirs)
    ]
    apart = np.abs(aucs[0] - aucs[1])
    same = (ours.clicks == theirs.clicks).all(axis=2)
    masks = ours.ious == theirs.ious
    lowest, highest = np.quantile(ours.foreground, [0.1, 0.9])
    yield f"{len({key[:2] for key in keys})} objects, {len(keys)} trajectories"
    yield f"IoU-AuC {aucs[0].mean():.5f} and {aucs[1].mean():.5f}"
    yield f"of a trajectory {apart.max():.5f} apart at most, {apart.mean():.5f} mean"
    yield f"NoC of {PERCENT} {nocs[0]} and {nocs[1]}"
    yield f"equal clicks {same.mean():.2%} of {same.size}"
    yield f"equal second clicks {same[:, 1].mean():.2%}"
    yield f"trajectories with equal clicks {same.all(axis=1).mean():.2%}"
    yield f"equal IoU {masks.mean():.2%} of answers, first {masks[:, 0].mean():.2%}"
    yield f"IoU after the first {np.abs(ours.ious - theirs.ious)[:, 0].max():.1e} apart"
    yield f"foreground {ours.foreground.mean():.0%}, {lowest:.0%} to {highest:.0%}"
    yield f"IoU after first and last click {ours.ious[:, [0, -1]].mean(axis=0)}"


def main():
    """Plays and prints."""
    parser = argparse.ArgumentParser()
    for name in ("python", "method", "size", "checkout", "folder", "data"):
        parser.add_argument(name)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--groups", default="1,2,3,4,5,6,7,8,9,10")
    parser.add_argument("--ways", default="JAX,bridge")
    given = parser.parse_args()
    place = pathlib.Path(given.folder).absolute()
    ways = both_ways.ways(given.method, given.size, given.python, given.checkout, place)
    specs = {way.name: way.spec for way in ways}
    specs["bfloat16"] = f"{specs['JAX']}:precision=bfloat16"
    first = None
    for name in given.ways.split(","):
        start = time.perf_counter()
        folder = place / f"{given.method}_{given.size}_{name}"
        run(folder, specs[name], given)
        seconds, played = time.perf_counter() - start, read(folder)
        print(f"{name}: {len(played)} trajectories, {seconds:.0f} s", flush=True)
        if first is not None:
            print("\n".join(lines_of(first, played)), flush=True)
        first = first or played


if __name__ == "__main__":
    main()
