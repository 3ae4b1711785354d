import dataclasses

import numpy as np
import pytest
import results_of

from rclicks_jax.results import difficulty, measures
from rclicks_jax.settings import protocols


def test_dataset_nsr_is_the_papers():
    runs = [results_of.run("a"), results_of.run("b", skill=0.1, seed=3)]
    stds = np.array([[i.std() for i in r.results["set"].user_ious] for r in runs])
    means = np.array([[i.mean() for i in r.results["set"].user_ious] for r in runs])
    expected = 100 * (stds.mean(axis=0) / means.mean(axis=0)).mean()
    rows = difficulty.dataset_noise(runs).rows
    assert rows[0]["source"] == "users"
    assert rows[0]["nsr"].mean == pytest.approx(expected)


def test_groups_stand_beside_users_on_the_objects_that_users_clicked():
    run = results_of.run("a")
    result = run.results["set"]
    ious = [ious if n < 7 else np.zeros(0) for n, ious in enumerate(result.user_ious)]
    few = dataclasses.replace(result, user_ious=ious)
    users, groups = difficulty.dataset_noise([run._replace(results={"set": few})]).rows
    assert (users["objects"], groups["objects"]) == (7, 7)
    auc = measures.BY_KEY["sample_auc"].values(result, protocols.PAPER)
    assert groups["mean"] == pytest.approx(auc[:7].mean())


def test_the_hardest_object_comes_first():
    runs = [results_of.run("a"), results_of.run("b", seed=0)]
    unlucky = np.array([0.0, 1.0] * 4)
    runs[0].results["set"].user_ious[5] = unlucky
    runs[1].results["set"].user_ious[5] = unlucky
    first = difficulty.hardest(runs).rows[0]
    assert first["instance_id"] == "set/05"
    assert first["nsr"] == pytest.approx(100.0)
