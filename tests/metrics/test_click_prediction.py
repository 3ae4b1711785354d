import json
import pathlib

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import disk, numbered
from scipy import stats

from rclicks_jax.metrics import click_prediction, ks2d
from rclicks_jax.settings import protocols

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


def points(saved, case):
    return np.stack([saved[f"ys{case}"], saved[f"xs{case}"]], axis=1)


@pytest.mark.parity
def test_nss_and_pde_equal_the_original(parity):
    saved = parity("metrics.npz")
    for case in range(numbered(saved, "map")):
        distribution = click_prediction.as_distribution(saved[f"map{case}"])
        clicks = points(saved, case)
        nss = click_prediction.nss(distribution, clicks, protocols.PAPER.nss_epsilon)
        # The original computes in float32 where the map is.
        assert nss == pytest.approx(float(saved[f"nss{case}"]), rel=1e-5)
        pde = click_prediction.pde(distribution, clicks)
        assert pde == pytest.approx(float(saved[f"pde{case}"]), rel=1e-5)


LARGE = json.loads((GOLDEN / "nss_large_maps.json").read_text())


@pytest.mark.parametrize("case", LARGE, ids=lambda c: "{kind}-{shape}".format(**c))
def test_nss_of_large_maps_has_the_originals_epsilon(case):
    """Of small maps the epsilon is nothing; of these it is up to 0.4 %."""
    shape, (y, x), radius = case["shape"], case["centre"], case["radius"]
    if case["kind"] == "uniform":
        click_map = disk(shape, (y, x), radius).astype(float)
    else:
        rows, columns = np.indices(shape)
        click_map = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2.0 * radius**2))
    steps = np.arange(12)
    ys = y + ((steps * 7) % 23 - 11) * radius // 16
    xs = x + ((steps * 5) % 19 - 9) * radius // 14
    distribution = click_prediction.as_distribution(click_map)
    clicks = np.stack([ys, xs], axis=1)
    paper, strict = (
        click_prediction.nss(distribution, clicks, protocol.nss_epsilon)
        for protocol in (protocols.PAPER, protocols.STRICT)
    )
    assert paper == pytest.approx(case["nss"], rel=1e-8)
    assert 5e-5 < strict / paper - 1 < 5e-3


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
    wd = click_prediction.wd(drawn, clicks).mean() / np.hypot(*box)
    near(wd, saved["sampled_wasserstien_8seeds"])


def test_a_constant_map_has_nss_zero():
    flat = click_prediction.as_distribution(np.full((20, 30), 0.1, np.float32))
    assert click_prediction.nss(flat, np.array([[3, 4], [5, 6]])) == 0


@pytest.mark.parametrize("sizes", [(12, 12), (1, 1), (7, 12), (1, 30), (50, 50)])
def test_wd_agrees_with_two_other_solvers(sizes):
    random = np.random.default_rng(sum(sizes))
    first, second = (random.integers(0, 50, (size, 2)) for size in sizes)
    ours = click_prediction.wd(first, second)
    transport = stats.wasserstein_distance_nd(first, second)
    assert ours == pytest.approx(transport, rel=1e-9, abs=1e-12)
    ot = pytest.importorskip("ot")
    cost = ot.dist(first.astype(float), second.astype(float), metric="euclidean")
    assert ours == pytest.approx(ot.emd2([], [], cost), rel=1e-9, abs=1e-12)


POINTS = hnp.arrays(np.int64, (9, 2), elements=st.integers(0, 30))


@hypothesis.given(POINTS, POINTS, st.integers(-5, 5), st.randoms())
@hypothesis.settings(deadline=None, max_examples=50)
def test_distances_know_neither_order_nor_place(first, second, shift, random):
    order = random.sample(range(9), 9)
    for distance in (
        click_prediction.wd,
        ks2d.ks_p_value,
        lambda a, b: click_prediction.pl1(a, b, (10, 20)),
    ):
        value = distance(first, second)
        assert distance(first[order] + shift, second + shift) == pytest.approx(value)
        assert distance(second, first) == pytest.approx(value)
    assert click_prediction.wd(first, first[order]) == 0


def plain_ks(first, second):
    """Counts quadrants point by point, as `ndtest` describes them."""

    def shares(corner, points):
        counts = np.zeros((2, 2))
        for x, y in points:
            counts[int(x <= corner[0]), int(y <= corner[1])] += 1
        return counts[::-1, ::-1].ravel() / len(points)

    def largest(corners, other):
        found = []
        for corner in corners:
            differences = shares(corner, corners) - shares(corner, other)
            differences[0] -= 1 / len(corners)
            found.append(max(-differences.min(), differences.max() + 1 / len(corners)))
        return max(found)

    statistic = (largest(first, second) + largest(second, first)) / 2
    n, m = len(first), len(second)
    size = np.sqrt(n * m / (n + m))
    r = [stats.pearsonr(*points.T).statistic for points in (first, second)]
    shared = np.sqrt(1 - (r[0] ** 2 + r[1] ** 2) / 2)
    return stats.kstwobign.sf(statistic * size / (1 + shared * (0.25 - 0.75 / size)))


def test_many_ks_tests_at_once_are_each_a_plain_one():
    random = np.random.default_rng(4)
    drawn, real = random.integers(0, 9, (20, 17, 2)), random.integers(0, 9, (23, 2))
    expected = [plain_ks(one, real) for one in drawn]
    np.testing.assert_allclose(ks2d.ks_p_value(drawn, real), expected, rtol=1e-9)


COLUMN = np.stack([np.arange(20), np.full(20, 3)], axis=1)
LINE = np.stack([np.arange(20)] * 2, axis=1)


@pytest.mark.parametrize(
    ("drawn", "clicks", "share"),
    [
        (COLUMN, COLUMN, 1),
        (COLUMN + 30, COLUMN, 0),
        (COLUMN[[2] * 20], COLUMN[[2] * 9], 1),
        (COLUMN[[2] * 20], COLUMN[[4] * 20], 0),
        (LINE, LINE, 1),
        (COLUMN[:1], COLUMN[:1], np.nan),
    ],
    ids=["a column", "two columns", "a point", "two points", "a line", "one click"],
)
def test_degenerate_sets_have_defined_answers(drawn, clicks, share):
    found = click_prediction.ks(np.stack([drawn, drawn]), clicks)
    np.testing.assert_equal(found, share)


def test_expected_pl1_is_what_many_draws_tend_to():
    random = np.random.default_rng(5)
    distribution = click_prediction.as_distribution(random.random((12, 17)) ** 3)
    clicks, box = random.integers(0, 12, (6, 2)), (5, 8)
    everywhere = np.argwhere(np.ones((12, 17), bool))
    offsets = abs(everywhere[:, None] - clicks) / np.array(box)
    exact = (offsets.sum(axis=-1).mean(axis=-1) * distribution.ravel()).sum()
    expected = click_prediction.pl1_expected(distribution, clicks, box)
    assert expected == pytest.approx(exact, rel=1e-12)
    drawn = click_prediction.draw_clicks(distribution, 400, 50, random)
    found = click_prediction.pl1(drawn, clicks, box)
    assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_auc_is_the_share_of_pairs_in_order_ties_as_half(levels):
    random = np.random.default_rng(levels)
    values = random.integers(0, levels, (9, 11)).astype(float)
    clicks = random.integers(0, 9, (20, 2))
    clicked = np.zeros(values.shape, bool)
    clicked[tuple(clicks.T)] = True
    pairs = values[clicked][:, None] - values[~clicked]
    expected = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    found = click_prediction.auc_judd(values, clicks)
    assert found == pytest.approx(expected, abs=1e-12)


def test_auc_without_a_pixel_that_nobody_clicked_is_not_defined():
    assert np.isnan(click_prediction.auc_judd(np.ones((1, 1)), np.zeros((2, 2), int)))


def test_information_gain_counts_bits_over_the_baseline():
    baseline = click_prediction.as_distribution(np.ones((10, 10)))
    half = np.zeros((10, 10))
    half[:5] = 1
    half = click_prediction.as_distribution(half)
    inside, outside = np.array([[2, 3]]), np.array([[7, 3]])
    gain = click_prediction.information_gain
    assert gain(baseline, baseline, inside) == 0
    assert gain(half, baseline, inside) == pytest.approx(np.log2(1.99))
    epsilon = click_prediction.IG_EPSILON
    assert gain(half, baseline, outside) == pytest.approx(np.log2(epsilon))


def test_draws_follow_the_map():
    click_map = np.array([[0.0, 1.0], [3.0, 0.0]])
    distribution = click_prediction.as_distribution(click_map)
    drawn = click_prediction.draw_clicks(distribution, 50, 80, np.random.default_rng(0))
    assert drawn.shape == (50, 80, 2)
    share = (drawn == (1, 0)).all(axis=-1).mean()
    assert share == pytest.approx(0.75, abs=0.03)
    assert (drawn.sum(axis=-1) == 1).all()
