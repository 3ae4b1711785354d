import itertools

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from group_shares import shares
from helpers import numbered

from rclicks_jax.clicks import groups

level_maps = hnp.arrays(
    np.uint16,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.integers(0, 60),
)


def original_ranks(click_map, dtype):
    """Sorts and sums as the original does, in float32, or with less rounding."""
    values = np.sort(click_map.ravel()).astype(dtype)
    mass, total = values.cumsum(), np.float64(values.sum())
    bounds = np.arange(11) / 10
    low = [mass.searchsorted(total * b, side="left") for b in bounds[:-1]]
    high = [mass.searchsorted(total * b, side="right") for b in bounds[1:]]
    last = values.size - 1
    return np.minimum(low, last), np.minimum(high, last)


def as_integers(click_map):
    """Scales float32 values to integers, without losing a bit where 63 bits suffice."""
    values = click_map.astype(np.float64)
    _, smallest = np.frexp(values[values > 0].min())
    _, total = np.frexp(values.sum())
    # Ten times the sum must fit, too.
    return np.rint(values * 2.0 ** min(24 - smallest, 58 - total)).astype(np.int64)


def our_thresholds(click_map):
    integers = as_integers(click_map)
    table = groups.mass_table_of_integers(integers)
    values = np.array([click_map[integers == level].min() for level in table.levels])
    ranges = [groups.level_range(table, group) for group in range(1, 11)]
    low, high = np.array(ranges).T
    return values[low], values[high]


@pytest.mark.parity
def test_the_float32_oracle_is_the_original(parity):
    saved = parity("clicker.npz")
    for case in range(numbered(saved, "cm")):
        values = np.sort(saved[f"cm{case}"].ravel())
        low, high = original_ranks(saved[f"cm{case}"], np.float32)
        np.testing.assert_array_equal(low, saved[f"idx_low{case}"])
        np.testing.assert_array_equal(high, saved[f"idx_high{case}"])
        np.testing.assert_array_equal(values[low], saved[f"thr_low{case}"])
        np.testing.assert_array_equal(values[high], saved[f"thr_high{case}"])


@pytest.mark.parity
def test_thresholds_differ_from_the_original_only_by_its_float32_drift(parity):
    saved = parity("clicker.npz")
    for case in range(numbered(saved, "cm")):
        click_map = saved[f"cm{case}"]
        values = np.sort(click_map.ravel())
        drifted = np.stack(original_ranks(click_map, np.float32))
        precise = np.stack(original_ranks(click_map, np.longdouble))
        low, high = our_thresholds(click_map)
        # The first group starts at the zeros, or wherever mass begins to be counted.
        np.testing.assert_array_equal(low[1:], values[precise[0, 1:]])
        np.testing.assert_array_equal(high, values[precise[1]])
        moved = drifted != precise
        np.testing.assert_array_equal(
            values[drifted][~moved],
            np.stack([saved[f"thr_low{case}"], saved[f"thr_high{case}"]])[~moved],
        )


@pytest.mark.parity
def test_groups_hold_the_pixels_of_the_original(parity):
    saved = parity("clicker.npz")
    for case in range(numbered(saved, "cm")):
        click_map = saved[f"cm{case}"]
        same = np.all(
            np.stack(original_ranks(click_map, np.float32))
            == np.stack(original_ranks(click_map, np.longdouble)),
            axis=0,
        )
        low, high = our_thresholds(click_map)
        for group in np.flatnonzero(same):
            inside = (click_map >= low[group]) & (click_map <= high[group])
            np.testing.assert_array_equal(inside, saved[f"support{case}"][group])


@pytest.mark.parity
def test_large_maps_are_cut_where_float64_cuts_them(parity):
    saved = parity("clicker.npz")
    cases = [
        key.split("_")[0] for key in saved.files if key.endswith("_randomstate_seed")
    ]
    assert cases
    for case in cases:
        shape = saved[f"{case}_shape"]
        seed = int(saved[f"{case}_randomstate_seed"])
        random = np.random.RandomState(seed).rand(*shape).astype(np.float32)
        click_map = random**3
        integers = np.rint(click_map.astype(np.float64) * 2.0**36).astype(np.int64)
        table = groups.mass_table_of_integers(integers)
        ordered = np.sort(click_map.ravel())
        # The first group starts at zero mass, which is nowhere in particular.
        for group in range(2, 11):
            low, _ = groups.level_range(table, group)
            rank = int(table.counts[:low].sum()) + int((integers == 0).sum())
            expected = int(saved[f"{case}_idx_low_f64"][group - 1])
            assert abs(rank - expected) <= 1 or ordered[rank] == ordered[expected]


@hypothesis.given(level_maps)
def test_tenths_of_the_mass_cover_it_without_overlap(levels):
    table = groups.mass_table(levels)
    hypothesis.assume(table.total > 0)
    cuts = [groups.interval(table, group, "mass") for group in range(1, 11)]
    assert cuts[0][0] == 0
    assert cuts[-1][1] == table.total
    assert all(before[1] == after[0] for before, after in itertools.pairwise(cuts))
    sizes = [stop - start for start, stop in cuts]
    assert max(sizes) - min(sizes) <= 1


@hypothesis.given(level_maps)
def test_groups_by_value_are_intervals_that_reach_from_end_to_end(levels):
    table = groups.mass_table(levels)
    hypothesis.assume(table.total > 0)
    cuts = [groups.interval(table, group, "value") for group in range(1, 11)]
    assert cuts[0][0] == 0
    assert cuts[-1][1] == table.total
    assert all(start < stop for start, stop in cuts)
    # Each contains the exact tenth it stands for.
    for group, (start, stop) in enumerate(cuts, 1):
        assert 10 * start <= (group - 1) * table.total
        assert 10 * stop >= group * table.total


@hypothesis.given(level_maps, st.sampled_from(["value", "mass"]))
def test_weights_are_shares_of_the_definition(levels, cut):
    table = groups.mass_table(levels)
    hypothesis.assume(table.total >= 10)
    indices = np.arange(levels.size)
    for group in range(11):
        of_group = groups.slice_of(levels, table, group, cut)
        weights = groups.weights(of_group, levels.ravel().astype(int), indices, np)
        assert weights.sum() == of_group.mass
        assert weights.max() <= of_group.heaviest
        expected = shares(levels, group, cut).ravel()
        np.testing.assert_allclose(weights / of_group.mass, expected, rtol=1e-12)


def test_quantising_reaches_from_nothing_to_the_top():
    click_map = np.array([[0.5, 0.2, np.nan], [-1.0, 0.05, 0.8]], np.float32)
    region = np.array([[True, True, True], [True, True, False]])
    levels = groups.quantise(click_map, region)
    assert levels.tolist() == [[65535, 26214, 0], [0, 6554, 0]]


@pytest.mark.parametrize("value", [0.0, np.nan, -3.0, np.inf, 1e-40])
def test_a_map_without_mass_has_no_level(value):
    levels = groups.quantise(np.full((3, 4), value, np.float32), np.ones((3, 4), bool))
    assert not levels.any()


@hypothesis.given(
    hnp.arrays(np.float32, (5, 7), elements=st.integers(1, 1000).map(np.float32))
)
def test_scaling_a_map_by_a_power_of_two_changes_nothing(click_map):
    region = np.ones(click_map.shape, bool)
    once = groups.quantise(click_map, region)
    np.testing.assert_array_equal(once, groups.quantise(4 * click_map, region))
