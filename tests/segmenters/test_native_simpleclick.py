"""`jax_simpleclick` and `jax_cfr_icl` as users name them, with seeded weights."""

import pathlib

import checkpoint_files
import golden_keys
import numpy as np
import pytest
import simpleclick_cases as cases

from rclicks_jax import errors, registry
from rclicks_jax.segmenters import load, specs
from rclicks_jax.segmenters.conformance import suite
from rclicks_jax.segmenters.native import cfr_icl, simpleclick
from rclicks_jax.segmenters.native.simpleclick_method import Notes
from rclicks_jax.types import Clicks

pytestmark = pytest.mark.usefixtures("compiled_for_users")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
PHOTOGRAPHS = list(enumerate(cases.SHAPES["small"]))
# The smallest has one crop, which is all of it.
SMALLEST, OTHERS = PHOTOGRAPHS[0][1], PHOTOGRAPHS[1:]


def golden_of(name):
    return np.load(GOLDEN / f"{name}.npz", allow_pickle=False)


@pytest.fixture(scope="module")
def golden():
    return golden_of("simpleclick_small")


@pytest.fixture(scope="module")
def checkpoint(golden, tmp_path_factory):
    state = cases.state_of(golden_keys.shapes_in(golden))
    state = {key: checkpoint_files.tensor(array) for key, array in state.items()}
    path = tmp_path_factory.mktemp("simpleclick") / "vit.pth"
    checkpoint_files.save(path, {"config": cases.CONFIG, "state_dict": state})
    return path


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


@pytest.mark.parametrize(("number", "shape"), OTHERS)
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
    crops = np.stack([golden[f"{number}/crops"] for number, _ in OTHERS])
    moved = (crops[:, 1:] != crops[:, :-1]).any(axis=-1)
    assert moved.any(axis=(1, 2)).all()
    assert not moved.all(axis=1).any()
    masks = [golden[f"{number}/masks"] for number, _ in OTHERS]
    assert all(0.01 < np.unpackbits(each).mean() < 0.9 for each in masks)


def test_a_mistake_in_the_threshold_shows(segmenter, golden):
    number, shape = OTHERS[1]
    session, shares = session_on(segmenter, shape), []
    for count in range(1, 8):
        given = np.arange(3), clicks_of(shape, count)
        masks, soft = session.predict_with_probabilities(*given)
        np.testing.assert_array_equal(masks, soft > 0.49)
        if count in cases.KEPT:
            expected = masks_of(golden, number, shape, count)
            assert (masks != expected).mean() < 1e-5
            shares.append(((soft > 0.5) != expected).mean())
    # Few probabilities lie between the two.
    assert max(shares) > 50 * 1e-5


@pytest.mark.usefixtures("compiled_fast")
def test_without_zoom_every_click_sees_the_whole_photograph(checkpoint):
    spec = f"jax_simpleclick:checkpoint={checkpoint}:zoom=no:flip=no"
    method = load.load(spec).method
    assert not method.frame.flip
    shape = OTHERS[0][1]
    clicks, answered = clicks_of(shape, 2), np.ones(3, bool)
    notes = Notes(
        box=np.tile([30, 40, 50, 60], (3, 1)),
        crop=np.tile([20, 219, 10, 209], (3, 1)),
        following=np.zeros(3, np.int32),
        still=np.zeros(3, bool),
    )
    prompts = method.prompts(shape, clicks, answered, notes)
    whole = [0, shape[0] - 1, 0, shape[1] - 1]
    np.testing.assert_array_equal(prompts.crop, [whole] * 3)
    scaled = clicks.yx * 448 / np.array(shape)
    np.testing.assert_allclose(prompts.points, scaled, rtol=1e-6)
    np.testing.assert_allclose(prompts.mirrored, 447 - scaled[..., 1], rtol=1e-5)


def test_trajectories_that_end_keep_their_crops(segmenter, golden):
    number, shape = OTHERS[1]
    session = session_on(segmenter, shape, count=4)
    for count in (1, 2):
        session.predict(np.arange(3), clicks_of(shape, count))
    masks = session.predict(np.array([1]), clicks_of(shape, 3, [1]))
    assert (masks != masks_of(golden, number, shape, 3)[1:2]).sum() < 5
    first = session.predict(np.array([3]), clicks_of(shape, 1, [2]))
    assert (first != masks_of(golden, number, shape, 1)[2:]).sum() < 5


def test_the_first_click_has_a_cascade_as_in_rclicks(checkpoint):
    golden = golden_of("cfr_icl_small")
    shape = PHOTOGRAPHS[1][1]
    segmenter = load.load(f"jax_cfr_icl:checkpoint={checkpoint}:batch=3")
    session = session_on(segmenter, shape)
    for count in (1, 2, 3):
        masks = session.predict(np.arange(3), clicks_of(shape, count))
        expected = masks_of(golden, 1, shape, count)
        assert (masks != expected).mean() < 1e-5
        plain = masks_of(golden_of("simpleclick_small"), 1, shape, count)
        assert (expected != plain).mean() > 1e-3


def test_a_cascade_stops_where_the_mask_hardly_changes(segmenter, checkpoint):
    spec = f"jax_cfr_icl:checkpoint={checkpoint}:batch=3:cascade=4:adaptive=yes"
    answers = []
    for each in (segmenter, load.load(spec)):
        session, passes = session_on(each, SMALLEST), 1 if answers else 5
        every = [
            session.predict(np.arange(3), clicks_of(SMALLEST, 1)) for _ in range(passes)
        ]
        answers.append(np.stack(every))
    plain, (adaptive,) = answers
    changed = (plain[1:] != plain[:-1]).sum(axis=(2, 3))
    stopped = set()
    for row in range(3):
        # It stops at the pass whose mask is still, and keeps what that pass answered.
        last = next((n for n in range(4) if changed[n, row] <= 20), 3) + 1
        stopped.add(last)
        np.testing.assert_array_equal(adaptive[row], plain[last, row])
    assert min(stopped) < 4


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("shape", [(1, 300), (300, 2)])
def test_thin_photographs_are_answered(segmenter, shape):
    features = segmenter.encode(np.zeros((*shape, 3), np.uint8))
    clicks = Clicks(
        np.zeros((1, 1, 2), np.int32), np.ones((1, 1), bool), np.ones(1, np.int32)
    )
    masks = segmenter.start(features, [None]).predict(np.arange(1), clicks)
    assert masks.shape == (1, *shape)


@pytest.mark.long
def test_it_conforms(checkpoint):
    told = []
    spec = f"jax_cfr_icl:checkpoint={checkpoint}:batch=3"
    assert suite.conforms(suite.check(spec, report=told.append)), told


def test_a_run_records_how_it_looks_at_photographs(checkpoint):
    spec = f"jax_cfr_icl:checkpoint={checkpoint}:dataset=DAVIS:cascade=4:adaptive=yes"
    options = load.load(spec).description["options"]
    assert (options["side"], options["cascade"], options["adaptive"]) == (672, 4, True)
    assert options["checkpoint"].startswith("vit.pth sha256:")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("jax_simpleclick", "nothing.*show simpleclick"),
        ("jax_cfr_icl", "nothing.*show cfr_icl"),
        ("jax_simpleclick:checkpoint={}:target=-1", "-1.*a side in pixels"),
        ("jax_simpleclick:checkpoint={}:dataset=davis", "davis.*DAVIS, in capital"),
        ("jax_simpleclick:checkpoint={}:flip=maybe", "maybe.*yes.*no"),
        ("jax_simpleclick:checkpoint={}:cascade=1", "cascade"),
        ("jax_cfr_icl:checkpoint={}:cascade=-1", "cascade.*-1.*0 or more"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_loaded(
    checkpoint, options, message
):
    with pytest.raises(errors.RClicksError, match=message):
        specs.check(options.format(checkpoint))


def test_squares_that_windows_do_not_tile_are_refused(checkpoint):
    with pytest.raises(errors.BadValueError, match=r"side of the square.*480"):
        load.load(f"jax_simpleclick:checkpoint={checkpoint}:target=480")


def test_a_file_of_another_method_is_refused(tmp_path):
    path = tmp_path / "sam.pth"
    weight = checkpoint_files.tensor(np.zeros((2, 3), np.float32))
    checkpoint_files.save(path, {"image_encoder.pos_embed": weight})
    with pytest.raises(errors.SegmenterError, match=r"sam\.pth.*none of SimpleClick"):
        load.load(f"jax_simpleclick:checkpoint={path}")


def test_registered_names_open_them():
    for name, module in (("jax_simpleclick", simpleclick), ("jax_cfr_icl", cfr_icl)):
        assert registry.NATIVE_SEGMENTERS[name] == module.__name__
        assert name == module.NAME
