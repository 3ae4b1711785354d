import collections

import evaluations
import pytest

from rclicks_jax.evaluation import click_scores, paper_numbers

NETWORK = {"name": "CM", "variant": "b", "sigma": 5.0, "data": "TETRIS train"}


def table_of(folder, records, models, split="val"):
    path = evaluations.write(folder, records, models=models, split=split)
    return paper_numbers.table(click_scores.open_evaluation(path))


def published_of(table, kind="all"):
    return [row.get("published") for row in table.rows if row["click_type"] == kind]


def test_ours_theirs_and_the_difference_stand_side_by_side(tmp_path):
    models = {"UD": {"name": "UD"}}
    records = evaluations.many(dataset="GrabCut", models=("UD",))
    table = table_of(tmp_path, records, models, split="test")
    row = table.rows[0]
    assert (row["measure"], row["published"]) == ("PL1 ↓", 0.55239)
    assert row["difference"] == pytest.approx(row["ours"].mean - 0.55239)
    assert row["note"] == "12 of 149 published tasks"
    assert published_of(table, "fp")[0] == 0.7249512


@pytest.mark.parametrize(
    ("change", "nss"),
    [
        ({}, 9.112381),
        ({"sigma": 0.25}, 8.579957),
        ({"sigma": 6.0}, None),
        ({"variant": "t"}, None),
        ({"data": "my people"}, None),
    ],
)
def test_a_network_is_compared_with_that_of_its_sigma(tmp_path, change, nss):
    models = {"CM mine": {**NETWORK, **change}}
    records = evaluations.many(dataset="TETRIS", models=tuple(models))
    table = table_of(tmp_path, records, models)
    assert published_of(table)[3] == nss
    notes = {row["note"] for row in table.rows if row["click_type"] == "all"}
    assert notes == ({"not published"} if nss is None else {""})


def test_tetris_is_compared_on_its_val_split_alone(tmp_path):
    models = {"DT": {"name": "DT"}}
    records = evaluations.many(dataset="TETRIS", models=("DT",))
    whole = table_of(tmp_path / "all", records, models, split="all")
    assert set(published_of(whole)) == {None}
    val = table_of(tmp_path / "val", records, models, split="held_out")
    assert published_of(val)[0] == 0.5155521
    assert set(published_of(val, "fn")) == {None}


def test_another_saliency_model_is_not_the_papers(tmp_path):
    models = {
        "SM": {"name": "SM", "code": "transalnet"},
        "SM (spectral residual)": {"name": "SM", "source": "spectral_residual"},
    }
    records = evaluations.many(dataset="DAVIS", models=tuple(models))
    table = table_of(tmp_path, records, models, split="all")
    known = {row["model"] for row in table.rows if "published" in row}
    assert known == {"SM"}


def test_what_is_published_of_all_tasks_is_the_mean_of_its_kinds():
    kinds = collections.defaultdict(dict)
    for (dataset, kind, *model), row in paper_numbers._rows().items():
        kinds[dataset, *model][kind] = row
    whole = [parts for parts in kinds.values() if len(parts) == 4]
    assert len(whole) == 20
    for parts in whole:
        pooled = parts.pop("all")
        tasks = sum(part["tasks"] for part in parts.values())
        assert tasks == pooled["tasks"]
        for key in ("pl1", "wd", "ks", "nss", "pde"):
            mean = sum(part["tasks"] * part[key] for part in parts.values()) / tasks
            assert mean == pytest.approx(pooled[key], rel=2e-5)
