"""More draws of each group make numbers surer, and no other numbers."""

import numpy as np
import pytest
import results_of

from rclicks_jax.results import measures, paper_tables, tables
from rclicks_jax.settings import protocols

OF_A_DRAW = ("sample_noc_std", "delta_gr", "delta_hh", "sample_auc_std", "nsr")
LINEAR = ("sample_noc", "delta_sb", "sample_nof", "sample_auc")


def drawn(repeats, objects, seed):
    """Draws how many clicks each group took, in 1..20, `i64[r g n]`."""
    random = np.random.default_rng(seed)
    hard = np.linspace(1, 6, objects)
    expected = hard * np.linspace(1.6, 1.0, 10)[:, None]
    clicks = 1 + random.poisson(expected, (repeats, 10, objects))
    return np.minimum(clicks, 20)


def curves(noc):
    """Returns IoU after each click that reaches 90 % at `noc`, `f64[... 20]`."""
    clicks = np.arange(1, 21)
    return np.where(clicks >= noc[..., None], 0.95, 0.3 + 0.02 * clicks)


def played(noc, dataset="set", images=6):
    """Collects records of objects whose groups took `noc`, `i64[r g n]`, clicks."""
    return results_of.collected(
        {
            ("group", group + 1, repeat): curves(noc[repeat, group])
            for repeat in range(noc.shape[0])
            for group in range(noc.shape[1])
        }
        | {("baseline", 0, 0): curves(np.full(noc.shape[-1], 3))},
        dataset=dataset,
        images=images,
    )


def value(key, result):
    return measures.BY_KEY[key].values(result, protocols.PAPER).mean()


def one_draw(noc):
    """Returns the paper's statistics of one draw, `i64[g n]`, by hand."""
    auc = np.array(
        [[np.trapezoid(curve) / 19 for curve in group] for group in curves(noc)]
    )
    pairs = [(noc[i] - noc[i + 5]) / noc[i + 5] for i in range(5)]
    return {
        "sample_noc": noc.mean(),
        "sample_noc_std": noc.std(axis=0).mean(),
        "delta_sb": 100 * ((noc.mean(axis=0) - 3) / 3).mean(),
        "delta_gr": 100 * ((noc[0] - noc[9]) / noc[9]).mean(),
        "delta_hh": 100 * np.mean(pairs),
        "sample_nof": 100 * (noc == 20).mean(),
        "sample_auc": 100 * auc.mean(),
        "sample_auc_std": 100 * auc.std(axis=0).mean(),
        "nsr": 100 * (auc.std(axis=0) / auc.mean(axis=0)).mean(),
    }


def test_a_statistic_is_the_mean_over_draws_of_that_of_a_draw():
    noc = drawn(4, 7, seed=0)
    found = played(noc)
    of_draws = [one_draw(each) for each in noc]
    for key in (*OF_A_DRAW, *LINEAR):
        expected = np.mean([one[key] for one in of_draws])
        assert value(key, found) == pytest.approx(expected), key


def test_the_papers_tables_hold_the_same():
    noc = drawn(4, 7, seed=1)
    found = played(noc)
    run = results_of.run("mine")._replace(results={"set": found})
    of_draws = [one_draw(each) for each in noc]

    def mean(key):
        return np.mean([one[key] for one in of_draws])

    (row,) = paper_tables.noc([run]).rows
    spread = f"{mean('sample_noc'):.2f} ± {mean('sample_noc_std'):.2f}"
    assert row["set_sample_noc"] == spread
    assert row["set_delta_gr"] == pytest.approx(mean("delta_gr"))
    assert row["set_delta_hh"] == pytest.approx(mean("delta_hh"))
    (row,) = paper_tables.iou_auc([run]).rows
    spread = f"{mean('sample_auc'):.2f} ± {mean('sample_auc_std'):.2f}"
    assert row["set_sample"] == spread
    assert row["set_nsr"] == pytest.approx(mean("nsr"))
    (row,) = paper_tables.nof([run]).rows
    failed = (noc == 20).sum(axis=-1)
    spread = failed.std(axis=1).mean()
    assert row["set_sample"] == f"{failed.mean():.2f} ± {spread:.2f}"


def test_what_averaging_draws_would_give_is_another_named_number():
    noc = drawn(4, 7, seed=2)
    table = tables.averaged_draws([played(noc)], protocols.PAPER)
    rows = {row["measure"]: row for row in table.rows}
    assert set(rows) == {measures.BY_KEY[key].title for key in OF_A_DRAW}
    averaged = noc.mean(axis=0)
    row = rows["± groups"]
    assert row["of_averaged"].mean == pytest.approx(averaged.std(axis=0).mean())
    of_draws = np.mean([one_draw(each)["sample_noc_std"] for each in noc])
    assert row["of_a_draw"].mean == pytest.approx(of_draws)
    ratio = 100 * ((averaged[0] - averaged[9]) / averaged[9]).mean()
    assert rows["ΔGR %"]["of_averaged"].mean == pytest.approx(ratio)
    assert tables.averaged_draws([played(noc[:1])], protocols.PAPER).rows == []


@pytest.mark.parametrize("key", [*OF_A_DRAW, *LINEAR])
def test_more_draws_expect_the_same_number(simulated, key):
    once, often = simulated
    measure = measures.BY_KEY[key]
    first, second = (measure.values(one, protocols.PAPER) for one in (once, often))
    error = np.hypot(first.std(), second.std()) / np.sqrt(first.size)
    assert abs(first.mean() - second.mean()) < 4 * error
    if key in OF_A_DRAW:
        # Averaging draws first would be far outside.
        other = measures.of_averaged_draws(measure, often, protocols.PAPER)
        assert abs(first.mean() - other.mean()) > 6 * error


@pytest.fixture(scope="module")
def simulated():
    """Results of 2,000 objects with one draw of each group, and with six others."""
    return [
        results_of.of_ious(curves(drawn(repeats, 2000, seed)))
        for repeats, seed in ((1, 3), (6, 4))
    ]


def test_draws_and_groups_are_still_told_apart():
    random = np.random.default_rng(5)
    # Groups differ by 2 around 10, and draws of a group by a deviation of 1.5.
    groups = np.linspace(-3, 3, 10)[:, None]
    noc = np.rint(10 + groups + random.normal(0, 1.5, (5, 10, 300))).astype(int)
    result = results_of.of_ious(curves(noc))
    (row,) = tables.repeats([result], protocols.PAPER).rows
    assert row["groups"] == pytest.approx(groups.std(), rel=0.05)
    # Rounding adds a twelfth to the variance.
    assert row["draws"] == pytest.approx(np.sqrt(1.5**2 + 1 / 12), rel=0.05)
