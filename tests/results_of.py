"""Results made of numbers, without a run."""

import dataclasses

import numpy as np

from rclicks_jax.benchmark import records
from rclicks_jax.results import aggregate, comparison
from rclicks_jax.settings import protocols
from rclicks_jax.types import Trajectory

CLICKS = 20
PIXELS = 1000


def areas(ious):
    """Returns intersections and unions of a thousand pixels, `f64[... k]`."""
    inside = np.rint(np.asarray(ious) * PIXELS).astype(np.int64)
    both = np.stack([inside, np.full_like(inside, PIXELS)], axis=-1)
    return aggregate.Areas(both, both)


def results(
    objects=12, images=6, skill=0.0, spread=0.02, seed=0, repeats=1, dataset="set"
):
    """Returns made-up results: IoU grows with clicks, and G10 fares best.

    Args:
        objects: How many; the first images have more than one.
        images: How many.
        skill: Added to every IoU.
        spread: Between groups.
        seed: Of what tells objects apart.
        repeats: Draws of each group.
        dataset: Its name.
    """
    generator = np.random.default_rng(seed)
    hard = generator.uniform(0.0, 0.25, objects)[:, None]
    curve = 1 - np.exp(-np.arange(1, CLICKS + 1) / 3)
    base = np.clip(curve - hard + skill, 0, 1)
    groups = np.linspace(-spread, spread, 10)[:, None, None]
    noise = 0.01 * generator.standard_normal((repeats, 10, objects, 1))
    people = np.clip(base - 0.01 + groups + noise, 0, 1)
    names = [f"{dataset}/{number:02}" for number in range(objects)]
    first = generator.uniform(0.2, 0.9, (objects, 7))
    return aggregate.DatasetResults(
        dataset=dataset,
        instance_ids=names,
        image_ids=[f"photo{number % images}" for number in range(objects)],
        areas=np.full(objects, PIXELS),
        groups=list(range(1, 11)),
        baseline=areas(base),
        by_group=areas(people),
        robots={},
        user_ious=list(np.clip(first + skill, 0, 1)),
        sampled_ious=[np.zeros(0)] * objects,
        input_devices={"synthetic"},
        counts={"ok": objects, "skipped": 0, "failed": 0},
        problems=[],
        seconds={},
        clicks=objects * CLICKS,
        encodes=(images, images),
    )


def run(label, **changes):
    """Returns made-up results as a run of one dataset."""
    one = results(**changes)
    return comparison.Run(label, protocols.PAPER, {one.dataset: one})


def of_ious(ious):
    """Returns results of objects on a photograph each, and a robot that needs 3 clicks.

    Args:
        ious: IoU after each click of each draw, group and object, `f64[r g n 20]`.
    """
    objects = ious.shape[2]
    made = results(objects=objects, images=objects)
    robot = np.where(np.arange(CLICKS) >= 2, 0.95, 0.3)
    return dataclasses.replace(
        made,
        baseline=areas(np.broadcast_to(robot, (objects, CLICKS))),
        by_group=areas(ious),
    )


def image_records(played, *, dataset="set", images=6, **changes):
    """Returns records of images on which objects were played.

    Args:
        played: IoU after each click, `f64[n k]`, by strategy, group and repeat.
        dataset: Its name.
        images: How many; object `i` is on image `i % images`.
        **changes: Of each object's record, a list each.
    """
    count = len(next(iter(played.values())))
    made = [
        records.InstanceRecord(
            instance_id=f"{dataset}/{number:02}",
            status="ok",
            trajectories=tuple(
                _trajectory(*key, ious[number]) for key, ious in played.items()
            ),
            **{"area": PIXELS, **{key: of[number] for key, of in changes.items()}},
        )
        for number in range(count)
    ]
    return [
        records.ImageRecord(
            dataset, f"photo{image}", 1, 1, {"score": 0.1}, tuple(made[image::images])
        )
        for image in range(min(images, count))
    ]


def _trajectory(strategy, group, repeat, ious):
    inside = [int(value) for value in np.rint(np.asarray(ious) * PIXELS)]
    union = [PIXELS] * len(inside)
    clicks = [(0, 0, True)] * len(inside)
    return Trajectory(strategy, group, repeat, clicks, inside, union, inside, union)


def collected(played, **changes):
    """Collects what `image_records` returns, of one dataset."""
    (found,) = aggregate.collect(image_records(played, **changes))
    return found
