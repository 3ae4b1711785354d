"""Results made of numbers, without a run."""

import numpy as np

from rclicks_jax import config
from rclicks_jax.results import aggregate, comparison

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
    return comparison.Run(label, config.PAPER, {one.dataset: one})
