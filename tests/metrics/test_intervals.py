import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.metrics import intervals


def test_the_interval_has_the_width_of_the_standard_error():
    values = np.random.default_rng(0).normal(5, 2, 400)
    interval = intervals.bootstrap_mean(values, np.arange(400))
    assert interval.low < interval.mean < interval.high
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 2 / 20, rel=0.15)


def test_objects_of_one_image_do_not_narrow_it():
    means = np.random.default_rng(1).normal(0, 1, 60)
    alone = intervals.bootstrap_mean(means, np.arange(60))
    copied = intervals.bootstrap_mean(
        np.repeat(means, 20), np.repeat(np.arange(60), 20)
    )
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=1e-9)


def test_what_was_not_measured_is_left_out():
    interval = intervals.bootstrap_mean(
        np.array([1.0, np.nan, 3.0]), np.array(["a", "b", "c"])
    )
    assert interval.mean == 2


def test_nothing_measured_is_an_error():
    with pytest.raises(errors.BadValueError, match="no value"):
        intervals.bootstrap_mean(np.array([np.nan]), np.array([0]))
