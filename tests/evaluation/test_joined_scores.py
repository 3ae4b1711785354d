"""Several evaluations in one table."""

import evaluations
import numpy as np
import pytest
from evaluations import row_of

from rclicks_jax import errors
from rclicks_jax.evaluation import click_model_tables, click_scores, joined_scores
from rclicks_jax.settings import protocols


def test_evaluations_of_other_protocols_are_not_joined(tmp_path):
    opened = [
        click_scores.open_evaluation(
            evaluations.write(tmp_path / one.name, evaluations.many(), protocol=one)
        )
        for one in (protocols.PAPER, protocols.STRICT)
    ]
    with pytest.raises(
        errors.RunFolderError, match=r"protocol\.name is paper in .* and strict"
    ):
        joined_scores.join(opened)


@pytest.mark.parametrize(
    ("changes", "setting", "said"),
    [
        ({"seed": 3}, "seed", "seed is 0 in .* and 3 in"),
        ({"draws": 5}, "draws", "draws is 100 in .* and 5 in"),
        ({"split": "all"}, "split", "split is val in .* and all in"),
        ({"data": {"set": "bbbb"}}, "data", r"data\.set is aaaa in .* and bbbb in"),
    ],
)
def test_evaluations_that_differ_are_refused_or_named(tmp_path, changes, setting, said):
    same = {"data": {"set": "aaaa"}, "models": {"UD": {"name": "UD"}}}
    other = {**same, "models": {"DT": {"name": "DT"}}, **changes}
    opened = [
        click_scores.open_evaluation(
            evaluations.write(tmp_path / name, evaluations.many(), **settings)
        )
        for name, settings in (("one", same), ("other", other))
    ]
    with pytest.raises(errors.RunFolderError, match=said):
        joined_scores.join(opened)
    joined = joined_scores.join(opened, [setting])
    assert joined.head == f"runs differ in {setting}"
    ud, dt = joined.scores
    assert ud.model.startswith("UD (")
    table = click_model_tables.differences(joined.scores)
    assert {row["told_apart"] for row in table.rows} == {None}
    row = row_of(table, click_type="all", measure="NSS ↑")
    assert row["difference"].mean == pytest.approx(ud.mean("nss") - dt.mean("nss"))


def test_an_evaluation_may_have_a_dataset_of_its_own(tmp_path):
    opened = [
        click_scores.open_evaluation(
            evaluations.write(
                tmp_path / name, evaluations.many(dataset=name), data={name: name}
            )
        )
        for name in ("one", "other")
    ]
    joined = joined_scores.join(opened)
    assert [scores.dataset for scores in joined.scores] == ["one"] * 3 + ["other"] * 3
    assert joined.notes == []


def test_several_evaluations_are_compared_on_the_tasks_that_all_have(tmp_path):
    records = evaluations.many()
    opened = [
        click_scores.open_evaluation(
            evaluations.write(tmp_path / name, part, models={name: {"name": name}})
        )
        for name, part in (("UD", records[:9]), ("DT", records[3:]))
    ]
    joined = joined_scores.join(opened)
    rows = click_model_tables.means(joined.scores).rows
    pooled = [row for row in rows if row["click_type"] == "all"]
    assert [row["ok"] for row in pooled] == [6, 6]
    nss = [r["models"]["UD"]["raw"]["nss"] for r in records[3:9]]
    assert pooled[0]["nss"].mean == pytest.approx(np.mean(nss))
    assert (
        "on the 6 tasks that all of them have; 6 are in some alone" in (joined.notes[0])
    )


def test_a_model_in_two_evaluations_needs_a_label(tmp_path):
    path = evaluations.write(tmp_path / "a", evaluations.many())
    one = click_scores.open_evaluation(path)
    with pytest.raises(errors.RunFolderError, match="UD on set"):
        joined_scores.join([one, one])
    named = click_scores.open_evaluation(path, label="again")
    models = [scores.model for scores in joined_scores.join([one, named]).scores]
    assert models[:1] + models[3:4] == ["UD", "again UD"]
