import cv2
import hypothesis
import hypothesis.extra.numpy as hnp
import jax
import numpy as np
import pytest
from helpers import disk

from rclicks_jax import cache, errors
from rclicks_jax.clicks import click_models, groups, region_maps
from rclicks_jax.networks import cards, clickability
from rclicks_jax.settings import networks
from rclicks_jax.training import toy_model
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


regions = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12).flatmap(
    lambda shape: hnp.arrays(bool, shape)
)


@hypothesis.given(regions)
@hypothesis.settings(deadline=None)
def test_the_distance_model_looks_at_all_that_is_near(region):
    depth = cv2.distanceTransform(
        region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    highest = max(float(depth.max()), 1e-9)
    made = region_maps.distance_inside(query(region))
    np.testing.assert_allclose(made, depth / highest, rtol=1e-6)


def test_equal_distances_are_equal_to_the_last_bit():
    # OpenCV's are not, on 17 of these 60 regions.
    for radius in range(20, 80):
        shape = (3 * radius, 4 * radius)
        region = disk(shape, (radius, radius), radius)
        region |= disk(shape, (1.6 * radius, 2.3 * radius), 1.2 * radius)
        depth = cv2.distanceTransform(
            region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
        squares = np.rint(depth.astype(np.float64) ** 2)
        made = region_maps.distance_inside(query(region))
        assert len(np.unique(made)) == len(np.unique(squares))


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
    network = networks.network("nano")
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
        errors.BadValueError, match=r"--click_model=DIR.*UD or DT.*SI or SM.*sample"
    ):
        click_models.load("")


def test_a_folder_that_is_no_model_is_named(tmp_path):
    with pytest.raises(errors.DataError, match="is not a model folder"):
        click_models.load(str(tmp_path))


@pytest.mark.parametrize("use", [click_models.load, click_models.describe])
@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("quux", ""),
        ("ud", "Do you mean UD"),
        ("dt", "Do you mean DT"),
        ("toi", "mean toy"),
    ],
)
def test_an_unknown_model_says_what_there_is(use, spec, meant):
    known = rf".*{meant}.*Known: DT, SI, SM, UD, toy\. Or a model folder"
    with pytest.raises(errors.UnknownNameError, match=f"click model '{spec}'.{known}"):
        use(spec)


@pytest.mark.parametrize("use", [click_models.load, click_models.describe])
def test_a_folder_that_is_not_there_is_named_as_one(use):
    with pytest.raises(errors.DataError, match="There is no model folder runs/gone"):
        use("runs/gone")


@pytest.mark.parametrize("name", ["toy", "sample"])
def test_the_toy_model_is_made_when_it_is_named(monkeypatch, tmp_path, name):
    made = []
    monkeypatch.setattr(toy_model, "folder", lambda: made.append(1) or str(tmp_path))
    with pytest.raises(errors.DataError, match=f"{tmp_path} is not a model folder"):
        click_models.load(name)
    assert made == [1]


def test_the_toy_model_is_at_hand_once_it_was_trained(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    assert toy_model.if_trained() == ""
    model = toy_model._workdir() / "model"
    model.mkdir(parents=True)
    (model / "card.json").touch()
    assert toy_model.if_trained() == str(model)


@pytest.mark.parametrize("use", [click_models.load, click_models.describe])
def test_a_function_takes_no_options(use):
    with pytest.raises(errors.BadValueError, match="DT: got options size; allowed: no"):
        use("DT:size=3")


@pytest.mark.parametrize(
    ("spec", "title"),
    [
        ("UD", "UD"),
        ("DT", "DT"),
        ("runs/clickability/model/", "CM clickability"),
        ("gs://bucket/runs:2/model", "CM runs:2"),
        ("toy", "CM toy"),
        ("SM:checkout=DIR:checkpoint=FILE", "SM"),
        ("SI:adapter=transalnet:checkpoint=FILE", "SI"),
        ("SI:adapter=mine/deep_gaze.py:python=PYTHON", "SI (deep gaze)"),
        ("SM:command=./worker --fast", "SM (worker)"),
        ("SM:source=spectral_residual", "SM (spectral residual)"),
    ],
)
def test_tables_call_a_model_by_what_it_is(spec, title):
    assert click_models.title(spec) == title


def test_equal_names_get_more_of_their_path():
    specs = ["UD", "runs/a/small/model", "runs/b/small/model/"]
    titles = click_models.titles(specs)
    assert titles == dict(zip(["UD", "CM a/small", "CM b/small"], specs, strict=True))
    assert list(click_models.titles(specs[:2])) == ["UD", "CM small"]
    with pytest.raises(errors.BadValueError, match="different names for each"):
        click_models.titles(["UD", "DT", "UD"])


class Network:
    """Makes two maps in a pass, and no pass that has an odd query."""

    name, rows = "CM", 2

    def __init__(self):
        self.asked = []

    def __call__(self, queries):
        numbers = [int(query.image[0, 0, 0]) for query in queries]
        self.asked.append(numbers)
        if any(number % 2 for number in numbers):
            raise errors.SegmenterError(f"odd: {numbers}")
        return [np.full((2, 2), number, np.float32) for number in numbers]


class Answers:
    """A click model that gives the same whatever it is asked."""

    name = "answers"

    def __init__(self, *maps):
        self.maps = [np.asanyarray(each) for each in maps]

    def __call__(self, queries):
        return self.maps


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ([[[0.5, np.nan], [1, 1]]], "gave 1 values that are no finite numbers"),
        ([[[0.5, np.inf], [np.inf, 1]]], "gave 2 values that are no finite numbers"),
        ([[[0.5, -0.25], [1, 1]]], "negative values, down to -0.25"),
        ([[[0.5, 1, 1], [1, 1, 1]]], r"of shape \(2, 3\) for an image of \(2, 2\)"),
        # Above all that float32 holds, where nothing would be drawn from.
        ([[[1e300, 1e300], [1, 1]]], "gave 2 values that are no finite numbers"),
        ([np.ones((2, 2), complex)], "complex128 values; allowed: real numbers"),
        ([np.full((2, 2), None)], "object values"),
        ([np.ma.masked_less([[1, 2], [3, 4]], 2)], "masked values"),
        ([], "0 maps for 1 queries"),
    ],
)
def test_what_is_no_density_is_refused_in_one_place(maps, message):
    mask = np.ones((2, 2), bool)
    query = ClickQuery(np.zeros((2, 2, 3), np.uint8), mask, mask)
    with pytest.raises(errors.DataError, match=message):
        click_models.maps_of(Answers(*maps), [query])
    if maps:
        (answer,) = click_models.attempt(Answers(*maps), [query])
        assert isinstance(answer, errors.DataError)


def test_maps_come_as_float32_whatever_a_model_gives():
    mask = np.ones((2, 2), bool)
    query = ClickQuery(np.zeros((2, 2, 3), np.uint8), mask, mask)
    for dtype in (np.float64, np.uint8, bool):
        (made,) = click_models.maps_of(Answers(np.eye(2, dtype=dtype)), [query])
        assert made.dtype == np.float32
        np.testing.assert_array_equal(made, np.eye(2))


@pytest.mark.parametrize("peak", [0, 1e-30, 1e-45])
def test_a_map_is_blank_where_nothing_would_be_drawn_from_it(peak):
    region = np.ones((2, 2), bool)
    click_map = np.full((2, 2), peak, np.float32)
    assert not groups.quantise(click_map, region).any()
    assert click_models.is_blank(click_map)
    assert groups.quantise(click_map + np.float32(1e-29), region).all()
    assert not click_models.is_blank(click_map + np.float32(1e-29))


def test_weights_that_are_no_numbers_are_refused_when_they_are_read(tmp_path):
    network = networks.network("nano")
    variables = clickability.init_variables(network, 0)
    leaf = jax.tree.leaves(variables["params"])[-1]
    leaf.flat[0] = np.nan
    card = cards.Card(network, 64, 5.0, "nothing", "diverged", {})
    cards.save(tmp_path, variables, card)
    with pytest.raises(errors.DataError, match=r"not finite.* in 1 of "):
        click_models.load(str(tmp_path))


def test_one_query_that_fails_takes_no_other_with_it():
    model = Network()
    images = [np.full((2, 2, 3), number, np.uint8) for number in (2, 4, 6, 7, 8)]
    mask = np.ones((2, 2), bool)
    answers = click_models.attempt(model, [ClickQuery(i, mask, mask) for i in images])
    assert model.asked == [[2, 4], [6, 7], [6], [7], [8]]
    assert str(answers.pop(3)) == "odd: [7]"
    assert [int(answer[0, 0]) for answer in answers] == [2, 4, 6, 8]
