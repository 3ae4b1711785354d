import cv2
import numpy as np
import pytest
from helpers import disk

from rclicks_jax import config, errors
from rclicks_jax.clicks import click_models
from rclicks_jax.models import cards, clickability
from rclicks_jax.types import ClickQuery

IMAGE = np.zeros((24, 32, 3), np.uint8)
TARGET = disk((24, 32), (12, 14), 8)


def query(error_mask):
    return ClickQuery(IMAGE, TARGET, error_mask)


def test_the_uniform_model_is_the_error_region():
    (click_map,) = click_models.load("UD")([query(TARGET)])
    np.testing.assert_array_equal(click_map, TARGET.astype(np.float32))


def test_the_distance_model_is_opencvs_distance_without_a_border():
    touching = np.zeros((24, 32), bool)
    touching[:, :9] = True
    (click_map,) = click_models.load("DT")([query(touching)])
    depth = cv2.distanceTransform(
        touching.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    np.testing.assert_allclose(click_map, depth / depth.max(), rtol=1e-6)
    assert click_map[0, 0] == 1


@pytest.mark.parametrize("name", ["UD", "DT"])
def test_an_empty_region_gives_an_empty_map(name):
    (click_map,) = click_models.load(name)([query(np.zeros_like(TARGET))])
    assert click_map.shape == TARGET.shape
    assert not click_map.any()


def test_a_soft_region_is_taken():
    soft = TARGET * np.float32(0.5)
    (click_map,) = click_models.load("UD")([query(soft)])
    assert click_map.max() == 1


def test_what_is_recorded_of_a_network_names_its_precision(tmp_path):
    network = config.network("nano")
    card = cards.Card(network, 64, 5.0, "nothing", "untrained", {})
    card = cards.save(tmp_path, clickability.init_variables(network, 0), card)
    described = click_models.describe(str(tmp_path))
    assert described["checksum"] == card.checksum
    assert described["precision"] == "float32"
    rough = click_models.describe(str(tmp_path), "bfloat16")
    assert rough == {**described, "precision": "bfloat16"}
    assert click_models.describe("UD", "bfloat16") == {"name": "UD"}


def test_no_click_model_says_what_to_give():
    with pytest.raises(
        errors.BadValueError, match=r"--click_model=DIR.*UD or DT.*sample"
    ):
        click_models.load("")


def test_a_folder_that_is_no_model_is_named(tmp_path):
    with pytest.raises(errors.DataError, match="is not a model folder"):
        click_models.load(str(tmp_path))
