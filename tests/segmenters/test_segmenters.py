import numpy as np
import pytest
from helpers import disk

from rclicks_jax import errors, registry
from rclicks_jax.segmenters import base, load
from rclicks_jax.types import Clicks

SHAPE = (40, 56)
TARGET = disk(SHAPE, (20, 25), 12)
IMAGE = np.random.default_rng(0).integers(0, 80, (*SHAPE, 3), dtype=np.uint8)
IMAGE[TARGET] += 140


def first_clicks(*points):
    yx = np.array(points, np.int32)[:, None]
    return Clicks(yx, np.ones((len(points), 1), bool), np.ones(len(points), np.int32))


def predict(spec, *points):
    segmenter = load.load(spec)
    features = segmenter.encode(IMAGE)
    session = segmenter.start(features, [TARGET] * len(points))
    masks = session.predict(np.arange(len(points)), first_clicks(*points))
    segmenter.release(features)
    segmenter.close()
    return masks


@pytest.mark.parametrize("name", registry.SEGMENTERS)
def test_every_segmenter_of_the_catalogue_answers(name):
    masks = predict(name, (20, 25), (22, 30))
    assert masks.shape == (2, *SHAPE)
    assert masks.dtype == bool
    np.testing.assert_array_equal(predict(name, (20, 25), (22, 30)), masks)
    np.testing.assert_array_equal(predict(name, (22, 30))[0], masks[1])


@pytest.mark.parametrize("name", ["random_walker", "grabcut"])
def test_real_ones_find_an_easy_object(name):
    (mask,) = predict(name, (20, 25))
    assert (mask & TARGET).sum() / (mask | TARGET).sum() > 0.7


def test_the_oracle_knows_and_the_stuck_one_never_learns():
    (known,) = predict("oracle", (20, 25))
    np.testing.assert_array_equal(known, TARGET)
    (early,) = predict("oracle:after=3", (20, 25))
    assert early.sum() < TARGET.sum()
    segmenter = load.load("stuck")
    session = segmenter.start(segmenter.encode(IMAGE), [TARGET])
    answers = []
    for count in (1, 2):
        yx = np.array([[[20, 25], [3, 3]]], np.int32)
        clicks = Clicks(yx, np.ones((1, 2), bool), np.array([count], np.int32))
        answers.append(session.predict(np.arange(1), clicks))
    np.testing.assert_array_equal(*answers)


def test_encodes_are_counted():
    segmenter = load.load("oracle")
    segmenter.encode(IMAGE)
    segmenter.encode(IMAGE)
    assert segmenter.encodes == 2


def test_states_stay_with_their_trajectories_when_others_end(tmp_path):
    adapter = tmp_path / "counts.py"
    adapter.write_text(
        "import numpy as np\n"
        "def load(options): return options\n"
        "def encode(model, image): return image.shape[:2]\n"
        "def predict(model, shape, clicks, state):\n"
        "    seen = clicks.yx[:, 0, 0] if state is None else state['first']\n"
        "    assert (seen == clicks.yx[:, 0, 0]).all()\n"
        "    return np.zeros((len(seen), *shape), bool), {'first': seen}\n"
    )
    for spec in (str(adapter), f"bridge:adapter={adapter}"):
        segmenter = load.load(spec)
        session = segmenter.start(segmenter.encode(IMAGE), [TARGET] * 4)
        clicks = first_clicks((1, 1), (2, 1), (3, 1), (4, 1))
        for rows in ([0, 1, 2, 3], [0, 2, 3], [3]):
            masks = session.predict(np.array(rows), clicks.rows(rows))
            assert masks.shape == (len(rows), *SHAPE)
        segmenter.close()


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros((2, 3, 4), np.float32), "float32 instead of bool"),
        (np.full((2, 3, 4), np.nan), "NaN instead of masks"),
        (np.zeros((1, 3, 4), bool), r"shape \(1, 3, 4\) instead of \(2, 3, 4\)"),
        (np.zeros((2, 4, 3), bool), "instead of"),
        (None, "instead of bool"),
    ],
)
def test_what_cannot_be_scored_is_explained(masks, message):
    with pytest.raises(errors.SegmenterError, match=f"mine returned.*{message}"):
        base.checked_masks("mine", masks, 2, (3, 4))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def load(options): pass\n", "lacks encode, predict"),
        ("raise ImportError('no torch')\n", "ImportError: no torch"),
        ("def load(o): 1 / 0\nencode = predict = load\n", "ZeroDivisionError"),
    ],
)
def test_a_broken_adapter_is_explained(tmp_path, body, message):
    path = tmp_path / "mine.py"
    path.write_text(body)
    with pytest.raises(errors.SegmenterError, match=message):
        load.load(str(path))


def test_unknown_names_list_the_known_ones():
    known = r"'magic'.*grabcut.*random_walker.*sam2"
    with pytest.raises(errors.UnknownNameError, match=known):
        load.load("magic")
    with pytest.raises(errors.BadValueError, match="key=value"):
        load.load("random_walker:96")
    with pytest.raises(errors.SegmenterError, match="not a Python file"):
        load.load("/no/such/file.py")


SOFT = """
import numpy as np

THRESHOLD = 0.4


def load(options):
    return float(options["value"])


def encode(model, image):
    return np.full(image.shape[:2], model, np.float32)


def predict(model, features, clicks, state):
    return np.stack([features] * len(clicks.count)), state
"""


def test_an_adapter_may_answer_with_probabilities_in_this_process_too(tmp_path):
    path = tmp_path / "soft.py"
    path.write_text(SOFT)
    clicks = Clicks(
        np.zeros((2, 1, 2), np.int32), np.ones((2, 1), bool), np.ones(2, int)
    )
    for value, expected in (("0.5", True), ("0.4", False)):
        segmenter = load.load(f"{path}:value={value}")
        image = np.zeros((3, 4, 3), np.uint8)
        session = segmenter.start(segmenter.encode(image), [image[..., 0] > 0] * 2)
        masks, soft = session.predict_with_probabilities(np.arange(2), clicks)
        assert masks.shape == soft.shape == (2, 3, 4)
        assert masks.dtype == bool
        assert (masks == expected).all()
    segmenter = load.load(f"{path}:value=nan")
    session = segmenter.start(segmenter.encode(image), [image[..., 0] > 0] * 2)
    with pytest.raises(errors.SegmenterError, match="NaN"):
        session.predict(np.arange(2), clicks)
