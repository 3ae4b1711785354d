"""UD of real photographs against what RClicks published of each."""

import csv

import numpy as np
import pytest

from rclicks_jax.clicks import region_maps
from rclicks_jax.data import packages, specs
from rclicks_jax.metrics import click_prediction
from rclicks_jax.types import ClickQuery

COUNTS = {"GrabCut": 50, "Berkeley": 100, "DAVIS": 35, "COCO_MVal": 26}
# Published shares of clicks inside have four digits, so as many clicks are made.
CLICKS = 10_000


def published(path, dataset):
    """What is published of each object, by its name in files without spaces."""
    with path.open() as file:
        return {
            row["full_stem"].replace(" ", "_"): row
            for row in csv.DictReader(file)
            if row["dataset"] == dataset.partition("_")[0]
        }


def clicks_on(mask, inside):
    """Clicks of which a share falls inside; where else they fall does not matter."""
    count = round(inside * CLICKS)
    within, without = np.argwhere(mask)[:1], np.argwhere(~mask)[:1]
    return np.concatenate(
        [np.repeat(within, count, axis=0), np.repeat(without, CLICKS - count, axis=0)]
    )


@pytest.mark.real
@pytest.mark.parametrize("dataset", COUNTS)
def test_pde_of_ud_is_the_share_of_clicks_inside_over_the_area(
    dataset, real_data, reference
):
    rows = published(reference("rclicks_human_inside_fraction.csv"), dataset)
    (spec,) = specs.parse(f"{dataset}:{real_data(dataset)}")
    package = packages.open_instances(spec)
    ours, theirs = [], []
    for example in map(package.read, package.select("all")):
        for one in example.instances:
            row = rows[one.instance_id]
            assert one.gt_mask.sum() == int(row["fg_pixels"])
            query = ClickQuery(example.image, one.gt_mask, one.gt_mask)
            uniform = click_prediction.as_distribution(region_maps.uniform(query))
            clicks = clicks_on(one.gt_mask, float(row["inside_fraction"]))
            ours.append(click_prediction.pde(uniform, clicks))
            theirs.append(float(row["pde_ud_published"]))
    assert len(ours) == COUNTS[dataset]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
