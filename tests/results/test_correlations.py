import numpy as np
import pytest
import results_of

from rclicks_jax.results import correlations, measures
from rclicks_jax.settings import protocols


def test_correlations_are_those_of_the_means():
    skills = (0.0, 0.05, 0.02, 0.08, 0.03)
    runs = [
        results_of.run(str(s), skill=s, spread=0.01 + s / 3, seed=number)
        for number, s in enumerate(skills)
    ]
    keys, linear, by_rank = correlations.correlation_matrix(runs)
    i, j = keys.index("base_noc"), keys.index("sample_auc")
    means = [
        [
            measures.BY_KEY[key].values(run.results["set"], protocols.PAPER).mean()
            for run in runs
        ]
        for key in ("base_noc", "sample_auc")
    ]
    assert linear[i, j] == pytest.approx(abs(np.corrcoef(*means)[0, 1]))
    ordered = [np.argsort(np.argsort(one)) for one in means]
    assert by_rank[i, j] == pytest.approx(abs(np.corrcoef(*ordered)[0, 1]))
    assert correlations.correlations(runs[:4]).rows == []
