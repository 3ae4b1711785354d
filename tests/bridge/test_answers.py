import types

import numpy as np
import pytest
from scipy import special

from rclicks_jax.bridge import answers

OF_PROBABILITIES = types.SimpleNamespace(THRESHOLD=0.49)
OF_LOGITS = types.SimpleNamespace(THRESHOLD=0.49, LOGITS=True)
# More than one piece, the last of them not whole.
SHAPE = (3, 211, 499)


class OnAnAccelerator:
    """A tensor of PyTorch as far as answers are concerned."""

    device = "cuda:0"

    def __init__(self, values):
        self.values = values

    def max(self):
        return self.values.max()

    def min(self):
        return self.values.min()

    def __gt__(self, threshold):
        return OnAnAccelerator(self.values > threshold)

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.values


@pytest.fixture
def probabilities():
    return np.random.default_rng(0).random(SHAPE).astype(np.float32)


@pytest.mark.parametrize("of", [np.asarray, np.asfortranarray, OnAnAccelerator])
def test_what_is_above_the_threshold_is_the_object(probabilities, of):
    arrays = answers.arrays_of(of(probabilities), OF_PROBABILITIES, wanted=True)
    np.testing.assert_array_equal(arrays["masks"], probabilities > np.float32(0.49))
    np.testing.assert_array_equal(arrays["probabilities"], probabilities)


def test_masks_are_passed_on(probabilities):
    masks = probabilities > 0.3
    arrays = answers.arrays_of(masks, types.SimpleNamespace(), wanted=True)
    assert set(arrays) == {"masks"}
    assert arrays["masks"] is masks


@pytest.mark.parametrize("of", [np.asarray, OnAnAccelerator])
def test_logits_are_cut_where_their_sigmoid_would_be(of):
    logits = np.random.default_rng(0).normal(0, 30, SHAPE).astype(np.float32)
    logits[0, 0, :4] = -1e4, 1e4, -0.03, 0.03
    arrays = answers.arrays_of(of(logits), OF_LOGITS, wanted=True)
    expected = special.expit(logits)
    assert arrays["probabilities"].dtype == np.float32
    np.testing.assert_allclose(arrays["probabilities"], expected, atol=1e-7)
    np.testing.assert_array_equal(arrays["masks"], expected > 0.49)
    assert (arrays["masks"] != (logits > 0.49)).any()


def test_a_threshold_of_logits_is_a_probability():
    adapter = types.SimpleNamespace(THRESHOLD=0.0, LOGITS=True)
    with pytest.raises(ValueError, match=r"THRESHOLD of 0\.0 beside LOGITS"):
        answers.arrays_of(np.zeros((1, 2, 2), np.float32), adapter, wanted=False)


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), True, "0.5"])
def test_a_threshold_is_a_finite_number(threshold):
    adapter = types.SimpleNamespace(THRESHOLD=threshold)
    with pytest.raises(ValueError, match=r"THRESHOLD of .*: it must be a number"):
        answers.arrays_of(np.zeros((1, 2, 2), np.float32), adapter, wanted=False)


def test_masks_are_made_where_it_is_asked(probabilities):
    made = []

    def empty(shape, dtype):
        made.append(np.empty(shape, dtype))
        return made[0]

    (masks,) = answers.arrays_of(probabilities, OF_LOGITS, False, empty).values()
    assert masks is made[0]


@pytest.mark.parametrize("place", [0, 1 << 17, -1])
@pytest.mark.parametrize("adapter", [OF_PROBABILITIES, OF_LOGITS])
@pytest.mark.parametrize("of", [np.asarray, OnAnAccelerator])
def test_a_nan_is_refused_wherever_it_is(probabilities, place, adapter, of):
    probabilities.flat[place] = np.nan
    with pytest.raises(ValueError, match="NaN instead of probabilities"):
        answers.arrays_of(of(probabilities), adapter, wanted=False)
