"""What the process of a live segmenter does with a photograph and clicks."""

import cv2
import numpy as np
import pytest

from rclicks_jax.collection.web import live_worker

SHAPE = (24, 32)


@pytest.fixture
def photograph(tmp_path):
    """Returns the paths of a photograph twice as large as its frame, and a target."""
    target = np.zeros(SHAPE, np.uint8)
    target[6:18, 8:24] = 255
    large = np.kron(target, np.ones((2, 2), np.uint8))
    cv2.imwrite(str(tmp_path / "image.png"), np.stack([large] * 3, axis=-1))
    cv2.imwrite(str(tmp_path / "gt.png"), target)
    return {
        "photograph": str(tmp_path / "image.png"),
        "gt_mask": str(tmp_path / "gt.png"),
    }


@pytest.fixture
def loaded():
    def load(spec):
        worker = live_worker.LiveWorker()
        worker.answer({"action": "load", "options": {"segmenter": spec}}, {})
        return worker

    return load


def encode(worker, photograph, name="a"):
    worker.answer({"action": "encode", "assignment": name, **photograph}, {})


def predict(worker, *clicks, name="a"):
    arrays = {
        "yx": np.array([place[:2] for place in clicks], np.int32),
        "positive": np.array([place[2] for place in clicks], bool),
    }
    return worker.answer({"action": "predict", "assignment": name}, arrays)[1]["mask"]


def test_a_click_on_the_object_finds_it_in_the_frame_of_the_study(loaded, photograph):
    worker = loaded("random_walker")
    encode(worker, photograph)
    mask = predict(worker, (12, 16, True), (2, 2, False))
    assert mask.dtype == bool
    assert mask.shape == SHAPE
    assert mask[7:17, 9:23].all()
    assert not mask[:4].any()


def test_an_undone_click_leaves_the_answer_before(loaded, photograph):
    worker = loaded("noisy")
    encode(worker, photograph)
    one = predict(worker, (12, 16, True))
    two = predict(worker, (12, 16, True), (9, 10, True))
    assert (one != two).any()
    np.testing.assert_array_equal(predict(worker, (12, 16, True)), one)
    # Another click in its place, and then the one that was undone.
    predict(worker, (12, 16, True), (2, 2, False))
    again = predict(worker, (12, 16, True), (9, 10, True))
    np.testing.assert_array_equal(again, two)


def test_all_clicks_at_once_are_answered_as_one_after_another(loaded, photograph):
    worker = loaded("noisy")
    encode(worker, photograph, "a")
    encode(worker, photograph, "b")
    clicks = [(12, 16, True), (9, 10, True), (2, 2, False)]
    for count in (1, 2, 3):
        slowly = predict(worker, *clicks[:count], name="a")
    np.testing.assert_array_equal(predict(worker, *clicks, name="b"), slowly)


def test_a_released_photograph_is_not_answered_any_more(loaded, photograph):
    worker = loaded("noisy")
    encode(worker, photograph)
    for _ in range(2):
        worker.answer({"action": "release", "assignment": "a"}, {})
    with pytest.raises(KeyError):
        predict(worker, (12, 16, True))
