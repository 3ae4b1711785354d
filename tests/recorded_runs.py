"""Run folders made of numbers and masks, without a benchmark."""

import dataclasses

import numpy as np
from helpers import disk

from rclicks_jax.benchmark import artifacts, records
from rclicks_jax.benchmark.identity import BenchmarkIdentity
from rclicks_jax.benchmark.rollout import PlayedObject
from rclicks_jax.benchmark.setup import Setup, Strategies
from rclicks_jax.jobs import provenance, store
from rclicks_jax.ops import bit_masks
from rclicks_jax.settings import protocols
from rclicks_jax.types import ImageExample, InstanceExample, Trajectory

SHAPE = (48, 64)
CLICKS = 3
PROTOCOL = dataclasses.replace(protocols.PAPER, max_clicks=CLICKS)
DT = {"name": "DT"}


def provenance_of(command, **noted):
    """Returns what a run notes of a machine that there is not."""
    return provenance.Provenance(
        command=command,
        versions={"python": "3"},
        platform="here",
        devices=["cpu"],
        backend="cpu",
        processes=1,
        cores=1,
        started="now",
        **noted,
    )


def begin(folder, *, click_model=None, groups=(1, 10), segmenter="noisy", **noted):
    """Starts a run; returns its folder."""
    run = store.RunFolder(folder)
    values = BenchmarkIdentity(
        protocol=PROTOCOL,
        seed=0,
        strategies=Strategies(tuple(groups), baseline=True, users=False, repeats=1),
        segmenter={"name": segmenter, "options": {}},
        click_model=DT if click_model is None else click_model,
        data={"set": "0123"},
        split="all",
    )
    command = noted.pop("command", ["rclicks-benchmark"])
    run.begin("benchmark", values, provenance_of(command, **noted))
    return run


def trajectory(strategy, group, last, clicks=CLICKS):
    """Returns a trajectory that ends at an IoU of `last` percent."""
    inside = [round(last * k / clicks) for k in range(1, clicks + 1)]
    given = [(20 + k, 25 + k, k != 1) for k in range(clicks)]
    return Trajectory(
        strategy, group, 0, given, inside, [100] * clicks, inside, [100] * clicks
    )


def ok(name, last=80, groups=(1, 10)):
    """Returns what is recorded of an object that was played."""
    tracks = [trajectory("baseline", 0, last)]
    tracks += [trajectory("group", group, last - 20 + group) for group in groups]
    return records.InstanceRecord(name, "ok", area=400, trajectories=tuple(tracks))


def record(run, instances, image_id="photo", dataset="set"):
    """Writes what became of the objects of an image."""
    made = records.ImageRecord(dataset, image_id, 1, 1, {"encode": 0.1}, instances)
    run.write(records.to_record(made))


def picture(run, instances, image_id="photo", dataset="set", photo=None):
    """Keeps pictures of objects: a disk each, found a little better by each click."""
    if photo is None:
        photo = np.full((*SHAPE, 3), 90, np.uint8)
    shape = photo.shape[:2]
    target = disk(shape, (shape[0] // 2, shape[1] // 2), shape[0] // 4)
    masks = [disk(shape, (shape[0] // 2, shape[1] // 2), r) for r in (3, 6, 9)]
    rounds = sum(m.astype(np.uint32) << k for k, m in enumerate(masks))
    given = [
        InstanceExample(one.instance_id, target, None, np.zeros((0, 2), int), "")
        for one in instances
    ]
    setup = Setup(PROTOCOL, 0, (1, 10), True, 1)
    played = PlayedObject(
        instances[0].trajectories, target.astype(np.float32),
        [bit_masks.pack(masks[-1])] * 3,
        dict.fromkeys(range(3), rounds),
    )  # fmt: skip
    example = ImageExample(dataset, image_id, photo, tuple(given))
    artifacts.write_photograph(run, example)
    artifacts.write(
        run,
        example,
        given,
        [played] * len(given),
        [None] * len(given),
        setup,
    )
