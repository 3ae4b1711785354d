import numpy as np
import pytest
from helpers import numbered
from scipy import stats

from rclicks_jax.metrics import click_prediction, ks2d


def points(saved, case):
    return np.stack([saved[f"ys{case}"], saved[f"xs{case}"]], axis=1)


@pytest.mark.parity
def test_nss_and_pde_equal_the_original(parity):
    saved = parity("metrics.npz")
    for case in range(numbered(saved, "map")):
        distribution = click_prediction.as_distribution(saved[f"map{case}"])
        clicks = points(saved, case)
        nss = click_prediction.nss(distribution, clicks)
        # The original adds 1e-9 to a deviation of about 1e-4, and computes in float32.
        assert nss == pytest.approx(float(saved[f"nss{case}"]), rel=1e-4)
        pde = click_prediction.pde(distribution, clicks)
        assert pde == pytest.approx(float(saved[f"pde{case}"]), rel=1e-5)


@pytest.mark.parity
def test_distances_between_sets_equal_the_original(parity):
    saved = parity("metrics.npz")
    size_hw = saved["pl1_size_wh"][::-1]
    case = 0
    while f"set{case}_a_xy" in saved:
        first, second = saved[f"set{case}_a_xy"], saved[f"set{case}_b_xy"]
        statistic, p = ks2d.ks_statistic(first, second), ks2d.ks_p_value(first, second)
        assert statistic == pytest.approx(float(saved[f"set{case}_ks_D"]), abs=1e-12)
        assert p == pytest.approx(float(saved[f"set{case}_ks_p"]), abs=1e-9)
        pl1 = click_prediction.pl1(first[:, ::-1], second[:, ::-1], size_hw)
        assert pl1 == pytest.approx(float(saved[f"set{case}_pl1"]), abs=1e-9)
        if len(first) == len(second):
            wd = click_prediction.wd(first, second)
            assert wd == pytest.approx(float(saved[f"set{case}_wd"]), abs=1e-9)
        case += 1
    assert case


@pytest.mark.parity
def test_sampled_metrics_lie_among_the_originals_draws(parity):
    saved = parity("metrics.npz")
    distribution = click_prediction.as_distribution(saved["map0"])
    clicks, box = points(saved, 0), saved["bbox_hw0"]
    generator = np.random.default_rng(0)
    drawn = click_prediction.draw_clicks(distribution, 400, len(clicks), generator)

    def near(ours, draws):
        spread = 5 * max(draws.std(ddof=1), 1e-6)
        assert abs(ours - draws.mean()) < spread

    near(click_prediction.pl1(drawn, clicks, box), saved["sampled_l1_8seeds"])
    near(click_prediction.ks(drawn, clicks), saved["sampled_ks2d_8seeds"])
    wd = np.mean([click_prediction.wd(one, clicks) for one in drawn]) / np.hypot(*box)
    near(wd, saved["sampled_wasserstien_8seeds"])


def test_a_constant_map_has_nss_zero():
    flat = click_prediction.as_distribution(np.full((20, 30), 0.1, np.float32))
    assert click_prediction.nss(flat, np.array([[3, 4], [5, 6]])) == 0


def test_wd_agrees_with_scipys_transport():
    random = np.random.default_rng(2)
    first, second = random.integers(0, 50, (2, 12, 2))
    expected = stats.wasserstein_distance_nd(first, second)
    assert click_prediction.wd(first, second) == pytest.approx(expected, rel=1e-9)


def test_degenerate_sets_have_defined_answers():
    column = np.stack([np.arange(5), np.full(5, 3)], axis=1)
    assert np.isnan(ks2d.ks_p_value(column, column))
    assert click_prediction.ks(np.stack([column, column]), column) == 0
    assert np.isnan(click_prediction.ks(column[None, :1], column[:1]))


def test_draws_follow_the_map():
    click_map = np.array([[0.0, 1.0], [3.0, 0.0]])
    distribution = click_prediction.as_distribution(click_map)
    drawn = click_prediction.draw_clicks(distribution, 50, 80, np.random.default_rng(0))
    assert drawn.shape == (50, 80, 2)
    share = (drawn == (1, 0)).all(axis=-1).mean()
    assert share == pytest.approx(0.75, abs=0.03)
    assert (drawn.sum(axis=-1) == 1).all()
