import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from rclicks_jax.jobs import balance

COUNTS = (4, 16, 64)


def tetris_like(count, seed):
    """Photographs of many sizes, as large as 2048 pixels; a few with many objects."""
    random = np.random.default_rng(seed)
    longest = np.clip(random.lognormal(7.3, 0.45, count), 480, 2048).astype(int)
    shortest = (longest * random.choice([0.5625, 0.6667, 0.75, 1.0], count)).astype(int)
    objects = 1 + (random.random(count) < 0.2) * random.geometric(0.5, count)
    objects += (random.random(count) < 0.01) * random.integers(5, 30, count)
    return [*map(balance.Load, objects.tolist(), (longest * shortest).tolist())]


def davis_like(count, seed):
    """Frames of three sizes, most of which have one object."""
    random = np.random.default_rng(seed)
    widths = random.choice([854, 910, 720], count, p=[0.8, 0.1, 0.1])
    objects = 1 + (random.random(count) < 0.3) * random.integers(1, 6, count)
    return [*map(balance.Load, objects.tolist(), (480 * widths).tolist())]


def totals(loads, part, count):
    """Returns objects and pixels of each part, `i64[count 2]`."""
    sums = np.zeros((count, 2), np.int64)
    np.add.at(sums, part, np.array(loads, np.int64).reshape(-1, 2))
    return sums


def excess(loads, count):
    """Returns the largest load over the mean, by objects and by pixels."""
    sums = totals(loads, balance.parts(loads, count), count)
    return sums.max(0) / sums.mean(0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", COUNTS)
def test_no_process_has_3_percent_more_than_the_mean(count, seed):
    tetris, davis = tetris_like(2531, seed), davis_like(345, seed)
    assert excess(tetris + davis, count).max() <= 1.03
    assert excess(tetris, count).max() <= 1.03


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", COUNTS)
def test_few_photographs_are_as_level_as_whole_ones_can_be(count, seed):
    davis = davis_like(345, seed)
    sums = totals(davis, balance.parts(davis, count), count)
    whole = sum(load.objects for load in davis)
    assert sums[:, 0].max() == -(-whole // count)
    # With five photographs a process, one more is a fifth.
    assert sums[:, 1].max() / sums[:, 1].mean() <= (1.03 if count < 64 else 1.15)


loads_of_units = st.lists(
    st.builds(balance.Load, st.integers(1, 40), st.integers(0, 10**7)), max_size=60
)


@hypothesis.given(loads_of_units, st.integers(1, 70))
@hypothesis.settings(deadline=None)
def test_no_part_exceeds_the_mean_by_more_than_one_unit(loads, count):
    part = balance.parts(loads, count)
    assert part.shape == (len(loads),)
    assert ((part >= 0) & (part < count)).all()
    objects = totals(loads, part, count)[:, 0]
    largest = max((load.objects for load in loads), default=0)
    assert objects.max() <= objects.mean() + largest


@hypothesis.given(loads_of_units, st.integers(1, 10))
@hypothesis.settings(deadline=None)
def test_the_same_loads_give_the_same_parts(loads, count):
    first = balance.parts(loads, count)
    np.testing.assert_array_equal(balance.parts(list(loads), count), first)


def test_unknown_sizes_are_level_by_objects():
    loads = [balance.Load(1, 0)] * 11
    assert sorted(np.bincount(balance.parts(loads, 4))) == [2, 3, 3, 3]


def test_a_huge_photograph_stands_alone():
    loads = [balance.Load(1, 100)] * 30 + [balance.Load(1, 10**9)]
    part = balance.parts(loads, 4)
    assert sorted(np.bincount(part)) == [7, 8, 8, 8]


def test_many_units_take_seconds():
    """The work is bounded even where no exchange makes pixels level."""
    random = np.random.default_rng(0)
    pixels = random.integers(1, 10**6, 20000)
    pixels[:3] = 10**10
    loads = [balance.Load(1, int(count)) for count in pixels]
    part = balance.parts(loads, 16)
    assert np.bincount(part).tolist() == [1250] * 16
