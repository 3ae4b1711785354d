import dataclasses

import numpy as np
import pytest
import results_of

from rclicks_jax import config, errors
from rclicks_jax.results import (
    comparison,
    comparison_figures,
    correlations,
    difficulty,
    measures,
)


def test_a_difference_is_of_the_same_objects():
    one, other = results_of.run("one"), results_of.run("other", skill=0.05)
    result = one.results["set"]
    fewer = dataclasses.replace(
        result,
        instance_ids=result.instance_ids[3:],
        image_ids=result.image_ids[3:],
        baseline=results_of.areas(result.baseline.iou[3:]),
        by_group=results_of.areas(result.by_group.iou[:, :, 3:]),
    )
    runs = [one._replace(results={"set": fewer}), other]
    assert comparison.shared(runs, "set") == result.instance_ids[3:]
    found = comparison.paired(runs, "set", "sample_noc")
    whole = measures.BY_KEY["sample_noc"].values(other.results["set"], config.PAPER)
    np.testing.assert_array_equal(found.values[1], whole[3:])


def test_a_paired_interval_is_narrower_than_the_spread_of_objects():
    runs = [results_of.run("one"), results_of.run("other", skill=0.02, seed=0)]
    found = comparison.paired(runs, "set", "sample_noc")
    between = comparison.difference(*found.values, found.image_ids)
    alone = measures.over_images(found.values[0], found.image_ids)
    assert between.low > 0
    assert between.high - between.low < alone.high - alone.low


def test_ranks_are_given_only_where_the_interval_excludes_zero():
    values = np.array([[5.0] * 8, [5.0, 7.0] * 4, [9.0] * 8])
    images = [f"photo{number}" for number in range(8)]
    places = comparison.ranks(comparison.Paired(values, images), better=-1)
    assert places == [(1, 1), (2, 2), (3, 3)]
    values[1] = [4.0, 6.0] * 4
    places = comparison.ranks(comparison.Paired(values, images), better=-1)
    assert places == [(1, 2), (1, 2), (3, 3)]
    places = comparison.ranks(comparison.Paired(values, images), better=1)
    assert places == [(2, 3), (2, 3), (1, 1)]


def test_tables_of_a_comparison_have_a_row_a_segmenter_and_a_pair():
    runs = [results_of.run(name, skill=s) for name, s in (("a", 0), ("b", 0.05))]
    means = comparison.means(runs)
    assert [row["segmenter"] for row in means.rows] == ["a", "b"]
    assert [row["sample_noc_rank"] for row in means.rows] == ["2", "1"]
    rows = comparison.differences(runs).rows
    assert {row["measure"] for row in rows} >= {"Sample NoC@90", "NSR %"}
    (noc,) = [row for row in rows if row["measure"] == "Sample NoC@90"]
    assert noc["difference"].low > 0
    assert noc["told_apart"] == "yes"


def test_runs_that_cannot_be_compared_are_refused():
    one = results_of.run("one")
    with pytest.raises(errors.RunFolderError, match="LABEL=FOLDER"):
        comparison.check([one, one])
    strict = one._replace(label="other", protocol=config.STRICT)
    with pytest.raises(errors.RunFolderError, match="different protocols"):
        comparison.check([one, strict])


def test_correlations_are_those_of_the_means():
    skills = (0.0, 0.05, 0.02, 0.08)
    runs = [
        results_of.run(str(s), skill=s, spread=0.01 + s / 3, seed=number)
        for number, s in enumerate(skills)
    ]
    keys, linear, by_rank = correlations.correlation_matrix(runs)
    i, j = keys.index("base_noc"), keys.index("sample_auc")
    means = [
        [
            measures.BY_KEY[key].values(run.results["set"], config.PAPER).mean()
            for run in runs
        ]
        for key in ("base_noc", "sample_auc")
    ]
    assert linear[i, j] == pytest.approx(abs(np.corrcoef(*means)[0, 1]))
    ordered = [np.argsort(np.argsort(one)) for one in means]
    assert by_rank[i, j] == pytest.approx(abs(np.corrcoef(*ordered)[0, 1]))
    assert correlations.correlations(runs[:2]).rows == []


def test_dataset_nsr_is_the_papers():
    runs = [results_of.run("a"), results_of.run("b", skill=0.1, seed=3)]
    stds = np.array([[i.std() for i in r.results["set"].user_ious] for r in runs])
    means = np.array([[i.mean() for i in r.results["set"].user_ious] for r in runs])
    expected = 100 * (stds.mean(axis=0) / means.mean(axis=0)).mean()
    rows = difficulty.dataset_noise(runs).rows
    assert rows[0]["source"] == "users"
    assert rows[0]["nsr"].mean == pytest.approx(expected)


def test_the_hardest_object_comes_first():
    runs = [results_of.run("a"), results_of.run("b", seed=0)]
    unlucky = np.array([0.0, 1.0] * 4)
    runs[0].results["set"].user_ious[5] = unlucky
    runs[1].results["set"].user_ious[5] = unlucky
    first = difficulty.hardest(runs).rows[0]
    assert first["instance_id"] == "set/05"
    assert first["nsr"] == pytest.approx(100.0)


def test_curves_of_several_segmenters_share_a_panel():
    runs = [results_of.run(name, skill=s) for name, s in (("a", 0), ("b", 0.05))]
    svg = comparison_figures.iou_per_click(runs)
    assert ">a<" in svg
    assert ">b<" in svg
    # The mean over groups and the dashed baseline of each.
    assert svg.count("stroke-dasharray") >= len(runs)
    stopped = dataclasses.replace(runs[0].protocol, stop_at=90)
    runs = [run._replace(protocol=stopped) for run in runs]
    assert comparison_figures.iou_per_click(runs) == ""
