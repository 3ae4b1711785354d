"""A checkpoint of FocalClick, as it is published, loaded, refused and played."""

import importlib

import kit
import numpy as np
import published
import pytest
import torch

from rclicks_jax.bridge.adapters import focalclick

CHECKOUT = kit.checkout("ClickSEG")
pytestmark = [
    pytest.mark.skipif(
        not CHECKOUT.exists(), reason="no checkout of ClickSEG; RCLICKS_CHECKOUTS"
    ),
    # The checkout's own call of it.
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
]
WEIGHT = "refiner.refine_pred.weight"
SIZES = ((61, 90), (120, 70))
# Thirteen clicks; those after the tenth change something far from what was there.
TRAJECTORY = [
    *((30, 20, True), (20, 25, True), (50, 20, False), (35, 35, True), (12, 30, False)),
    *((40, 30, True), (25, 5, False), (35, 15, True), (30, 40, True), (10, 10, False)),
    *((48, 75, True), (12, 72, True), (30, 28, False)),
]


@pytest.fixture
def case():
    return importlib.import_module("cases.focalclick")


@pytest.fixture
def saved(case, tmp_path):
    """Writes a checkpoint, perhaps changed; returns options."""

    def write(change=lambda content: None, pipeline="s2"):
        return published.writer(
            tmp_path / "focalclick.pth",
            lambda: published.of_isegm(case.build(pipeline)),
            checkout=str(CHECKOUT),
        )(change)

    return write


@pytest.fixture
def images():
    """Returns smooth photographs: what is in them has some extent."""
    images = []
    for height, width in SIZES:
        y, x = np.mgrid[:height, :width]
        waves = [np.sin(y / 9), np.cos(x / 7), np.sin((x + y) / 11)]
        images.append(np.rint(127 * np.stack(waves, -1) + 127).astype(np.uint8))
    return images


def answers(model, image, trajectories, on_state=lambda state, count: state):
    """Plays trajectories together, a click at a time; returns `f32[t rounds h w]`."""
    features = focalclick.encode(model, image)
    state, rounds = None, []
    for count in range(1, len(trajectories[0]) + 1):
        state = on_state(state, count)
        clicks = kit.batch_of(trajectories, count)
        answer, state = focalclick.predict(model, features, clicks, state)
        rounds.append(answer.numpy().copy())
    return np.stack(rounds, axis=1)


@pytest.mark.parametrize("pipeline", ["s1", "s2"])
def test_a_published_checkpoint_is_loaded(case, saved, pipeline):
    options = {**saved(pipeline=pipeline), "batch": "5", "device": "cpu"}
    model = focalclick.load(options)
    assert model.frame.batch == 5
    assert model.frame.fixed == (256, 256)
    assert model.network.pipeline_version == pipeline
    for key, value in case.build(pipeline).state_dict().items():
        np.testing.assert_array_equal(model.network.state_dict()[key], value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (published.without(WEIGHT), f"{WEIGHT} is missing"),
        (published.resized(WEIGHT, 1, 2), rf"{WEIGHT} is \(1, 2\)"),
        *published.WRONG_ISEGM,
    ],
)
def test_a_wrong_checkpoint_is_refused(saved, change, message):
    with pytest.raises(ValueError, match=message):
        focalclick.load(saved(change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *published.WRONG_OPTIONS,
        ({"checkout": "/"}, "a folder without isegm/"),
        ({"flip": "no"}, "unknown options: flip"),
        ({"target": "big"}, "a whole number from 1"),
    ],
)
def test_a_wrong_option_is_refused(saved, changes, message):
    with pytest.raises(ValueError, match=message):
        focalclick.load({**saved(), **changes})


@pytest.mark.parametrize("pipeline", ["s1", "s2"])
def test_pipelines_answer_as_the_original_beyond_ten_clicks(case, images, pipeline):
    network = case.Local(case.build(pipeline))
    expected = case.reference(network, images[0], TRAJECTORY)
    made = answers(case.model(network), images[0], [TRAJECTORY])[0]
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-5)
    # Only the box around the change is new from the eleventh click on.
    kept = [np.isclose(made[i], made[i - 1], atol=1e-6).mean() for i in (9, 11)]
    assert kept[0] < 0.5 < kept[1] < 1


def small_then_lost():
    """Returns what stands for the last answer before clicks 3 and 4."""
    block = np.zeros((1, 1, *SIZES[0]), np.float32)
    block[:, :, 15:41, 25:56] = 0.9
    return {3: block, 4: 0 * block}


def test_an_object_that_is_lost_is_answered_as_by_the_original(case, images):
    network = case.Local(case.build("s2"))
    given = small_then_lost()

    def to_original(predictor, count):
        if count in given:
            predictor.prev_prediction = torch.from_numpy(given[count])
            predictor.transforms[0]._prev_probs = given[count]

    def to_adapter(state, count):
        if count not in given:
            return state
        return {**state, "probabilities": torch.from_numpy(given[count][0])}

    trajectory = TRAJECTORY[:5]
    expected = case.reference(network, images[0], trajectory, before=to_original)
    made = answers(case.model(network), images[0], [trajectory], to_adapter)[0]
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-5)
    # The original puts the answer of the whole photograph where the last crop was.
    strict = case.model(network, empty_mask_keeps_crop=False)
    other = answers(strict, images[0], [trajectory], to_adapter)[0]
    np.testing.assert_array_equal(other[:3], made[:3])
    assert (made[3, :5] == 0).all()
    assert (other[3, :5] > 0).all()

    def to_one_without_a_crop(state, count):
        state = to_adapter(state, count)
        return {**state, "crop": 0 * state["crop"] - 1} if count == 4 else state

    # The second pass too must not look at where the last crop was.
    alike = answers(strict, images[0], [trajectory], to_one_without_a_crop)[0]
    np.testing.assert_array_equal(other[3], alike[3])


class TopRow:
    """A network that finds the first row of pixels, and refines nothing."""

    def __call__(self, inputs, points):
        logits = torch.full_like(inputs[:, :1], -5)
        logits[:, :, 0] = 5
        return {"instances": logits, "feature": logits}


def test_where_there_is_no_box_to_refine_the_coarse_answer_stays(case, images):
    # The original's box ends before the row that it is around, and it fails.
    case.checkouts.use(str(CHECKOUT), "isegm")
    with pytest.raises(RuntimeError, match="sizes should be greater than 0"):
        case.reference(TopRow(), images[0], TRAJECTORY[:1])
    made = answers(case.model(TopRow()), images[0], [TRAJECTORY[:1]])[0]
    np.testing.assert_allclose(made[0, 0], torch.sigmoid(torch.tensor(5.0)))
    assert (made[0, 1:] < 0.01).all()


class Everywhere:
    """A network that finds an object wherever it looks."""

    def __call__(self, inputs, points):
        logits = torch.full_like(inputs[:, :1], 5)
        return {"instances": logits, "feature": logits}

    def refine(self, inputs, points, layers, logits, regions):
        return {"instances_refined": torch.full_like(inputs[:, :1], 5)}


def test_what_is_far_away_stays_after_the_tenth_click_of_each_trajectory(case, images):
    before = torch.full((2, *SIZES[0]), 0.2)
    before[:, 20:40, 30:50] = 0.9
    state = {"probabilities": before, "crop": torch.full((2, 4), -1)}
    yx = np.full((2, 11, 2), (30, 40), np.int32)
    clicks = kit.Clicks(yx, np.ones((2, 11), bool), np.array([10, 11]))
    model = case.model(Everywhere())
    made, _ = focalclick.predict(
        model, focalclick.encode(model, images[0]), clicks, state
    )
    np.testing.assert_allclose(made[:, 0, 0], [0, 0.2], atol=1e-6)
    assert (made[:, 30, 40] > 0.99).all()


def test_trajectories_together_equal_those_alone(case, images):
    network = case.Local(case.build("s2"))
    trajectories = kit.clicks_on(images[1])
    together = answers(case.model(network, batch=2), images[1], trajectories)
    for row, trajectory in enumerate(trajectories):
        alone = answers(case.model(network), images[1], [trajectory])
        np.testing.assert_allclose(together[row], alone[0], rtol=0, atol=1e-5)
