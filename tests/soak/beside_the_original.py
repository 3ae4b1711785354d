"""Runs the original's code beside ours on the same photographs and compares.

    python tests/soak/beside_the_original.py --checkout=DIR --python=ENV/bin/python \
        --data=DIR --out=DIR [--images=6,3] [--runs=10] [--longest=0] [--processes=2]

`--checkout` is a checkout of emb-ai/rclicks, `--data` the folder above `GrabCut` and
`DAVIS`, `--python` an interpreter with torch (CPU), NumPy 1.23 and what the original
imports: SciPy, OpenCV, pandas, albumentations 1.3, easydict, joblib, tqdm, click.

Both sides read the same files, take DT as click model and `nearest_click.py` as
segmenter. Clicks of people are made up: they are only replayed and measured. Written
are `beside.json` and `beside.md`. The clickability network is not compared here.
"""

import argparse
import hashlib
import json
import os
import pathlib
import platform
import subprocess
import sys
from importlib import metadata

import beside_numbers
import cv2
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
FOLDERS = {"GrabCut": ("data_GT", "boundary_GT"), "DAVIS": ("img", "gt")}
HEADER = "dataset,image_stem,object_stem,full_stem,click_type,model_type,device,x,y,w,h"
PREVIOUS = pathlib.Path("SUBSEC_MASKS", "all_benchmark_datasets", "fn_fp")
# Made-up clicks of each task, half of them of each device.
CLICKS = 24
# Sets of draws from each map for PL1, WD and KS; the original's WD takes its time.
MEASURED = 8


# Data that both sides read


def prepare(data, folder, counts, longest):
    """Copies a part of the data and makes up clicks and previous masks for it."""
    generator = np.random.default_rng(0)
    lines = [HEADER]
    (folder / PREVIOUS).mkdir(parents=True)
    for (name, (images, masks)), count in zip(FOLDERS.items(), counts, strict=True):
        if not count:
            continue
        photographs = sorted((data / name / images).iterdir())
        by_stem = {path.stem: path for path in (data / name / masks).iterdir()}
        every = np.linspace(0, len(photographs) - 1, count).round().astype(int)
        for path in (photographs[number] for number in every):
            target = folder / name
            photograph = _copy(path, target / images, longest, cv2.INTER_AREA)
            mask = _copy(by_stem[path.stem], target / masks, longest, cv2.INTER_NEAREST)
            assert photograph.shape == mask.shape
            inside = mask.max(axis=2) > (128 if name == "GrabCut" else 0)
            lines += _tasks(name, path.stem, inside, folder / PREVIOUS, generator)
    (folder / "clicks.csv").write_text("\n".join(lines) + "\n")


def _copy(path, folder, longest, interpolation):
    image = cv2.imread(str(path))
    folder.mkdir(parents=True, exist_ok=True)
    scale = longest / max(image.shape[:2])
    if not longest or scale >= 1:
        (folder / path.name).write_bytes(path.read_bytes())
        return image
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    image = cv2.resize(image, size, interpolation=interpolation)
    cv2.imwrite(str(folder / f"{path.stem}.png"), image)
    return image


def _tasks(name, stem, inside, previous, generator):
    """Makes up three tasks of an object: first clicks, missed target, wrong ground."""
    height, width = inside.shape
    moved = np.roll(inside, (height // 12, width // 12), axis=(0, 1))
    # Soft at its border, as previous masks may be.
    soft = cv2.blur(moved.astype(np.uint8) * 255, (5, 5))
    regions = {"first": inside, "fn": inside & ~moved, "fp": moved & ~inside}
    lines = []
    for kind, region in regions.items():
        full = stem if kind == "first" else f"{stem}_mivos_{kind}"
        if not region.any():
            continue
        if kind != "first":
            cv2.imwrite(str(previous / f"{full}.png"), soft)
        pixels = np.argwhere(region)
        chosen = pixels[generator.integers(len(pixels), size=CLICKS)]
        chosen = np.rint(chosen + generator.normal(0, 3, chosen.shape)).astype(int)
        chosen = np.clip(chosen, 0, (height - 1, width - 1))
        made_by = "" if kind == "first" else "mivos"
        lines += [
            f"{name},{stem},,{full},{kind},{made_by},{device},{x},{y},{width},{height}"
            for (y, x), device in zip(chosen, ["pc", "mobile"] * CLICKS, strict=False)
        ]
    return lines


# Our side


def play_ours(folder, out, seeds):
    """Runs a benchmark for each seed; writes curves as the other side does."""
    from rclicks_jax.benchmark import job as benchmark_job
    from rclicks_jax.benchmark import records as benchmark_records
    from rclicks_jax.jobs import store
    from rclicks_jax.results import aggregate
    from rclicks_jax.settings import benchmark

    names = [name for name in FOLDERS if (folder / name).is_dir()]
    results = {}
    for seed in seeds:
        workdir = out / f"benchmark{seed}"
        settings = benchmark.BenchmarkConfig(
            data=",".join(f"{name}:{folder / name}" for name in names),
            segmenter=str(HERE / "nearest_click.py"),
            click_model="DT",
            users=True,
            seed=seed,
            pictures=0,
        )
        benchmark_job.run(settings, workdir)
        records = list(benchmark_records.read_all(store.RunFolder(workdir)))
        found = {one.dataset: one for one in aggregate.collect(records)}
        arrays = {}
        for name, result in found.items():
            assert result.counts["ok"] == sum(result.counts.values()), result.problems
            assert result.baseline is not None
            assert result.by_group is not None
            curves = [result.baseline.iou[None], result.by_group.iou[0]]
            arrays[f"{name}/ious"] = np.concatenate(curves)
            arrays[f"{name}/clicks"] = _clicks_of(records, name, result.instance_ids)
            arrays[f"{name}/user"] = np.array(result.user_ious)
            arrays[f"{name}/sampled"] = np.array(result.sampled_ious)
        np.savez_compressed(out / f"ours{seed}.npz", **arrays)
        results[seed] = found
    return results


def _clicks_of(records, dataset, instance_ids):
    clicks = {
        instance.instance_id: [
            [[int(value) for value in click] for click in track.clicks]
            for track in sorted(
                (
                    t
                    for t in instance.trajectories
                    if t.strategy in ("baseline", "group")
                ),
                key=lambda track: track.group,
            )
        ]
        for image in records
        if image.dataset == dataset
        for instance in image.instances
    }
    return np.swapaxes(np.array([clicks[name] for name in instance_ids]), 0, 1)


def tasks_of(folder, seeds):
    """Returns what we make of every click task, by dataset and full stem."""
    from rclicks_jax.clicks import click_models
    from rclicks_jax.data import packages, specs, targets
    from rclicks_jax.evaluation import click_metrics, task_scoring
    from rclicks_jax.settings import protocols
    from rclicks_jax.types import ClickQuery

    found = {}
    for name in (name for name in FOLDERS if (folder / name).is_dir()):
        (spec,) = specs.parse(f"{name}:{folder / name}")
        package = packages.open_clicks(spec)
        for row in package.select("all"):
            example = package.read(row)
            query = ClickQuery(example.image, example.gt_mask, example.error_mask)
            maps = {key: click_models.load(key)([query])[0] for key in ("UD", "DT")}
            truth = click_metrics.truth(
                example.clicks_yx,
                task_scoring.box_of(example.gt_mask),
                example.error_mask,
                protocols.PAPER.nss_epsilon,
            )
            stem = example.click_set_id.partition("/")[0]
            found[f"{name}/{stem}"] = {
                "image": digest(example.image),
                "target": digest(example.gt_mask),
                "clicks": example.clicks_yx.tolist(),
                "error": example.error_mask,
                "truth": targets.click_map(example.clicks_yx, example.error_mask, 5.0),
                "maps": maps,
                "models": {
                    key: [
                        click_metrics.measure(click_map, truth, 100, (seed, 0))
                        for seed in (seeds if key == "DT" else seeds[:1])
                    ]
                    for key, click_map in maps.items()
                },
            }
    return found


def devices_of(folder):
    """Compares PC with mobile, mistake included, by dataset as the other side does."""
    from rclicks_jax.data import click_pairs, specs
    from rclicks_jax.evaluation import agreements

    found = {}
    for name in (name for name in FOLDERS if (folder / name).is_dir()):
        (spec,) = specs.parse(f"{name}:{folder / name}")
        every = [
            agreements.agreement(pair, "device_as_published")
            for pair in click_pairs.by_device(spec, "all")
        ]
        assert all(one.status == "ok" for one in every)
        found[name] = {
            theirs: float(np.mean([getattr(one, ours) for one in every]))
            for ours, theirs in (("pl1", "l1"), ("wd", "w"), ("ks", "ks_test"))
        }
    return found


def digest(array):
    """Returns a checksum of an array's values, as the other side does."""
    return hashlib.sha256(np.ascontiguousarray(array.astype(np.uint8))).hexdigest()


# Their side


def start(arguments, out, name, **request):
    """Starts the original's half."""
    request |= {
        "checkout": str(arguments.checkout),
        "data": str(out / "data"),
        "out": str(out),
    }
    path = out / f"{name}.json"
    path.write_text(json.dumps(request))
    script = str(HERE / "original_side.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([str(arguments.python), script, str(path)], env=environment)


def finish(*processes):
    """Waits; ends if one failed."""
    statuses = [process.wait() for process in processes]
    if any(statuses):
        sys.exit("The original's half failed; what it says stands above.")


# Both


def versions(python):
    """Returns what both sides ran on."""
    names = "numpy", "scipy", "opencv-python-headless", "jax", "torch", "pandas"
    code = (
        "import json,sys;from importlib import metadata as m\n"
        "def v(n):\n try: return m.version(n)\n except Exception: return None\n"
        f"print(json.dumps({{n:v(n) for n in {names!r}}}))"
    )
    theirs = subprocess.run(
        [str(python), "-c", code], check=True, capture_output=True, text=True
    )
    ours = {}
    for name in names:
        try:
            ours[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            ours[name] = None
    return {
        "ours": {"python": platform.python_version(), **ours},
        "original": json.loads(theirs.stdout),
    }


def main(given=None):
    """Compares; returns the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=pathlib.Path, required=True)
    parser.add_argument("--python", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--images", default="6,3", help="of GrabCut and of DAVIS")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--longest", type=int, default=0, help="0: as they are")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--apart",
        action="store_true",
        help="give the original a seed for each image and group",
    )
    arguments = parser.parse_args(given)
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=False)
    counts = [int(count) for count in arguments.images.split(",")]
    prepare(arguments.data, out / "data", counts, arguments.longest)
    os.environ["RCLICKS_CACHE"] = str(out / "cache")
    seeds = list(range(1, arguments.runs + 1))
    parts = [seeds[part :: arguments.processes] for part in range(arguments.processes)]
    playing = [
        start(
            arguments, out, f"play{n}", task="play", seeds=part, apart=arguments.apart
        )
        for n, part in enumerate(parts)
        if part
    ]
    measured = list(range(1, MEASURED + 1))
    measuring = start(arguments, out, "measure", task="tasks", seeds=measured)
    ours = play_ours(out / "data", out, seeds)
    our_tasks = tasks_of(out / "data", measured)
    devices = devices_of(out / "data")
    finish(*playing)
    runs = {
        f"{side}{seed}": str(out / f"{side}{seed}.npz")
        for side in ("ours", "run")
        for seed in seeds
    }
    finish(measuring, start(arguments, out, "cells", task="notebook", runs=runs))
    numbers = beside_numbers.compare(out, seeds, ours, our_tasks)
    numbers["devices"] = beside_numbers.compare_devices(out, devices)
    numbers["versions"] = versions(arguments.python)
    (out / "beside.json").write_text(json.dumps(numbers, indent=1))
    table = beside_numbers.table_of(numbers)
    (out / "beside.md").write_text(table)
    print(table)
    return numbers


if __name__ == "__main__":
    main()
