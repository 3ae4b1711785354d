"""`jax_simpleclick` and `jax_cfr_icl` as users name them, with seeded weights."""

import json
import pathlib

import checkpoint_files
import numpy as np
import pytest
import simpleclick_cases as cases

from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
PHOTOGRAPHS = list(enumerate(cases.SHAPES["small"]))


def golden_of(name):
    return np.load(GOLDEN / f"{name}.npz", allow_pickle=False)


@pytest.fixture(scope="module")
def golden():
    return golden_of("simpleclick_small")


def save(path, golden, **config):
    lines = (str(line).split(" ", 1) for line in golden["keys"])
    state = cases.state_of({key: json.loads(shape) for key, shape in lines})
    weights = {
        key: checkpoint_files.tensor(array)
        for key, array in state.items()
        if key not in config.pop("without", ())
    }
    params = {**cases.CONFIG["params"], **config}
    content = {"config": {**cases.CONFIG, "params": params}, "state_dict": weights}
    checkpoint_files.save(path, content)
    return path


@pytest.fixture(scope="module")
def checkpoint(golden, tmp_path_factory):
    return save(tmp_path_factory.mktemp("simpleclick") / "vit.pth", golden)


@pytest.fixture(scope="module")
def segmenter(checkpoint):
    return load.load(f"jax_simpleclick:checkpoint={checkpoint}:batch=3")


def clicks_of(shape, count, rows=slice(None)):
    yx, positive = cases.clicks_on(shape)
    every = np.full(len(yx), count, np.int32)
    return Clicks(yx[:, :count], positive[:, :count], every).rows(rows)


def session_on(segmenter, shape, count=3):
    features = segmenter.encode(cases.photograph(shape))
    return segmenter.start(features, [None] * count)


def masks_of(golden, number, shape, count):
    bits = golden[f"{number}/masks"][cases.KEPT.index(count)]
    return np.unpackbits(bits, axis=-1, count=shape[1]).astype(bool)


@pytest.mark.parametrize(("number", "shape"), PHOTOGRAPHS)
def test_twenty_clicks_are_answered_as_by_the_authors(segmenter, golden, number, shape):
    session = session_on(segmenter, shape)
    different = pixels = 0
    for count in range(1, cases.ROUNDS + 1):
        masks = session.predict(np.arange(3), clicks_of(shape, count))
        if count in cases.KEPT:
            different += (masks != masks_of(golden, number, shape, count)).sum()
            pixels += masks.size
    assert different < max(1, pixels / 100_000)


def test_what_is_compared_has_crops_that_are_kept_and_crops_that_move(golden):
    crops = np.stack([golden[f"{number}/crops"] for number, _ in PHOTOGRAPHS[1:]])
    moved = (crops[:, 1:] != crops[:, :-1]).any(axis=-1)
    assert moved.any(axis=(1, 2)).all()
    assert not moved.all(axis=1).any()
    masks = [golden[f"{number}/masks"] for number, _ in PHOTOGRAPHS]
    assert all(0.01 < np.unpackbits(each).mean() < 0.9 for each in masks)
