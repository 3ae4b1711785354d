"""TranSalNet answers as RClicks has it answer, and mistakes in driving it show.

The golden file holds the maps of RClicks's own SM and SI on seeded weights. What drives
a checkout is skipped where there is none: RCLICKS_CHECKOUTS names their folder.
"""

import json

import kit
import numpy as np
import pytest
import stand_ins
import torch

cv2 = pytest.importorskip("cv2", reason="OpenCV is in requirements-checkouts.txt")

import saliency_case as case

from rclicks_jax.bridge.adapters import checkouts, transalnet
from rclicks_jax.clicks import saliency_models

# Two of the levels that saliency has; sums differ between versions of PyTorch.
TOLERANCE = 2 / 255
KINDS = pytest.mark.parametrize("kind", ["SM", "SI"])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Writes the seeded weights as the authors publish theirs."""
    # It is made before what conftest does for each test.
    stand_ins.install()
    torch.set_num_threads(1)
    network = transalnet.build(str(_checkout(case.CHECKOUT)))
    path = tmp_path_factory.mktemp("transalnet") / "TranSalNet_Res.pth"
    torch.save(case.seeded_weights(network), path)
    return path


@pytest.fixture(scope="module")
def model(checkpoint):
    options = {"checkout": str(_checkout(case.CHECKOUT)), "checkpoint": str(checkpoint)}
    return transalnet.load({**options, "device": "cpu"})


@pytest.fixture(scope="module")
def golden():
    with np.load(case.GOLDEN, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def _checkout(name):
    folder = kit.checkout(name)
    if not folder.exists():
        pytest.skip(f"no checkout {name} here; RCLICKS_CHECKOUTS says where they are")
    if not (kit.data_folder() / "GrabCut").exists():
        pytest.skip("no GrabCut here; RCLICKS_DATA_DIR says where data is")
    return folder


@KINDS
@pytest.mark.parametrize("index", [0, 1])
def test_maps_are_those_of_rclicks(model, golden, kind, index):
    made = case.play(model, kind, case.queries()[index])
    assert abs(made - golden[f"{kind}/{index}"]).max() < TOLERANCE


def test_golden_maps_have_dark_and_bright_parts(golden):
    for key, points in golden.items():
        if key != "provenance":
            inside = points[points > 0]
            assert np.ptp(np.percentile(inside, [10, 90])) > 0.25
    assert len(json.loads(str(golden["provenance"]))["commit"]) == 40


def _with(**changes):
    return lambda patch: [patch.setattr(transalnet, k, v) for k, v in changes.items()]


def _stretched(image):
    return cv2.resize(image, (transalnet.WIDTH, transalnet.HEIGHT))


def _blue_first(image, frame=transalnet.letterboxed):
    return frame(np.ascontiguousarray(image[..., ::-1]))


def _normalised(model, image):
    mean, deviation = torch.tensor(0.45), torch.tensor(0.226)
    network = model.network
    changed = model._replace(network=lambda x: network((x - mean) / deviation))
    return transalnet.saliency(changed, image)


def _without_letterbox(levels, shape):
    return cv2.resize(levels, shape[1::-1])


BUGS = {
    "stretched": _with(letterboxed=_stretched),
    "blue first": _with(letterboxed=_blue_first),
    "white padding": _with(PADDING=255),
    "padding not cut off": _with(restored=_without_letterbox),
    "the box alone": lambda patch: patch.setattr(saliency_models, "GROWTH", 1.0),
    "black around": lambda patch: patch.setattr(saliency_models, "GREY", 0),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_shows(model, golden, monkeypatch, bug):
    BUGS[bug](monkeypatch)
    made = case.play(model, "SM", case.queries()[0])
    assert abs(made - golden["SM/0"]).max() > 10 * TOLERANCE


def test_normalising_as_other_networks_shows(model, golden):
    query = case.queries()[0]
    made = saliency_models.click_map(
        query, source=lambda image: _normalised(model, image), background=False
    )
    assert abs(case.points(made) - golden["SM/0"]).max() > 10 * TOLERANCE


def test_background_shows(golden):
    assert abs(golden["SM/0"] - golden["SI/0"]).max() > 10 * TOLERANCE


@pytest.mark.parametrize(
    "shape", [(50, 70), (300, 100), (288, 384), (577, 769), (41, 400), (3, 4)]
)
def test_frames_are_those_of_the_original(shape):
    _checkout("rclicks")
    transalnet.build(str(kit.checkout("rclicks")))
    process = checkouts.find("transalnet.utils.data_process")
    random = np.random.default_rng(sum(shape))
    image = random.integers(0, 256, (*shape, 3), np.uint8)
    frame = transalnet.letterboxed(image)
    np.testing.assert_array_equal(frame, process.preprocess_img(image))
    levels = random.integers(0, 256, frame.shape[:2], np.uint8)
    np.testing.assert_array_equal(
        transalnet.restored(levels, image.shape), process.postprocess_img(levels, image)
    )


@pytest.mark.parametrize("shape", [(1, 2000), (2000, 1), (1, 1)])
def test_a_sliver_is_taken(shape):
    image = np.full((*shape, 3), 9, np.uint8)
    frame = transalnet.letterboxed(image)
    assert (frame == 9).any()
    assert transalnet.restored(frame[..., 0], shape).shape == shape


def test_levels_are_rounded_down(model):
    changed = model._replace(network=lambda x: torch.full((1, 1, 288, 384), 0.9999))
    assert (transalnet.saliency(changed, np.zeros((9, 9, 3), np.uint8)) == 254).all()


def test_both_checkouts_build_the_same_network(model, checkpoint):
    options = {"checkout": str(_checkout("rclicks")), "checkpoint": str(checkpoint)}
    other = transalnet.load({**options, "device": "cpu"})
    image = case.queries()[1].image
    np.testing.assert_array_equal(
        transalnet.saliency(other, image), transalnet.saliency(model, image)
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpoint": ""}, "option checkpoint is missing"),
        ({"checkpoint": "nowhere.pth"}, "there is no such file"),
        ({"checkout": "/"}, "a folder without transalnet/"),
        ({"batch": "2"}, "unknown options: batch"),
    ],
)
def test_a_wrong_option_is_refused(checkpoint, changes, message):
    options = {"checkout": str(_checkout(case.CHECKOUT)), "checkpoint": str(checkpoint)}
    with pytest.raises(ValueError, match=message):
        transalnet.load({**options, **changes})


def test_another_checkpoint_is_refused(checkpoint, tmp_path):
    weights = torch.load(checkpoint, weights_only=True)
    del weights["decoder.conv7.bias"]
    torch.save(weights, tmp_path / "other.pth")
    options = {
        "checkout": str(_checkout(case.CHECKOUT)),
        "checkpoint": str(tmp_path / "other.pth"),
    }
    with pytest.raises(ValueError, match=r"decoder\.conv7\.bias is missing"):
        transalnet.load(options)
