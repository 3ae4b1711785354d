"""What each table is of: which objects, which groups, which unit."""

import dataclasses

import numpy as np
import pytest
import results_of

from rclicks_jax.benchmark import records
from rclicks_jax.metrics import interaction
from rclicks_jax.reporting import table_files, table_formats
from rclicks_jax.results import (
    measures,
    outputs,
    paper_tables,
    part_tables,
    tables,
)
from rclicks_jax.settings import protocols

PAPER = protocols.PAPER


def of_groups(result, *groups):
    """Returns the results as if only some groups had been played."""
    places = [group - 1 for group in groups]
    ious = result.by_group.iou[:, places]
    return dataclasses.replace(
        result, groups=list(groups), by_group=results_of.areas(ious)
    )


def run_of(result, **identity):
    run = results_of.run("mine")
    return run._replace(results={result.dataset: result}, identity=identity)


def test_the_two_outer_groups_are_all_that_delta_gr_needs():
    whole = results_of.results()
    outer = of_groups(whole, 1, 10)
    noc = whole.noc(whole.by_group, PAPER, 90)[0]
    expected = 100 * (noc[0] - noc[9]) / noc[9]
    found = measures.BY_KEY["delta_gr"].values(outer, PAPER)
    np.testing.assert_allclose(found, expected)
    (row,) = paper_tables.efficiency([run_of(outer)]).rows
    assert row["set_delta_gr"] == pytest.approx(expected.mean())
    assert measures.BY_KEY["delta_hh"].values(outer, PAPER) is None
    (note,) = tables.summary([outer], PAPER).notes
    assert "over clicking groups 1, 10 only" in note
    assert tables.summary([whole], PAPER).notes == ()


@pytest.mark.parametrize("groups", [(2, 5), (1, 5), (10,)])
def test_other_groups_have_no_delta_gr(groups):
    some = of_groups(results_of.results(), *groups)
    assert measures.BY_KEY["delta_gr"].values(some, PAPER) is None
    for make in paper_tables.MAKERS:
        heads = [head for head, _ in make([run_of(some)]).columns.values()]
        assert not any("ΔGR" in head for head in heads)


def test_one_group_has_a_mean_and_no_spread():
    one = of_groups(results_of.results(), 10)
    for key in ("sample_noc_std", "sample_auc_std", "nsr"):
        assert measures.BY_KEY[key].values(one, PAPER) is None
    noc = one.noc(one.by_group, PAPER, 90)
    (row,) = paper_tables.efficiency([run_of(one)]).rows
    assert row["set_sample_noc"] == f"{noc.mean():.2f}"


def test_differences_say_their_unit_and_which_way_is_better():
    run = run_of(results_of.results(spread=0.05))

    def heads(make):
        every = (head for head, _ in make([run]).columns.values())
        return {head.removeprefix("set ") for head in every if "Δ" in head}

    assert heads(paper_tables.noc) == {"ΔSB, % of NoC ↓", "ΔGR, % of NoC ↓"}
    assert heads(paper_tables.nof) == {"ΔSB, objects ↓", "ΔGR, objects ↓"}
    assert heads(paper_tables.iou_auc) == {"ΔSB, points ↑", "ΔGR, points ↑"}
    # G1 fares worse: more clicks, more failures, less area.
    (noc,), (auc,) = paper_tables.noc([run]).rows, paper_tables.iou_auc([run]).rows
    assert noc["set_delta_gr"] > 0 > auc["set_delta_gr"]
    result = run.results["set"]
    area = 100 * interaction.iou_auc(result.by_group.iou)[0].mean(axis=-1)
    assert auc["set_delta_gr"] == pytest.approx(area[0] - area[9])
    robot = 100 * interaction.iou_auc(result.baseline.iou).mean()
    assert auc["set_delta_sb"] == pytest.approx(area.mean() - robot)


def test_every_number_in_a_heading_says_which_way_is_better():
    columns = tables.summary([results_of.results()], PAPER).columns
    for key, (head, form) in columns.items():
        if form not in ("s", "d"):
            assert head.endswith("↑" if ("auc" in key and "std" not in key)
                                 or key.endswith("_iou") else "↓"), head  # fmt: skip


def test_the_papers_tables_are_named_by_what_they_hold_with_its_number_beside():
    made = [make([run_of(results_of.results())]) for make in paper_tables.MAKERS]
    assert [(one.name, one.title.rpartition("(")[2]) for one in made] == [
        ("efficiency_by_dataset", "paper Table 4)"),
        ("noc_by_dataset", "paper Table 9)"),
        ("nof_by_dataset", "paper Table 10)"),
        ("iou_auc_by_dataset", "paper Table 11)"),
        ("first_click_by_dataset", "paper Table 12)"),
    ]


def with_clicks_on(result, kept):
    """Returns results in which users clicked some objects alone."""
    ious = [
        ious if number in kept else np.zeros(0)
        for number, ious in enumerate(result.user_ious)
    ]
    return dataclasses.replace(result, user_ious=ious)


def test_users_and_the_robot_are_compared_on_the_objects_that_users_clicked():
    kept = [0, 1, 2, 4, 5, 9]
    result = with_clicks_on(results_of.results(), kept)
    (row,) = tables.users([result], PAPER).rows
    base = 100 * result.baseline.iou[:, 0]
    assert row["base"].mean == pytest.approx(base[kept].mean())
    assert base[kept].mean() != pytest.approx(base.mean())
    users = [100 * result.user_ious[number].mean() for number in kept]
    assert row["user_iou"].mean == pytest.approx(np.mean(users))
    assert (row["objects"], row["of"]) == (6, 12)
    (row,) = paper_tables.first_click([run_of(result)]).rows
    assert row["set_base"] == pytest.approx(base[kept].mean())
    assert row["set_objects"] == 6
    (note,) = tables.summary([result], PAPER).notes
    assert note == (
        "User IoU@1 %, ± user, User NSR % on set: over the 6 of 12 objects that have a "
        "number."
    )


def test_samples_are_compared_on_the_objects_that_have_both():
    result = with_clicks_on(results_of.results(), range(8))
    sampled = [np.full(3, 0.1 * n) if n > 2 else np.zeros(0) for n in range(12)]
    result = dataclasses.replace(result, sampled_ious=sampled)
    (row,) = tables.users([result], PAPER).rows
    assert row["objects"] == 5
    assert row["sampled_iou"].mean == pytest.approx(10 * np.mean([3, 4, 5, 6, 7]))
    users = [100 * result.user_ious[number].mean() for number in (3, 4, 5, 6, 7)]
    assert row["user_iou"].mean == pytest.approx(np.mean(users))


def test_without_users_the_robot_is_shown_on_all_objects():
    result = with_clicks_on(results_of.results(), [])
    (row,) = paper_tables.first_click([run_of(result)]).rows
    assert row["set_base"] == pytest.approx(100 * result.baseline.iou[:, 0].mean())
    assert row["set_objects"] == 12


def test_tables_without_content_are_said_and_not_written(tmp_path):
    result = with_clicks_on(results_of.results(), [])
    made = outputs.make_tables(run_of(result, strategies={"users": True}))
    (note,) = made[0].notes
    assert "--config.users found no object with real first clicks" in note
    assert "--config.repeats=5" in note
    assert note in table_formats.to_text(made[0])
    table_files.write_tables(tmp_path, made)
    written = {path.stem for path in (tmp_path / "tables").iterdir()}
    assert written == {table.name for table in made if table.rows}
    assert not written & {"users", "repeats", "averaged_draws", "by_category"}
    several = outputs.make_tables(run_of(results_of.results(repeats=2)))
    assert several[0].notes == ()


def test_what_was_not_played_to_90_percent_has_no_noc_at_90():
    protocol = dataclasses.replace(PAPER, stop_at=80)
    result = results_of.results()
    table = tables.summary([result], protocol)
    assert not any("noc" in key or "nof" in key for key in table.columns)
    assert "ended at 80 % IoU: there is no NoC@90" in table.notes[-1]
    assert tables.curves([result], protocol).rows == []
    run = run_of(result)._replace(protocol=protocol)
    for make in (paper_tables.noc, paper_tables.nof, paper_tables.iou_auc):
        assert make([run]).rows == []
    known = dataclasses.replace(PAPER, stop_at=90)
    noc = result.noc(result.baseline, known, 90)
    (row,) = tables.summary([result], known).rows
    assert row["base_noc"].mean == pytest.approx(noc.mean())


CURVE = np.where(np.arange(20) >= 3, 0.95, 0.2)
SLOW = np.where(np.arange(20) >= 8, 0.95, 0.2)


def parts(**changes):
    """Returns results of 12 objects of which every third is slow."""
    ious = np.stack([SLOW if number % 3 == 0 else CURVE for number in range(12)])
    played = {("group", 1, 0): ious, ("group", 10, 0): ious, ("baseline", 0, 0): ious}
    return results_of.collected(played, images=12, **changes)


def test_objects_are_parted_by_cocos_sizes():
    areas = [32**2 - 1, 32**2, 96**2 - 1, 96**2] * 3
    rows = part_tables.by_size([parts(area=areas)], PAPER).rows
    sizes = [(row["size"], row["objects"]) for row in rows]
    assert sizes == [("small", 3), ("medium", 6), ("large", 3)]
    # Objects 0, 3, 6 and 9 are slow: 9 clicks for 4.
    assert [row["base_noc"].mean for row in rows] == pytest.approx(
        [(9 + 4 + 4) / 3, (4 + 4 + 4 + 9 + 9 + 4) / 6, (9 + 4 + 4) / 3]
    )
    # Three photographs are too few for an interval, six are not.
    assert [row["base_noc"].known for row in rows] == [False, True, False]


def test_objects_are_parted_by_their_share_of_the_photograph():
    pixels = [100_001, 100_000, 10_001, 10_000, 0, 2000] * 2
    rows = part_tables.by_share([parts(image_pixels=pixels)], PAPER).rows
    found = {row["share"]: row["objects"] for row in rows}
    # Of a thousand pixels each; shares that nobody knows are counted as well.
    assert found == {"below 1 %": 2, "1 to 10 %": 4, "above 10 %": 4, None: 2}


@dataclasses.dataclass(frozen=True)
class Categorised(records.InstanceRecord):
    """A record with a category, as readers of COCO make them."""

    category: str = ""


def test_objects_are_parted_by_category(monkeypatch):
    monkeypatch.setattr(records, "InstanceRecord", Categorised)
    names = ["dog", "cat", "dog", ""] * 3
    rows = part_tables.by_category([parts(category=names)], PAPER).rows
    assert [(row["category"], row["objects"]) for row in rows] == [
        (None, 3),
        ("cat", 3),
        ("dog", 6),
    ]
    # Cats are objects 1, 5 and 9, of which 9 is slow.
    assert rows[1]["sample_noc"].mean == pytest.approx((4 + 4 + 9) / 3)


def test_objects_without_categories_and_photographs_have_no_such_tables():
    assert part_tables.by_category([parts()], PAPER).rows == []
    assert part_tables.by_share([parts()], PAPER).rows == []
