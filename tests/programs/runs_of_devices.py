"""Prints hashes of whole runs on 1, 2, 4 and 8 simulated accelerators.

    runs_of_devices.py FOLDER MODEL OUT

A benchmark, click maps and an evaluation of a small network, with the same batch on
each device. Files that say when something was done, and how long it took, are not
hashed. What a start noted of its passes is printed beside the hash.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import sys
import time
from unittest import mock

sys.path.append(str(pathlib.Path(__file__).parents[1]))

import compiled

os.environ["XLA_FLAGS"] = compiled.flags(devices=8)
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import two_convolutions

from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.click_maps import job as click_maps_job
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.jobs import store, utilisation
from rclicks_jax.settings import benchmark, click_maps, evaluation

COUNTS = (1, 2, 4, 8)
BATCH = 3
# Files of a run that hold times.
NOT_HASHED = ("run.json", "attempts", "utilisation")


def jobs(data, model):
    """Returns for each job how it is run with so many devices."""
    shared = {"data": data, "precision": "float32", "batch": BATCH}

    def run_benchmark(devices, out):
        settings = benchmark.BenchmarkConfig(
            data=data,
            segmenter="noisy",
            click_model=model,
            click_model_batch=BATCH,
            click_model_precision="float32",
            groups=(5,),
            pictures=0,
            users=False,
            devices=devices,
        )
        return benchmark_job.run(settings, out)

    def run_click_maps(devices, out):
        settings = click_maps.ClickMapsConfig(
            model=model, samples=3, groups=(0, 5), devices=devices, **shared
        )
        return click_maps_job.run(settings, out)

    def run_evaluation(devices, out):
        settings = evaluation.EvaluateConfig(
            click_models=(model,),
            split="all",
            draws=3,
            processes=1,
            devices=devices,
            **shared,
        )
        return evaluation_job.run(settings, out)

    return {
        "benchmark": run_benchmark,
        "click_maps": run_click_maps,
        "evaluation": run_evaluation,
    }


def without_times(path):
    """Returns the content of a file; of records, without seconds and checksums."""
    if path.suffix != ".jsonl":
        return path.read_bytes()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    del rows[0]["checksum"]
    rows[0]["facts"].pop("seconds", None)
    return json.dumps(rows).encode()


def hash_of(out):
    """Returns one hash of all files of a run."""
    content = hashlib.sha256()
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out)
        if path.is_file() and name.parts[0] not in NOT_HASHED:
            content.update(f"{name}\n".encode() + without_times(path))
    return content.hexdigest()


def main(folder, model, out):
    """Prints a JSON object: for each job and number of devices, what came of it."""
    came = {}
    for name, run in jobs(f"folder:{folder}", model).items():
        for devices in COUNTS:
            workdir = pathlib.Path(out) / f"{name}{devices}"
            start = time.perf_counter()
            outcome = run(devices, workdir)
            (used,) = utilisation.read_all(store.RunFolder(workdir))
            (network,) = (each for each in used.answerers if each.name != "segmenter")
            came[f"{name} {devices}"] = {
                "counts": outcome.counts,
                "hash": hash_of(workdir),
                "batch": BATCH,
                "seconds": time.perf_counter() - start,
                **{
                    key: value
                    for key, value in dataclasses.asdict(network).items()
                    if key in ("calls", "real", "rows")
                },
            }
    print(json.dumps(came))


if __name__ == "__main__":
    two_convolutions.register()
    with mock.patch.object(jax, "default_backend", return_value="gpu"):
        main(*sys.argv[1:])
