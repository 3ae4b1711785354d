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


def test_below_five_photographs_there_is_a_mean_and_no_interval():
    values = np.arange(12.0)
    four = intervals.bootstrap_mean(values, np.arange(12) % 4)
    assert four.mean == 5.5
    assert np.isnan([four.low, four.high]).all()
    assert not four.known
    assert four.sign is None
    five = intervals.bootstrap_mean(values, np.arange(12) % 5)
    assert five.low < five.mean < five.high
    # A photograph whose objects were not measured is none.
    values[4::5] = np.nan
    assert not intervals.bootstrap_mean(values, np.arange(12) % 5).known


def test_one_photograph_with_many_objects_is_no_certainty():
    interval = intervals.bootstrap_mean(np.full(50, -10.29), np.zeros(50))
    assert interval.mean == pytest.approx(-10.29)
    assert not interval.known


@pytest.mark.parametrize(
    ("ends", "sign"), [((1, 3), 1), ((-3, -1), -1), ((-1, 3), 0), ((0, 3), 0)]
)
def test_an_interval_that_holds_zero_has_no_sign(ends, sign):
    assert intervals.Interval(0.5, *map(float, ends)).sign == sign


def test_nothing_measured_is_an_error():
    with pytest.raises(errors.BadValueError, match="no value"):
        intervals.bootstrap_mean(np.array([np.nan]), np.array([0]))


def test_the_interval_of_a_median_covers_it_as_often_as_it_says():
    generator = np.random.Generator(np.random.Philox(0))
    for count in (6, 7, 20, 41):
        # The median of this skewed distribution is log(2).
        made = [
            intervals.of_median(generator.exponential(size=count).tolist())
            for _ in range(800)
        ]
        covered = np.mean([ends.low <= np.log(2) <= ends.high for ends in made])
        assert covered > 0.93


def test_six_values_give_their_own_range_and_fewer_no_interval():
    assert intervals.of_median([3, 1, 2, 6, 5, 4]) == (3.5, 1, 6)
    few = intervals.of_median([3, 1, 2, 5, 4])
    assert few.mean == 3
    assert not few.known
