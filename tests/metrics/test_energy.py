"""Energy distance of two sets of clicks, and what PL1 alone does not see."""

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from rclicks_jax.metrics import click_prediction, energy, ks2d

BOX = (200, 300)


def slow_energy(one, other, box):
    """Returns the energy distance by loops over pairs of clicks."""

    def apart(a, b):
        return np.hypot((a[0] - b[0]) / box[0], (a[1] - b[1]) / box[1])

    def within(clicks):
        pairs = [
            apart(a, b)
            for i, a in enumerate(clicks)
            for j, b in enumerate(clicks)
            if i != j
        ]
        return np.mean(pairs)

    between = np.mean([apart(a, b) for a in one for b in other])
    return 2 * between - within(one) - within(other)


def clicks_of(count, seed, spread=40.0):
    random = np.random.default_rng(seed)
    return np.rint(random.normal([300, 400], spread, (count, 2))).astype(np.int32)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 7), (20, 11)])
def test_it_is_that_of_all_pairs_of_different_clicks(sizes):
    one, other = clicks_of(sizes[0], 1), clicks_of(sizes[1], 2, 70)
    found = energy.energy(one, other, BOX)
    assert found == pytest.approx(slow_energy(one, other, BOX), rel=1e-12)
    assert found == pytest.approx(energy.energy(other, one, BOX), rel=1e-12)


def test_several_sets_are_compared_each_for_itself():
    sets = np.stack([clicks_of(6, seed) for seed in range(6)]).reshape(2, 3, 6, 2)
    other = clicks_of(5, 9)
    found = energy.energy(sets, other, BOX)
    assert found.shape == (2, 3)
    assert found[1, 2] == pytest.approx(slow_energy(sets[1, 2], other, BOX))


@pytest.mark.parametrize("sizes", [(0, 5), (1, 5), (5, 1), (0, 0)])
def test_a_single_click_has_no_energy_distance(sizes):
    one, other = clicks_of(sizes[0], 1), clicks_of(sizes[1], 2)
    assert np.isnan(energy.energy(one, other, BOX))


places = hnp.arrays(np.int32, (5, 2), elements=st.integers(0, 400))


@hypothesis.given(places, places, st.integers(-50, 50))
@hypothesis.settings(deadline=None, max_examples=30)
def test_moving_both_sets_or_scaling_all_changes_nothing(one, other, shift):
    plain = energy.energy(one, other, BOX)
    moved = energy.energy(one + shift, other + shift, BOX)
    scaled = energy.energy(3 * one, 3 * other, (3 * BOX[0], 3 * BOX[1]))
    np.testing.assert_allclose([moved, scaled], plain, atol=1e-12)


def test_sets_alike_are_at_0_on_average_whatever_their_numbers_of_clicks():
    for sizes in ((4, 4), (3, 12)):
        values = [
            float(energy.energy(clicks_of(sizes[0], 2 * k),
                                clicks_of(sizes[1], 2 * k + 1), BOX))
            for k in range(600)
        ]  # fmt: skip
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values)) < 4 * error
        assert min(values) < 0 < max(values)


def test_a_set_pulled_to_the_middle_is_ranked_right_where_pl1_is_wrong():
    # 30 tasks with 20 clicks in each set, as in a study.
    random = np.random.default_rng(0)
    people, alike, pulled = random.normal(0, 40, (3, 30, 20, 2)) + 500
    pulled = 500 + 0.6 * (pulled - 500)

    def means(sets):
        pairs = list(zip(sets, people, strict=True))
        return {
            "pl1": np.mean([click_prediction.pl1(s, p, BOX) for s, p in pairs]),
            "energy": np.mean([energy.energy(s, p, BOX) for s, p in pairs]),
            "ks": np.mean([ks2d.ks_p_value(s, p) > 0.05 for s, p in pairs]),
        }

    of_people, of_pulled = means(alike), means(pulled)
    # PL1 calls the wrong set better than people are themselves.
    assert of_pulled["pl1"] < 0.9 * of_people["pl1"]
    # The KS test takes most of these sets of 20 clicks for alike.
    assert of_pulled["ks"] > 0.6
    assert of_pulled["energy"] > 0.01 > 4 * abs(of_people["energy"])


def test_it_sees_what_no_axis_alone_shows():
    along = np.arange(40)
    falling, rising = np.stack([along, along[::-1]], 1), np.stack([along, along], 1)
    marginals = sum(
        energy.energy(np.stack([a, 0 * a], 1), np.stack([b, 0 * b], 1), (40, 40))
        for a, b in zip(falling.T, rising.T, strict=True)
    )
    # The same clicks along each axis are nearer than chance: below 0, never above.
    assert marginals < 0 < energy.energy(falling, rising, (40, 40))
