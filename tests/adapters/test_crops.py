"""Crops that RITM and its descendants zoom to, where no golden file comes to."""

import numpy as np
import pytest
import torch

from rclicks_jax.bridge.adapters import isegm_crops, isegm_frame

WHOLE = (0, 99, 0, 99)
# Around the object and the clicks there is more room than in `OLD`, but not twice.
BOX, OLD = (40, 59, 40, 59), (35, 64, 35, 64)
RULE = isegm_crops.Rule(whole_first=True, least=10)


def chosen(yx, on=True, box=BOX, rule=RULE):
    """Returns what is chosen when a click follows one in the middle."""
    clicks = np.array([(50, 50), yx], np.int32)
    positive = np.array([True, on])
    return isegm_crops.choose(rule, box, clicks, positive, OLD, WHOLE)


@pytest.mark.parametrize(
    ("yx", "kept"),
    [
        ((35, 35), True),
        ((63, 63), True),
        # The last row and column of a crop are outside, as in the original.
        ((64, 50), False),
        ((50, 64), False),
        ((34, 50), False),
        ((50, 34), False),
    ],
)
def test_a_crop_is_kept_while_it_holds_the_clicks_on_the_object(yx, kept):
    crop, zooms = chosen(yx)
    assert zooms
    assert (crop == OLD) == kept


def test_a_click_beside_the_object_may_be_anywhere():
    assert chosen((99, 99), on=False) == (OLD, True)


def test_the_first_click_sees_the_photograph_even_if_there_is_a_mask():
    yx, on = np.array([[50, 50]], np.int32), np.array([True])
    assert isegm_crops.choose(RULE, BOX, yx, on, None, WHOLE) == (None, False)
    later = RULE._replace(whole_first=False)
    crop, zooms = isegm_crops.choose(later, BOX, yx, on, None, WHOLE)
    assert zooms
    assert crop == (36, 64, 36, 64)


@pytest.mark.parametrize(("threshold", "box"), [(0.49, (1, 2, 0, 3)), (0.5, None)])
def test_the_object_is_what_is_above_the_threshold_of_the_rule(threshold, box):
    probabilities = torch.zeros(1, 4, 5)
    probabilities[0, 1, 0] = probabilities[0, 2, 3] = 0.495
    rule = RULE._replace(threshold=threshold)
    assert isegm_frame.boxes_of(rule, probabilities) == [box]
