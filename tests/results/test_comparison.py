import dataclasses

import numpy as np
import pytest
import results_of

from rclicks_jax import errors
from rclicks_jax.metrics import intervals
from rclicks_jax.reporting import table_formats
from rclicks_jax.results import (
    comparison,
    comparison_figures,
    difficulty,
    measures,
    paper_tables,
)
from rclicks_jax.settings import protocols


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
    whole = measures.BY_KEY["sample_noc"].values(other.results["set"], protocols.PAPER)
    np.testing.assert_array_equal(found.values[1], whole[3:])


def test_a_paired_interval_is_narrower_than_the_spread_of_objects():
    runs = [results_of.run("one"), results_of.run("other", skill=0.02, seed=0)]
    found = comparison.paired(runs, "set", "sample_noc")
    between = intervals.difference(*found.values, found.image_ids)
    alone = intervals.over_images(found.values[0], found.image_ids)
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
    assert {row["measure"] for row in rows} >= {"Sample NoC@90 ↓", "NSR % ↓"}
    (noc,) = [row for row in rows if row["measure"] == "Sample NoC@90 ↓"]
    assert noc["difference"].low > 0
    assert noc["told_apart"] == "yes"


DT = {"name": "DT"}
NETWORK = {"name": "CM", "variant": "tiny", "checksum": "0123456789ab", "sigma": 20.0}
HASHED = {
    "protocol": vars(protocols.PAPER),
    "seed": 0,
    "strategies": {"groups": list(range(1, 11)), "baseline": True, "repeats": 1},
    "segmenter": {"name": "noisy"},
    "click_model": DT,
    "data": {"set": "aaaa"},
    "split": "all",
}
# Each way in which two runs can differ beside their segmenter, and what is said of it.
OTHERS = {
    "click_model": (
        {"click_model": NETWORK}, "DT in one and CM tiny 01234567 in other"
    ),
    "groups": (
        {"strategies": {**HASHED["strategies"], "groups": [1, 10]}},
        "strategies.groups is 1,2,3,4,5,6,7,8,9,10 in one and 1,10 in other",
    ),
    "baseline": (
        {"strategies": {**HASHED["strategies"], "baseline": False}},
        "strategies.baseline is true in one and false in other",
    ),
    "robots": (
        {"strategies": {**HASHED["strategies"], "robots": ["random"]}},
        "strategies.robots is not recorded in one and random in other",
    ),
    "repeats": (
        {"strategies": {**HASHED["strategies"], "repeats": 3}},
        "strategies.repeats is 1 in one and 3 in other",
    ),
    "seed": ({"seed": 7}, "seed is 0 in one and 7 in other"),
    "data": ({"data": {"set": "bbbb"}}, "data.set is aaaa in one and bbbb in other"),
    "split": ({"split": "val"}, "split is all in one and val in other"),
    "click_draws": (
        {"click_draws": "mass line"},
        "click_draws is not recorded in one and mass line in other",
    ),
    "protocol": (
        {"protocol": vars(protocols.STRICT)},
        "protocol.name is paper in one and strict in other",
    ),
    "stop_at": (
        {"protocol": {**vars(protocols.PAPER), "stop_at": 95}},
        "protocol.stop_at is 0 (all clicks) in one and 95 in other",
    ),
}  # fmt: skip


def recorded(label, changes=(), provenance=(), **made):
    """Returns made-up results of a run that recorded what it was."""
    run = results_of.run(label, **made)
    identity = {**HASHED, **dict(changes)}
    protocol = protocols.Protocol(**identity["protocol"])
    return run._replace(
        identity=identity, provenance=dict(provenance), protocol=protocol
    )


def test_runs_that_cannot_be_told_apart_are_refused():
    one = results_of.run("one")
    with pytest.raises(errors.RunFolderError, match="LABEL=FOLDER"):
        comparison.check([one, one])
    elsewhere = results_of.run("other", dataset="elsewhere")
    with pytest.raises(errors.RunFolderError, match="no dataset in common"):
        comparison.check([one, elsewhere])


def test_another_segmenter_is_no_difference():
    other = recorded("other", {"segmenter": {"name": "stuck"}})
    checked = comparison.check([recorded("one"), other])
    assert [run.label for run in checked.runs] == ["one", "other"]
    assert checked.head == ""


@pytest.mark.parametrize("setting", OTHERS)
def test_what_differs_beside_the_segmenter_is_refused_with_both_values(setting):
    changes, said = OTHERS[setting]
    with pytest.raises(errors.RunFolderError) as refused:
        comparison.check([recorded("one"), recorded("other", changes)])
    assert said in str(refused.value)
    assert f"--allow={setting} " in str(refused.value)
    # Allowing another one does not help.
    others = [name for name in OTHERS if name != setting]
    with pytest.raises(errors.RunFolderError):
        comparison.check([recorded("one"), recorded("other", changes)], others)


def test_an_unknown_setting_to_allow_is_refused():
    with pytest.raises(errors.UnknownNameError, match="click_model"):
        comparison.check([recorded("one")], ["clickmodel"])


def test_the_same_segmenter_under_two_click_models_is_named_and_not_ranked():
    runs = [
        recorded("noisy"),
        recorded("noisy", OTHERS["click_model"][0], skill=0.05),
    ]
    with pytest.raises(errors.RunFolderError, match="click_model is DT in run 1"):
        comparison.check(runs)
    checked = comparison.check(runs, ["click_model"])
    labels = ["noisy (click_model DT)", "noisy (click_model CM tiny 01234567)"]
    assert [run.label for run in checked.runs] == labels
    assert checked.head == "runs differ in click_model"
    table = checked.named(comparison.means(checked.runs))
    assert "runs differ in click_model" in table.title
    assert [row["sample_noc_rank"] for row in table.rows] == [None, None]
    for row in comparison.differences(checked.runs).rows:
        assert row["told_apart"] is None
    assert "are not ranked" in checked.notes[0]


def test_segmenters_are_ranked_among_runs_of_equal_settings_alone():
    changes = OTHERS["seed"][0]
    runs = [
        recorded("a"), recorded("b", skill=0.05), recorded("c", changes, skill=0.1)
    ]  # fmt: skip
    checked = comparison.check(runs, ["seed"])
    rows = comparison.means(checked.runs).rows
    assert [row["sample_noc_rank"] for row in rows] == ["2", "1", None]
    told = {
        (row["one"][0], row["other"][0]): row["told_apart"]
        for row in comparison.differences(checked.runs).rows
        if row["measure"] == "Sample NoC@90 ↓"
    }
    assert told == {("a", "b"): "yes", ("a", "c"): None, ("b", "c"): None}


@pytest.mark.parametrize(
    ("key", "one", "other", "said"),
    [
        ("versions", {"jax": "0.9"}, {"jax": "0.10"}, "versions.jax is 0.9 in a and"),
        ("backend", "cpu", "gpu", "backend is cpu in a and gpu in b"),
        ("cores", 1, 2, "cores is 1 in a and 2 in b"),
        ("batches", {"click_maps": 3}, {"click_maps": 10}, "batches.click_maps is 3"),
    ],
)
def test_other_means_are_named_and_are_no_other_setting(key, one, other, said):
    checked = comparison.check(
        [recorded("a", provenance={key: one}), recorded("b", provenance={key: other})]
    )
    assert checked.head == ""
    start = f"The runs were made by different means: {said}"
    assert checked.notes[0].startswith(start)
    same = [recorded(name, provenance={key: one}) for name in "ab"]
    assert not any("means" in note for note in comparison.check(same).notes)
    # Releases before did not note it.
    older = comparison.check([same[0], recorded("b")])
    assert not any("means" in note for note in older.notes)


def test_a_limit_on_sides_is_a_difference_wherever_it_is_recorded():
    provenance = {"config": {"max_side": 0}}
    with pytest.raises(
        errors.RunFolderError, match=r"max_side is 0 \(no limit\) in a and 512 in b"
    ):
        comparison.check(
            [
                recorded("a", provenance=provenance),
                recorded("b", {"max_side": 512}, provenance=provenance),
            ]
        )


def test_other_images_are_a_difference_and_a_continued_run_is_none():
    def run(label, count, images):
        provenance = {"config": {"max_images": count}}
        made = recorded(label, provenance=provenance)
        seen = frozenset(f"photo{number}" for number in range(images))
        result = dataclasses.replace(made.results["set"], seen_images=seen)
        return made._replace(results={"set": result})

    with pytest.raises(
        errors.RunFolderError, match=r"max_images is 6 in a and 0 \(all\) in b"
    ):
        comparison.check([run("a", 6, 6), run("b", 0, 9)])
    # Started with 6 images, and gone on with all.
    assert comparison.check([run("a", 6, 9), run("b", 0, 9)]).head == ""
    unfinished = comparison.check([run("a", 0, 6), run("b", 0, 9)])
    assert "6 in a, 9 in b" in unfinished.notes[0]


def test_notes_of_each_run_are_repeated_with_the_runs_that_have_them():
    one = recorded("one", provenance={"data_notes": ["2 crowds left out"]})
    other = recorded("other", provenance={"data_notes": ["2 crowds left out"]})
    counts = {"ok": 12, "skipped": 1, "failed": 3}
    failing = dataclasses.replace(other.results["set"], counts=counts)
    notes = comparison.check([one, other._replace(results={"set": failing})]).notes
    assert "2 crowds left out" in notes
    assert "The click model is DT, a rule: it has learnt nothing from people." in notes
    outer = {"strategies": {**HASHED["strategies"], "groups": [1, 10]}}
    run = recorded("outer", outer)
    result = dataclasses.replace(run.results["set"], groups=[1, 10])
    told = run._replace(results={"set": result}).notes()
    assert any("over clicking groups 1, 10 only" in note for note in told)
    failed = "other: Of 16 objects 3 failed and 1 were skipped: no mean includes them."
    assert failed in notes


def test_of_four_photographs_there_is_no_interval_no_rank_and_no_telling_apart():
    runs = [
        results_of.run(name, skill=s, objects=8, images=4)
        for name, s in (("a", 0), ("b", 0.2))
    ]
    means = comparison.means(runs)
    assert not any(row["sample_noc"].known for row in means.rows)
    assert [row["sample_noc_rank"] for row in means.rows] == [None, None]
    table = comparison.differences(runs)
    assert {row["told_apart"] for row in table.rows} == {None}
    expected = [
        measures.BY_KEY["sample_noc"].values(run.results["set"], protocols.PAPER).mean()
        for run in runs
    ]
    assert means.rows[0]["sample_noc"].mean == pytest.approx(expected[0])
    assert table.rows[0]["difference"].mean == pytest.approx(expected[0] - expected[1])
    for made in (means, table):
        written = table_formats.to_markdown(made)
        assert "fewer than 5 photographs" in written
        assert "[" not in written


def test_a_measure_is_of_the_objects_for_which_every_run_has_a_number():
    runs = [results_of.run("a"), results_of.run("b", skill=0.05)]
    result = runs[0].results["set"]
    ious = result.by_group.iou.copy()
    ious[:, :, 2] = 0  # never found: no NSR
    changed = dataclasses.replace(result, by_group=results_of.areas(ious))
    runs[0] = runs[0]._replace(results={"set": changed})
    found = comparison.paired(runs, "set", "nsr")
    kept = [i for i in range(12) if i != 2]
    nsr = measures.BY_KEY["nsr"].values(runs[1].results["set"], protocols.PAPER)
    np.testing.assert_allclose(found.values[1], nsr[kept])
    table = comparison.means(runs)
    assert table.rows[1]["nsr"].mean == pytest.approx(nsr[kept].mean())
    assert table.notes == (
        "NSR % on set: over the 11 of 12 objects that have a number.",
    )
    (row,) = [
        row for row in comparison.differences(runs).rows if row["measure"] == "NSR % ↓"
    ]
    assert row["objects"] == 11


def test_charts_are_drawn_without_intervals():
    runs = [results_of.run(name, objects=8, images=4) for name in ("a", "b")]
    svg = comparison_figures.pareto(runs)
    assert ">a<" in svg
    assert "nan" not in svg.lower()


def test_tables_of_several_runs_are_on_the_objects_that_all_finished():
    one, other = results_of.run("one"), results_of.run("other", skill=0.05)
    fewer = other._replace(results={"set": other.results["set"].only(range(3, 12))})
    table = paper_tables.noc(comparison.on_shared([one, fewer]))
    base = measures.BY_KEY["base_noc"].values(one.results["set"], protocols.PAPER)
    assert table.rows[0]["set_base_noc"] == pytest.approx(base[3:].mean())
    assert [row["set_objects"] for row in table.rows] == [9, 9]


def test_runs_without_a_common_object_have_no_numbers():
    one, other = results_of.run("one"), results_of.run("other")
    one = one._replace(results={"set": one.results["set"].only(range(6))})
    other = other._replace(results={"set": other.results["set"].only(range(6, 12))})
    assert [row["objects"] for row in comparison.means([one, other]).rows] == [0, 0]
    assert comparison.differences([one, other]).rows == []
    for make in paper_tables.MAKERS:
        assert make(comparison.on_shared([one, other])).rows == []
    assert difficulty.hardest([one, other]).rows == []


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
