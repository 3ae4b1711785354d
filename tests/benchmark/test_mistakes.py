"""What is wrong with predictions: areas, and what the next clicks mend."""

import hypothesis
import hypothesis.strategies as st
import numpy as np

from rclicks_jax.benchmark import device_scoring, mistakes, scoring
from rclicks_jax.benchmark.mistakes import Wanted
from rclicks_jax.clicks import error_masks, strategies
from rclicks_jax.ops import bit_masks
from rclicks_jax.types import InstanceExample

NO_CLICKS = np.zeros((0, 2), np.int32)
sides = st.integers(1, 30) | st.sampled_from([63, 64, 65])


@hypothesis.given(st.tuples(sides, sides), st.integers(0, 2**32), st.booleans())
@hypothesis.settings(deadline=None, max_examples=40)
def test_areas_and_clicks_are_those_of_each_prediction_alone(shape, seed, ignores):
    random = np.random.default_rng(seed)
    target, *predictions = random.random((5, *shape)) < random.random((5, 1, 1))
    predictions.append(target)
    ignored = random.random(shape) < 0.2 if ignores else None
    counted = np.ones(shape, bool) if ignored is None else ~ignored
    clicked_yx = (random.random((5, 2, 2)) * shape).astype(np.int32)
    wanted = [Wanted(number % 3) for number in range(5)]
    instance = InstanceExample("object", target, ignored, NO_CLICKS, "")
    query = mistakes.Query(
        scoring.target_of(instance), bit_masks.pack_all(predictions), clicked_yx, wanted
    )
    found = mistakes.find(query)
    expected = [
        [(mask & target & counted).sum(), ((mask | target) & counted).sum()]
        for mask in predictions
    ]
    np.testing.assert_array_equal(found.areas[:, :2], expected)
    assert list(found.mends) == [1, 2, 4]
    for place, mend in found.mends.items():
        errors = error_masks.of_arrays(target, predictions[place], ignored)
        click = strategies.baseline_click(errors, clicked_yx[place])
        assert mend.click.positive == click.positive
        region = click.error_mask.unpack()
        np.testing.assert_array_equal(mend.click.error_mask.unpack(), region)
        assert mend.is_wrong == region.any()
        if wanted[place] == Wanted.CLICK:
            assert mend.click[:2] == click[:2]


def test_no_click_is_wanted_of_what_reached_the_threshold():
    target = np.zeros((10, 10), bool)
    target[:, :5] = True
    off = target.copy()
    off[0, 0] = False
    far = np.zeros_like(target)
    instance = InstanceExample("object", target, None, NO_CLICKS, "")
    query = mistakes.Query(
        scoring.target_of(instance),
        bit_masks.pack_all([off, far, target]),
        np.zeros((3, 0, 2), np.int32),
        [Wanted.REGION] * 3,
    )
    for stop_at, left in ((0, [0, 1, 2]), (98, [1]), (99, [0, 1])):
        assert list(mistakes.find(query._replace(stop_at=stop_at)).mends) == left


def test_an_accelerator_counts_the_same():
    random = np.random.default_rng(0)
    target, *predictions = random.random((4, 70, 90)) < 0.9
    ignored = random.random((70, 90)) < 0.1
    instance = InstanceExample("object", target, ignored, NO_CLICKS, "")
    query = mistakes.Query(
        scoring.target_of(instance),
        bit_masks.pack_all(predictions),
        np.zeros((3, 0, 2), np.int32),
        [Wanted.NOTHING] * 3,
    )
    there = mistakes.find(query, device_scoring.counter(on_device=True))
    np.testing.assert_array_equal(there.areas, mistakes.find(query).areas)
