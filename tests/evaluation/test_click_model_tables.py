"""Tables of evaluations, from records made of numbers."""

import evaluations
import numpy as np
import pytest
from evaluations import row_of, scores_of

from rclicks_jax import errors
from rclicks_jax.evaluation import (
    click_metrics,
    click_model_tables,
    click_scores,
)
from rclicks_jax.metrics import intervals
from rclicks_jax.reporting import table_formats
from rclicks_jax.settings import protocols

PAPER = ("ks", "pl1", "wd", "nss", "pde")


def test_means_are_over_the_tasks_of_a_kind_that_are_ok(tmp_path):
    records = evaluations.many()
    records[0] |= {"status": "failed", "reason": "broken", "models": {}}
    records[1] |= {"status": "skipped", "reason": "nobody clicked", "models": {}}
    table = click_model_tables.means(scores_of(tmp_path, records))
    kept = [r["models"]["DT"]["raw"]["nss"] for r in records[2:]]
    pooled = row_of(table, model="DT", click_type="all")
    assert pooled["nss"].mean == pytest.approx(np.mean(kept))
    assert [pooled[status] for status in ("ok", "skipped", "failed")] == [10, 1, 1]
    first = row_of(table, model="DT", click_type="first")
    firsts = [
        r["models"]["DT"]["raw"]["nss"]
        for r in records[2:]
        if r["click_type"] == "first"
    ]
    assert first["nss"].mean == pytest.approx(np.mean(firsts))
    assert [first[status] for status in ("ok", "skipped", "failed")] == [3, 0, 1]


def test_intervals_are_clustered_by_image(tmp_path):
    records = evaluations.many()
    table = click_model_tables.means(scores_of(tmp_path, records))
    values = np.array([r["models"]["UD"]["raw"]["wd"] for r in records])
    images = np.array([r["image_id"] for r in records])
    found = row_of(table, model="UD", click_type="all")["wd"]
    expected = intervals.bootstrap_mean(values, images)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("protocol", "maps", "more"),
    [
        (protocols.PAPER, None, 0.0),
        (protocols.STRICT, None, 1.0),
        (protocols.PAPER, "masked", 1.0),
        (protocols.STRICT, "raw", 0.0),
    ],
)
def test_the_protocol_chooses_maps_unless_told(tmp_path, protocol, maps, more):
    records = [evaluations.record("a", 0.0)]
    (ud, *_) = scores_of(tmp_path, records, maps, protocol=protocol)
    assert ud.mean("cc") == pytest.approx(evaluations.BASES["UD"] + more)


def test_maps_that_are_not_there_are_refused(tmp_path):
    path = evaluations.write(tmp_path, evaluations.many())
    with pytest.raises(errors.UnknownNameError, match="masked, raw"):
        click_scores.open_evaluation(path, "blurred")


def test_what_is_not_defined_is_in_no_mean(tmp_path):
    records = evaluations.many()
    records[0]["models"]["UD"]["raw"]["ks"] = None
    for one in records:
        one["models"]["DT"]["raw"]["ks"] = None
    scores = scores_of(tmp_path, records)
    table = click_model_tables.means(scores)
    known = [r["models"]["UD"]["raw"]["ks"] for r in records[1:]]
    found = row_of(table, model="UD", click_type="all")["ks"]
    assert found.mean == pytest.approx(np.mean(known))
    without = row_of(table, model="DT", click_type="all")
    assert without["ks"] is None
    assert "–" in table_formats.to_markdown(table)
    assert row_of(table, model="UD", click_type="all")["undefined"] == "KS 1"
    assert without["undefined"] == "KS 12"
    assert row_of(table, model="CM mine", click_type="all")["undefined"] == ""


def test_there_is_no_column_of_what_is_not_defined_where_all_is(tmp_path):
    table = click_model_tables.means(scores_of(tmp_path, evaluations.many()))
    assert "undefined" not in table.columns


def test_further_metrics_have_differences_of_their_own(tmp_path):
    scores = scores_of(tmp_path, evaluations.many())
    table = click_model_tables.further_differences(scores)
    row = row_of(table, click_type="all", one="UD", other="DT", measure="CC ↑")
    assert row["difference"].mean == pytest.approx(
        evaluations.BASES["UD"] - evaluations.BASES["DT"]
    )


def test_metrics_that_nothing_has_make_no_column_and_no_table(tmp_path):
    records = evaluations.many()
    for one in records:
        for measured in one["models"].values():
            measured["raw"] = {key: measured["raw"][key] for key in PAPER}
    scores = scores_of(tmp_path, records)
    assert "kld" not in click_model_tables.further(scores).columns
    names = {table.name for table in click_model_tables.make_all(scores)}
    assert names == {
        "click_models",
        "click_model_differences",
        "click_models_by_dataset",
    }


def test_differences_are_of_the_tasks_that_both_models_finished(tmp_path):
    records = evaluations.many()
    one = scores_of(tmp_path / "one", records[:9], models={"UD": {"name": "UD"}})
    other = scores_of(tmp_path / "other", records[3:], models={"DT": {"name": "DT"}})
    table = click_model_tables.differences([*one, *other])
    row = row_of(table, click_type="all", measure="NSS ↑")
    assert (row["one"], row["other"], row["tasks"]) == ("UD", "DT", 6)
    assert row["difference"].mean == pytest.approx(
        evaluations.BASES["UD"] - evaluations.BASES["DT"]
    )
    assert row["told_apart"] == "yes"


def test_models_that_differ_by_chance_are_not_told_apart(tmp_path):
    records = evaluations.many()
    for sign, one in zip([1, -1] * 6, records, strict=True):
        measured = one["models"]
        measured["DT"]["raw"]["nss"] = measured["UD"]["raw"]["nss"] + 0.1 * sign
    table = click_model_tables.differences(scores_of(tmp_path, records))
    row = row_of(table, one="UD", other="DT", click_type="all", measure="NSS ↑")
    assert row["told_apart"] == "no"


def test_table_3_is_of_tetris_val_in_the_papers_order(tmp_path):
    models = {
        "CM mine": evaluations.MODELS["CM mine"],
        "SM (spectral residual)": {"name": "SM", "source": "spectral_residual"},
        "DT": {"name": "DT"},
        "UD": {"name": "UD"},
    }
    records = evaluations.many(dataset="TETRIS", models=tuple(models))
    records += evaluations.many(6, dataset="DAVIS", models=tuple(models))
    scores = scores_of(tmp_path / "val", records, models=models)
    table = click_model_tables.on_tetris_val(scores)
    assert list(table.columns) == ["model", *PAPER]
    order = ["UD", "DT", "SM (spectral residual)", "CM mine"]
    assert [row["model"] for row in table.rows] == order
    ours = [
        r["models"]["UD"]["raw"]["pl1"] for r in records if r["dataset"] == "TETRIS"
    ]
    assert table.rows[0]["pl1"] == pytest.approx(np.mean(ours))
    every = click_model_tables.by_dataset(scores)
    assert [row["dataset"] for row in every.rows] == ["DAVIS"] * 4 + ["TETRIS"] * 4
    whole = scores_of(tmp_path / "all", records, models=models, split="all")
    assert not click_model_tables.on_tetris_val(whole).rows


def test_table_7_orders_networks_by_sigma(tmp_path):
    network = evaluations.MODELS["CM mine"]
    models = {f"CM {s}": {**network, "sigma": s} for s in (20.0, 0.25, 5.0)}
    models["UD"] = {"name": "UD"}
    records = evaluations.many(models=tuple(models))
    table = click_model_tables.by_sigma(
        scores_of(tmp_path / "a", records, models=models)
    )
    assert [row["sigma"] for row in table.rows] == [0.25, 5.0, 20.0]
    assert "0.25 &" in table_formats.to_latex(table)
    one_sigma = scores_of(tmp_path / "b", evaluations.many())
    assert not click_model_tables.by_sigma(one_sigma).rows


def test_a_pde_is_written_as_the_paper_writes_it(tmp_path):
    record = evaluations.record("a", 0.0)
    record["models"]["UD"]["raw"]["pde"] = 1.3611e-5
    table = click_model_tables.by_dataset(scores_of(tmp_path, [record]))
    assert "1.36E-05" in table_formats.to_latex(table)
    assert r"$\downarrow$" in table_formats.to_latex(table)


def test_a_difference_counts_the_tasks_in_which_both_are_defined(tmp_path):
    records = evaluations.many()
    for one in records[:2]:
        one["models"]["UD"]["raw"]["ks"] = None
    table = click_model_tables.differences(scores_of(tmp_path, records))
    row = row_of(table, one="UD", other="DT", click_type="all", measure="KS ↑")
    assert row["tasks"] == 10


def test_of_four_photographs_no_click_models_are_told_apart(tmp_path):
    records = [
        evaluations.record(f"task{number}", 0.1 * number, image_id=f"p{number % 4}")
        for number in range(12)
    ]
    scores = scores_of(tmp_path, records)
    assert {
        row["told_apart"] for row in click_model_tables.differences(scores).rows
    } == {None}
    means = click_model_tables.means(scores)
    assert not any(row["nss"].known for row in means.rows)
    assert "fewer than 5 photographs" in table_formats.to_markdown(means)


@pytest.mark.parametrize(
    "change", [{"models": {"UD": {"pl1": 0.5}}}, {"clicks": None, "image_id": None}]
)
def test_a_record_of_another_release_is_named(tmp_path, change):
    record = {k: v for k, v in {**evaluations.record("a", 0.0), **change}.items() if v}
    path = evaluations.write(tmp_path, [record])
    with pytest.raises(errors.RunFolderError, match=r"a\.1\.jsonl is not a record"):
        click_scores.open_evaluation(path)


def test_a_folder_without_records_is_named(tmp_path):
    path = evaluations.write(tmp_path, [])
    with pytest.raises(errors.RunFolderError, match="no finished task"):
        click_scores.open_evaluation(path)


@pytest.mark.parametrize(("first", "then"), [("masked", "raw"), ("raw", "masked")])
def test_other_maps_of_an_evaluation_that_was_read_are_as_if_read_anew(
    tmp_path, monkeypatch, first, then
):
    path = evaluations.write(tmp_path, evaluations.many())
    wanted = click_scores.open_evaluation(path, then, "mine")
    opened = click_scores.open_evaluation(path, first, "mine")
    monkeypatch.setattr(click_scores.task_records, "read_all", None)
    changed = opened.with_maps(then)
    assert changed.maps == then
    for ours, anew in zip(changed.scores, wanted.scores, strict=True):
        assert (ours.model, ours.split) == (anew.model, anew.split)
        for key, values in anew.values.items():
            np.testing.assert_array_equal(ours.values[key], values)
    assert changed.scores[0].mean("nss") != opened.scores[0].mean("nss")


def test_every_metric_of_a_record_is_in_a_table():
    of_tables = {measure.key for measure in click_scores.MEASURES}
    assert of_tables == set(click_metrics.METRICS)
