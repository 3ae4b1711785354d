"""Every number of a record, made again from the files by other means."""

import dataclasses

import numpy as np
import pytest
import scipy.stats
from helpers import write_image

from rclicks_jax import hashing
from rclicks_jax.clicks import click_models
from rclicks_jax.data import targets
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.jobs import store
from rclicks_jax.metrics import click_prediction, ks2d, saliency
from rclicks_jax.settings import evaluation
from rclicks_jax.types import ClickQuery

SHAPE, DRAWS, SEED = (60, 90), 25, 3
# The target is wide and flat; the error is neither its shape nor within it.
TARGET = np.zeros(SHAPE, bool)
TARGET[10:18, 20:60] = True
WRONG = np.zeros(SHAPE, bool)
WRONG[30:55, 5:17] = True
POINTS = np.random.default_rng(5).integers([30, 5], [55, 17], (9, 2))
SETTINGS = evaluation.EvaluateConfig(
    click_models=("UD", "DT"), draws=DRAWS, seed=SEED, split="all", processes=1
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One task: clicks on what was segmented beside the target."""
    place = tmp_path_factory.mktemp("data")
    mine = place / "mine"
    write_image(mine / "images" / "a.png", np.zeros((*SHAPE, 3), np.uint8))
    write_image(mine / "masks" / "a.png", TARGET.astype(np.uint8) * 255)
    previous = (TARGET | WRONG).astype(np.uint8) * 255
    write_image(mine / "prev_masks" / "a_later.png", previous)
    head = (
        "dataset,image_stem,object_stem,full_stem,click_type,model_type,device,x,y,w,h"
    )
    rows = [f"mine,a,,a_later,fp,x,pc,{x},{y},{SHAPE[1]},{SHAPE[0]}" for y, x in POINTS]
    (place / "clicks.csv").write_text("\n".join([head, *rows]) + "\n")
    return mine


@pytest.fixture(scope="module")
def values(folder, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run")
    evaluation_job.run(dataclasses.replace(SETTINGS, data=f"folder:{folder}"), workdir)
    (record,) = task_records.read_all(store.RunFolder(workdir))
    assert (record.click_type, record.clicks, record.status) == ("fp", 9, "ok")
    return record.models


@pytest.fixture(params=["UD", "DT"])
def model(request):
    return request.param


@pytest.fixture
def distribution(model):
    query = ClickQuery(
        np.zeros((*SHAPE, 3), np.uint8), TARGET, WRONG.astype(np.float32)
    )
    (click_map,) = click_models.load(model)([query])
    return np.asarray(click_map, np.float64) / np.sum(click_map, dtype=np.float64)


@pytest.fixture
def drawn(model, distribution):
    seeds = (SEED, hashing.stable_hash(f"mine/a_later/{model}"))
    generator = np.random.Generator(np.random.Philox(seeds))
    return click_prediction.draw_clicks(distribution, DRAWS, len(POINTS), generator)


def test_distances_are_in_boxes_of_the_target(values, model, drawn):
    height, width = 8, 40
    pl1 = [
        abs(y - v) / height + abs(x - u) / width
        for one in drawn
        for y, x in one
        for v, u in POINTS
    ]
    wd = [scipy.stats.wasserstein_distance_nd(one, POINTS) for one in drawn]
    found = values[model]["raw"]
    assert found["pl1"] == pytest.approx(np.mean(pl1), rel=1e-6)
    assert found["wd"] == pytest.approx(np.mean(wd) / np.hypot(height, width), rel=1e-6)


def test_expected_pl1_is_of_the_whole_map(values, model, distribution):
    yx = np.indices(SHAPE).reshape(2, -1).T
    away = abs(yx[:, None] - POINTS) / np.array([8, 40])
    expected = (distribution.reshape(-1, 1) * away.sum(axis=-1)).sum(0).mean()
    assert values[model]["raw"]["pl1_expected"] == pytest.approx(expected, rel=1e-6)


def test_draws_are_told_from_clicks_at_five_percent(values, drawn, model):
    xy = POINTS[:, ::-1].astype(float)
    p_values = np.array([ks2d.ks_p_value(one[:, ::-1], xy) for one in drawn])
    assert values[model]["raw"]["ks"] == pytest.approx((p_values > 0.05).mean())
    if model == "UD":
        # Else another level would give the same.
        assert ((p_values > 0.01) & (p_values < 0.05)).any()


def test_maps_are_read_where_people_clicked(values, model, distribution):
    there = distribution[tuple(POINTS.T)]
    found = values[model]["raw"]
    assert found["pde"] == pytest.approx(there.mean(), rel=1e-5)
    nss = (there - distribution.mean()) / distribution.std()
    assert found["nss"] == pytest.approx(nss.mean(), rel=1e-5)
    # A hundredth of each map is spread over the photograph.
    ours, uniform = (0.99 * p + 0.01 / WRONG.size for p in (there, 1 / WRONG.sum()))
    assert found["ig"] == pytest.approx(np.log2(ours / uniform).mean(), abs=1e-5)


def test_click_maps_are_compared_with_ones_of_sigma_5(values, model, distribution):
    learnt = targets.click_map(POINTS, WRONG.astype(np.float32), 5.0)
    wider = targets.click_map(POINTS, WRONG.astype(np.float32), 20.0)
    expected = saliency.compare(distribution, learnt)
    assert expected["sim"] != pytest.approx(
        saliency.compare(distribution, wider)["sim"]
    )
    for name in ("kld", "cc", "sim"):
        assert values[model]["raw"][name] == pytest.approx(expected[name], rel=1e-5)


@pytest.mark.parametrize(("protocol", "rescaled"), [("paper", True), ("strict", False)])
def test_the_paper_scales_maps_of_networks_once_more(
    folder, tmp_path, monkeypatch, protocol, rescaled
):
    asked, load = [], click_models.load

    def noted(spec, **settings):
        asked.append(settings["rescale"])
        return load(spec, **settings)

    monkeypatch.setattr(click_models, "load", noted)
    settings = dataclasses.replace(
        SETTINGS, data=f"folder:{folder}", protocol=protocol, click_models=("UD",)
    )
    evaluation_job.run(settings, tmp_path)
    assert asked == [rescaled]
