"""What a user's own arrays give, and what is said of arrays that give nothing."""

import pathlib

import numpy as np
import pytest
import two_convolutions
from helpers import disk
from scipy import stats

from rclicks_jax import errors
from rclicks_jax.clicks import groups, simulate
from rclicks_jax.types import ClickQuery

SHAPE = (24, 32)
TARGET = disk(SHAPE, (12, 14), 8)
ERROR = TARGET & disk(SHAPE, (14, 18), 7)
IMAGE = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
DRAWS = 20000


@pytest.fixture(scope="module")
def narrow(tmp_path_factory, second_architecture):
    folder = two_convolutions.save(tmp_path_factory.mktemp("models") / "narrow")
    return simulate.load_model(folder, batch=2)


@pytest.fixture
def click_map():
    return simulate.click_map(simulate.load_model("DT"), IMAGE, TARGET, ERROR)


def shares_of(yx, shape=SHAPE):
    """Returns how often each pixel was clicked, as shares."""
    counts = np.zeros(shape)
    np.add.at(counts, tuple(yx.T), 1)
    return counts / len(yx)


def line_of(levels):
    """An oracle: pixels by (level, row-major index), each as often as its level."""
    order = np.argsort(levels, axis=None, kind="stable")
    return np.repeat(order, levels.ravel()[order])


def test_a_first_click_shall_mend_all_of_the_target():
    model = simulate.load_model("DT")
    first = simulate.click_map(model, IMAGE, TARGET)
    np.testing.assert_array_equal(
        first, simulate.click_map(model, IMAGE, TARGET, TARGET)
    )
    assert first.shape == SHAPE
    assert first.dtype == np.float32


def test_a_network_gives_maps_at_native_size(narrow):
    for shape in ((24, 32), (70, 41), (1, 1)):
        image = np.zeros((*shape, 3), np.uint8)
        assert simulate.click_map(narrow, image, np.ones(shape, bool)).shape == shape


def test_many_maps_are_those_of_each_object_alone(narrow):
    images = [IMAGE, IMAGE, IMAGE[:, :20].copy()]
    targets = [TARGET, TARGET, TARGET[:, :20]]
    wrong = [None, ERROR, None]
    together = simulate.click_maps(narrow, images, targets, wrong)
    for number, made in enumerate(together):
        alone = simulate.click_map(
            narrow, images[number], targets[number], wrong[number]
        )
        np.testing.assert_array_equal(made, alone)
    first = simulate.click_maps(narrow, images, targets)
    np.testing.assert_array_equal(first[0], together[0])
    assert simulate.click_maps(narrow, [], []) == []


@pytest.mark.parametrize(
    "same",
    [
        TARGET.astype(np.uint8),
        TARGET.astype(np.uint8) * 255,
        TARGET.astype(np.int64),
        TARGET.astype(np.float64),
        TARGET.tolist(),
    ],
)
def test_masks_of_many_types_are_taken(same):
    model = simulate.load_model("UD")
    made = simulate.click_map(model, IMAGE, same)
    np.testing.assert_array_equal(made, TARGET.astype(np.float32))


def test_a_grey_image_is_one_of_three_equal_channels(narrow):
    grey = IMAGE[..., 0]
    made = simulate.click_map(narrow, grey, TARGET)
    expected = simulate.click_map(narrow, np.stack([grey] * 3, axis=-1), TARGET)
    np.testing.assert_array_equal(made, expected)


def test_views_of_any_layout_are_taken(narrow):
    mirrored = IMAGE[:, ::-1, ::-1]
    made = simulate.click_map(narrow, mirrored, TARGET[:, ::-1])
    expected = simulate.click_map(narrow, mirrored.copy(), TARGET[:, ::-1].copy())
    np.testing.assert_array_equal(made, expected)


LABELS = np.arange(24 * 32).reshape(SHAPE)
NAN = np.where(TARGET, np.nan, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": IMAGE / 255}, r"image: got values of type float64.*u8\[h w 3\]"),
        ({"image": IMAGE[..., :2]}, r"image: got shape \(24, 32, 2\)"),
        ({"image": np.zeros((0, 5, 3), np.uint8)}, r"image: got shape \(0, 5, 3\)"),
        ({"target": TARGET[1:]}, r"target: got shape \(23, 32\).*\(24, 32\)"),
        ({"target": TARGET[..., None]}, r"target: got shape \(24, 32, 1\)"),
        ({"target": TARGET & False}, "target: got no pixel; allowed: a mask of at"),
        ({"target": LABELS}, r"integers 0, 1, 2, 3, 4, \.\.\.;.*labels == id"),
        ({"target": TARGET * 7.0}, r"target: got values in 0\.\.7.*\[0, 1\]"),
        ({"target": NAN}, "values that are no numbers"),
        ({"target": TARGET.astype(str)}, "target: got values of type <U5"),
        ({"error": ERROR[:, 1:]}, r"error: got shape \(24, 31\)"),
        ({"error": ERROR & False}, "error: got no pixel"),
        ({"error": -1.0 * ERROR}, r"error: got values in -1\.\."),
    ],
)
def test_arrays_that_cannot_be_used_are_named(changes, message):
    given = {"image": IMAGE, "target": TARGET, "error": ERROR, **changes}
    with pytest.raises(errors.BadValueError, match=message):
        simulate.click_map(simulate.load_model("DT"), **given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"click_map": TARGET}, r"click_map: got bool.*f32\[h w\]"),
        ({"click_map": NAN}, "click_map: got 197 values that are no numbers"),
        ({"click_map": TARGET - 2.0}, r"click_map: got values in -2\.\.-1"),
        ({"click_map": TARGET[None] * 1.0}, r"shape \(1, 24, 32\)"),
        ({"error": TARGET[1:]}, r"error: got shape \(23, 32\)"),
        ({"error": TARGET & False}, "error: got no pixel"),
        ({"group": 0}, "group: got 0; allowed: 1 to 10, or None"),
        ({"group": 11}, "group: got 11"),
        ({"count": -1}, "count: got -1; allowed: a whole number from 0"),
        ({"protocol": "loose"}, "'loose'. Known: paper, strict"),
    ],
)
def test_draws_that_cannot_be_made_are_named(click_map, changes, message):
    given = {"click_map": click_map, "error": TARGET, "count": 3, **changes}
    with pytest.raises((errors.BadValueError, errors.UnknownNameError), match=message):
        simulate.sample_clicks(**given)


@pytest.mark.parametrize("protocol", ["paper", "strict"])
@pytest.mark.parametrize("group", [None, *range(1, 11)])
def test_clicks_lie_in_the_error_region(click_map, group, protocol):
    everywhere = np.ones_like(click_map)
    for made in (click_map, everywhere):
        yx = simulate.sample_clicks(made, ERROR, 50, group=group, protocol=protocol)
        assert yx.shape == (50, 2)
        assert yx.dtype == np.int32
        assert ERROR[tuple(yx.T)].all()


def test_clicks_of_no_group_follow_the_whole_map(click_map):
    yx = simulate.sample_clicks(click_map, ERROR, DRAWS)
    inside = np.where(ERROR, click_map.astype(np.float64), 0)
    expected = inside / inside.sum()
    likely = expected * DRAWS > 5
    counts = (shares_of(yx) * DRAWS)[likely]
    wanted = expected[likely] / expected[likely].sum() * counts.sum()
    assert stats.chisquare(counts, wanted).pvalue > 1e-3
    assert 0.5 * np.abs(shares_of(yx) - expected).sum() < 0.04


@pytest.mark.parametrize("group", [1, pytest.param(4, marks=pytest.mark.long), 10])
def test_strict_groups_are_exact_tenths_of_the_sorted_mass(click_map, group):
    levels = groups.quantise(click_map, ERROR)
    line = line_of(levels)
    start, stop = (-(-len(line) * tenth // 10) for tenth in (group - 1, group))
    expected = np.bincount(line[start:stop], minlength=levels.size) / (stop - start)
    yx = simulate.sample_clicks(click_map, ERROR, DRAWS, group=group, protocol="strict")
    found = shares_of(yx).ravel()
    assert not found[expected == 0].any()
    assert 0.5 * np.abs(found - expected).sum() < 0.03


@pytest.mark.parametrize("group", [1, pytest.param(4, marks=pytest.mark.long), 10])
def test_paper_groups_hold_every_pixel_between_two_levels(click_map, group):
    levels = groups.quantise(click_map, ERROR)
    table = groups.mass_table(levels)
    low, high = (table.levels[end] for end in groups.level_range(table, group))
    kept = np.where((levels >= low) & (levels <= high), levels, 0)
    found = shares_of(simulate.sample_clicks(click_map, ERROR, DRAWS, group=group))
    assert not found[kept == 0].any()
    assert 0.5 * np.abs(found - kept / kept.sum()).sum() < 0.03


def test_the_likeliest_group_clicks_deeper_than_the_unlikeliest(click_map):
    first, last = (
        click_map[tuple(simulate.sample_clicks(click_map, ERROR, 200, group=g).T)]
        for g in (1, 10)
    )
    assert last.min() > first.max()


def test_fewer_clicks_are_the_first_of_more(click_map):
    many = simulate.sample_clicks(click_map, ERROR, 300, group=3, seed=5, name="a")
    for count in (0, 1, 7, 63, 64, 65):
        few = simulate.sample_clicks(click_map, ERROR, count, group=3, seed=5, name="a")
        np.testing.assert_array_equal(few, many[:count])


def test_seed_name_and_group_choose_the_draws(click_map):
    plain = simulate.sample_clicks(click_map, ERROR, 20)
    for changes in ({"seed": 1}, {"name": "a"}, {"group": 5}):
        other = simulate.sample_clicks(click_map, ERROR, 20, **changes)
        assert not np.array_equal(plain, other)


def test_a_soft_error_weighs_the_map():
    flat = np.ones((1, 4), np.float32)
    soft = np.array([[0, 0.25, 0.25, 0.5]])
    found = shares_of(simulate.sample_clicks(flat, soft, DRAWS), (1, 4))
    np.testing.assert_allclose(found, soft, atol=0.02)
    asked = simulate.query(np.zeros((1, 4, 3), np.uint8), flat, soft)
    assert asked.error_mask.dtype == np.float32


def test_a_map_without_mass_in_the_region_is_clicked_as_the_protocol_says():
    empty = np.zeros(SHAPE, np.float32)
    paper = simulate.sample_clicks(empty, TARGET, 3)
    np.testing.assert_array_equal(paper, [[12, 14]] * 3)
    strict = simulate.sample_clicks(empty, TARGET, DRAWS, protocol="strict")
    expected = TARGET / TARGET.sum()
    assert 0.5 * np.abs(shares_of(strict) - expected).sum() < 0.05


def test_arrays_come_to_the_model_as_it_takes_them():
    asked = simulate.query(IMAGE, TARGET.astype(np.uint8) * 255)
    assert isinstance(asked, ClickQuery)
    assert asked.gt_mask.dtype == bool
    assert asked.error_mask is asked.gt_mask


def test_a_model_that_is_none_is_named(tmp_path):
    with pytest.raises(errors.DataError, match="is not a model folder"):
        simulate.load_model(tmp_path)
    with pytest.raises(errors.BadValueError, match="--model=DIR"):
        simulate.load_model("")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("DT", r"text 'DT'; allowed: what .* returns: load_click_model\('DT'\)"),
        (pathlib.Path("runs/x"), r"load_click_model\('runs/x'\)"),
        (np.zeros(3), "model: got a ndarray"),
    ],
)
def test_a_spec_is_no_model(model, message):
    with pytest.raises(errors.BadValueError, match=message):
        simulate.click_map(model, IMAGE, TARGET)
    with pytest.raises(errors.BadValueError, match=message):
        simulate.click_maps(model, [IMAGE], [TARGET])


def test_models_say_what_they_are(narrow):
    assert repr(simulate.load_model("DT")) == "<click model DT>"
    assert repr(narrow) == (
        "<click model CM: variant narrow, trained on nothing, 64 pixels, batch 2, "
        "float32>"
    )


@pytest.mark.parametrize("count", [2.0, -1, "3", None])
def test_a_count_is_a_whole_number(click_map, count):
    with pytest.raises(errors.BadValueError, match=r"count: got .*a whole number"):
        simulate.sample_clicks(click_map, TARGET, count)


def test_a_batch_is_a_whole_number():
    with pytest.raises(
        errors.BadValueError, match=r"batch: got 1\.5; allowed: a whole"
    ):
        simulate.load_model("DT", batch=1.5)
