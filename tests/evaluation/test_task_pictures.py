"""Pictures of an evaluation are drawn once, from the models that were evaluated."""

import shutil

import numpy as np
import pytest
from clicked_folders import write_clicked

from rclicks_jax import errors
from rclicks_jax.clicks import click_models
from rclicks_jax.data import packages, specs
from rclicks_jax.evaluation import (
    job as evaluation_job,
)
from rclicks_jax.evaluation import (
    records as task_records,
)
from rclicks_jax.evaluation import (
    task_pictures,
)
from rclicks_jax.jobs import store
from rclicks_jax.ops import images
from rclicks_jax.settings import evaluation


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    place = tmp_path_factory.mktemp("clicked")
    random = np.random.default_rng(0)
    clicks = {
        (stem, "pc"): random.integers([15, 5], [55, 35], (6, 2)).tolist()
        for stem in "abcdefg"
    }
    return f"folder:{write_clicked(place, clicks)}"


@pytest.fixture(scope="module")
def evaluated(data, tmp_path_factory):
    place = tmp_path_factory.mktemp("pictured")
    asked = evaluation.EvaluateConfig(data=data, draws=2, split="all")
    evaluation_job.run(asked, place / "run")
    return store.RunFolder(place / "run")


def test_five_tasks_are_drawn_with_each_model(evaluated):
    records = task_records.read_all(evaluated)
    identity = evaluated.info().identity
    shown = task_pictures.select(records, identity)
    assert len(shown) == task_pictures.COUNT
    nss = [task_records.value(one, "DT", "raw", "nss") for one in shown]
    every = [task_records.value(one, "DT", "raw", "nss") for one in records]
    assert nss == sorted(nss)
    assert (nss[0], nss[-1]) == (min(every), max(every))
    for record in shown:
        pictures = task_pictures.read(evaluated, record)
        assert [one.name for one in pictures] == ["people", "UD", "DT"]
        drawn = [images.decode_image(one.jpeg, one.name) for one in pictures]
        assert drawn[0].shape == drawn[1].shape == drawn[2].shape
        # A map is drawn as heat, so its picture is another than the photograph's.
        assert np.abs(drawn[0].astype(int) - drawn[2]).mean() > 5


def test_other_tasks_have_no_pictures(evaluated):
    records = task_records.read_all(evaluated)
    drawn = [bool(task_pictures.read(evaluated, one)) for one in records]
    assert sum(drawn) == task_pictures.COUNT


def test_a_model_that_fails_now_spoils_no_other_picture(evaluated, data, tmp_path):
    def fail(queries):
        raise errors.SegmenterError("the worker died")

    folder = store.RunFolder(tmp_path)
    shutil.copytree(evaluated.path / "records", tmp_path / "records")
    shutil.copy(evaluated.path / "run.json", tmp_path / "run.json")
    (spec,) = specs.parse(data)
    models = {"UD": click_models.load("UD"), "DT": fail}
    task_pictures.write(folder, [packages.open_clicks(spec)], models)
    identity = folder.info().identity
    for record in task_pictures.select(task_records.read_all(folder), identity):
        pictures = task_pictures.read(folder, record)
        assert [one.name for one in pictures] == ["people", "UD"]


def test_what_is_drawn_is_not_drawn_again(evaluated):
    def fail(queries):
        raise AssertionError("drawn again")

    task_pictures.write(evaluated, [], {"UD": fail, "DT": fail})
