import dataclasses

import numpy as np
import pytest

from rclicks_jax import config, errors
from rclicks_jax.results import click_model_tables, click_scores
from rclicks_jax.runs import evaluate, store
from rclicks_jax.types import ClickExample

SETTINGS = config.EvaluateConfig(data="sample", draws=5, split="val")


def evaluated_in(workdir):
    evaluate.run(SETTINGS, workdir)
    opened = click_scores.open_evaluation(str(workdir))
    return click_model_tables.means(opened.scores)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("evaluated")
    return evaluated_in(workdir), workdir


def example(clicks):
    gt_mask = np.zeros((30, 40), bool)
    gt_mask[5:25, 10:30] = True
    return ClickExample(
        "set", "id", "photo", "first", "", "pc",
        np.zeros((30, 40, 3), np.uint8), gt_mask, None, np.array(clicks),
    )  # fmt: skip


def test_there_is_a_row_for_each_model_and_kind_of_task(evaluated):
    table, _ = evaluated
    keys = {(row["click_type"], row["model"]) for row in table.rows}
    assert keys == {
        (kind, model) for kind in ("all", "first", "fn", "fp") for model in ("UD", "DT")
    }
    for row in table.rows:
        assert row["failed"] == row["skipped"] == 0
        assert all(np.isfinite(row[metric].mean) for metric in evaluate.METRICS)
    pooled = [
        row for row in table.rows if (row["click_type"], row["model"]) == ("all", "DT")
    ]
    parts = [
        row for row in table.rows if row["model"] == "DT" and row["click_type"] != "all"
    ]
    weighted = sum(row["ok"] * row["nss"].mean for row in parts) / sum(
        row["ok"] for row in parts
    )
    assert pooled[0]["nss"].mean == pytest.approx(weighted)


def test_evaluating_again_repeats_nothing_and_gives_the_same(evaluated, monkeypatch):
    table, workdir = evaluated

    def fail(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr(evaluate, "measure", fail)
    assert evaluated_in(workdir).rows == table.rows


def test_how_tasks_are_batched_does_not_matter(evaluated, tmp_path, monkeypatch):
    table, _ = evaluated
    monkeypatch.setattr(evaluate, "_TOGETHER", 7)
    assert evaluated_in(tmp_path).rows == table.rows


def test_the_synthetic_clicks_are_deeper_than_uniform_ones(evaluated):
    table, _ = evaluated
    by_model = {row["model"]: row for row in table.rows if row["click_type"] == "first"}
    assert by_model["DT"]["nss"] > by_model["UD"]["nss"]
    assert by_model["DT"]["pde"] > by_model["UD"]["pde"]


def test_other_settings_need_another_folder(evaluated):
    _, workdir = evaluated
    with pytest.raises(errors.RunFolderError, match="draws was 5 and is 6"):
        evaluate.run(dataclasses.replace(SETTINGS, draws=6), workdir)


def test_a_model_named_twice_is_refused(tmp_path):
    twice = dataclasses.replace(SETTINGS, click_models=("UD", "UD"))
    with pytest.raises(errors.BadValueError, match="different names"):
        evaluate.run(twice, tmp_path)


def test_a_task_without_clicks_is_skipped():
    with pytest.raises(errors.DataError, match="nobody clicked"):
        evaluate._check(example(np.zeros((0, 2), int)))


def test_a_map_without_mass_is_an_error_that_says_so():
    with pytest.raises(errors.DataError, match="no mass"):
        evaluate.measure(
            np.zeros((30, 40), np.float32),
            example([[10, 15]]),
            3,
            np.random.default_rng(0),
        )


def test_a_map_at_the_clicks_is_the_best_there_is():
    clicks = [[10, 15], [11, 20], [20, 25]]
    perfect = np.zeros((30, 40), np.float32)
    perfect[tuple(np.array(clicks).T)] = 1
    generator = np.random.default_rng(0)
    best = evaluate.measure(perfect, example(clicks), 50, generator)
    uniform = example(clicks).gt_mask.astype(np.float32)
    worse = evaluate.measure(uniform, example(clicks), 50, generator)
    assert best["pde"] == pytest.approx(1 / 3)
    assert best["wd"] < worse["wd"]
    assert best["pl1"] < worse["pl1"]
    assert best["nss"] > worse["nss"]


def test_records_name_the_clicker(evaluated):
    _, workdir = evaluated
    folder = store.RunFolder(workdir)
    paths = list(folder.path.glob("records/sample/*.json"))
    assert len(paths) == 90
    assert all('"input_device": "synthetic"' in path.read_text() for path in paths)
