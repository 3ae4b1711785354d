"""Tables of evaluations whose records say who clicked."""

import dataclasses

import evaluations
import numpy as np
import pytest
from evaluations import row_of, scores_of

from rclicks_jax.evaluation import click_model_tables, clicks_of_people, task_scoring
from rclicks_jax.evaluation.records import TaskRecord


def measured(known=True, count=8, people=9, per_task=8):
    """Returns records of tasks that people with habits clicked, and of two maps."""
    random = np.random.default_rng(0)
    habits = random.normal(0, 5, (people, 2))
    pixels = np.moveaxis(np.indices((60, 60)), 0, -1)
    squared = ((pixels - 30) ** 2).sum(axis=-1)
    maps = {
        "UD": np.ones((60, 60), np.float32),
        "DT": np.exp(-squared / 60).astype(np.float32),
    }
    made = []
    for number in range(count):
        who = random.choice(people, per_task, replace=False)
        places = 30 + habits[who] + random.normal(0, 3, (per_task, 2))
        clicks = np.rint(places).clip(0, 59).astype(np.int32)
        task = task_scoring.TaskWithMaps(
            clicks, (60, 60), np.ones((60, 60), bool), maps,
            dict.fromkeys(maps, (0, number)), 12, 0.0,
            people=tuple(f"p{n}" for n in who) if known else (),
        )  # fmt: skip
        record = TaskRecord("set", f"t{number}", f"photo{number}", clicks=per_task)
        made.append(dataclasses.asdict(task_scoring.measure((record, task))))
    return made


def test_people_are_resampled_where_records_have_them(tmp_path):
    models = {name: evaluations.MODELS[name] for name in ("UD", "DT")}
    known = scores_of(tmp_path / "known", measured(), models=models)
    plain = scores_of(tmp_path / "plain", measured(known=False), models=models)
    for make, rows in (
        (click_model_tables.means, 3),
        (click_model_tables.differences, 6),
    ):
        table, other = make(known), make(plain)
        assert len(table.rows) == len(other.rows) == rows
    means, others = click_model_tables.means(known), click_model_tables.means(plain)
    # Without names other clicks are in a half.
    for row, other in zip(means.rows[:-1], others.rows[:-1], strict=True):
        assert row["wd"] == other["wd"]
        for key in ("pl1", "energy"):
            assert row[key].mean == other[key].mean
            assert row[key].low <= other[key].low < other[key].high <= row[key].high
    assert means.rows[0]["energy"] != others.rows[0]["energy"]
    assert means.rows[-1]["model"] == "people, in halves"
    assert clicks_of_people.PEOPLE_KNOWN in means.notes
    assert clicks_of_people.PEOPLE_UNKNOWN in others.notes
    apart, apart_plain = (
        row_of(click_model_tables.differences(each), measure="Energy ↓")
        for each in (known, plain)
    )
    assert apart["difference"].mean == apart_plain["difference"].mean
    assert apart["difference"].low <= apart_plain["difference"].low
    kept = [scores.only([0, 1, 2, 3, 4, 5]) for scores in known]
    assert len(kept[0].people) == 6


def test_distances_of_each_click_are_those_of_the_means():
    (record, *_) = measured(count=1)
    for model in ("UD", "DT"):
        values, apart = record["models"][model]["raw"], record["to_clicks"][model]
        assert np.mean(apart["raw"]["pl1"]) == pytest.approx(values["pl1"], abs=1e-5)
        assert apart["masked"] == apart["raw"]
    assert record["box_hw"] == (60, 60)
    assert len(record["people"]) == len(record["clicks_yx"]) == 8
