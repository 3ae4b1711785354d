"""How alike two sets of people click, against plain versions of the definitions."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.stats
from clicked_folders import BOX, SHAPE, write_clicked

from rclicks_jax import errors
from rclicks_jax.data.click_pairs import ClickPair
from rclicks_jax.evaluation import (
    agreements,
    click_agreement,
    click_agreement_tables,
    paper_numbers,
)
from rclicks_jax.jobs import store

HEIGHT, WIDTH = BOX[1] - BOX[0], BOX[3] - BOX[2]


def points(count, seed, shift=0):
    random = np.random.default_rng(seed)
    inside = random.integers([10, 20], [30, 50], (count, 2)) + shift
    return inside.astype(np.int32)


def pair_of(one, other, **changes):
    gt_mask = np.zeros(SHAPE, np.uint8)
    gt_mask[BOX[0] : BOX[1], BOX[2] : BOX[3]] = 255
    pair = ClickPair(
        "GrabCut", "a", "photo", "first", "pc", "mobile", one, other, gt_mask, ""
    )
    return dataclasses.replace(pair, **changes)


def plain(one, other):
    """Returns PL1 and WD by loops and a linear programme."""
    distances = [
        abs(y - v) / HEIGHT + abs(x - u) / WIDTH for y, x in one for v, u in other
    ]
    moved = scipy.stats.wasserstein_distance_nd(one, other)
    return np.mean(distances), moved / np.hypot(HEIGHT, WIDTH)


@pytest.mark.parametrize("sizes", [(10, 10), (12, 17), (30, 11)])
def test_sets_of_any_sizes_are_compared_by_the_definitions(sizes):
    one, other = points(sizes[0], 1), points(sizes[1], 2)
    found = agreements.agreement(pair_of(one, other), "device")
    assert found.status == "ok"
    np.testing.assert_allclose((found.pl1, found.wd), plain(one, other), rtol=1e-9)
    assert found.ks == float(found.p_value > 0.05) == 1.0


def test_sets_in_other_places_are_told_apart():
    one, other = points(20, 1), points(20, 2, shift=12)
    found = agreements.agreement(pair_of(one, other), "device")
    assert found.ks == 0.0
    same = agreements.agreement(pair_of(one, one), "device")
    assert same.wd == pytest.approx(0, abs=1e-9)
    assert same.ks == 1.0


def test_the_mistake_is_repeated_on_request_alone():
    one, other = points(15, 1), points(12, 2)
    mended = agreements.agreement(pair_of(one, other), "device")
    mistaken = agreements.agreement(pair_of(one, other), "device_as_published")
    x_twice = np.stack([one[:, 1], one[:, 1]], axis=1)
    expected = plain(x_twice, other)
    np.testing.assert_allclose((mistaken.pl1, mistaken.wd), expected, rtol=1e-9)
    assert mistaken.p_value == mended.p_value
    assert mistaken.wd != mended.wd


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"other_yx": points(9, 2)}, "skipped", "fewer than 10 clicks: 9 by mobile"),
        ({"gt_mask": np.zeros(SHAPE, np.uint8)}, "skipped", "no object pixel"),
        ({"gt_mask": None, "problem": "no file"}, "failed", "no file"),
    ],
)
def test_what_cannot_be_compared_is_counted(changes, status, reason):
    pair = pair_of(points(20, 1), points(20, 2), **changes)
    found = agreements.agreement(pair, "device")
    assert found.status == status
    assert reason in found.reason
    assert np.isnan(found.wd)
    table = click_agreement_tables.means([found], "device")
    assert table.rows[0][status] == 1
    assert table.rows[0]["wd"] is None


def test_display_modes_need_two_clicks_each():
    pair = pair_of(points(2, 1), points(3, 2))
    assert agreements.agreement(pair, "display_mode").status == "ok"
    assert agreements.agreement(pair, "device").status == "skipped"


def test_means_are_over_tasks_and_stand_beside_what_is_published():
    pairs = [
        pair_of(points(12, seed), points(14, seed + 9), image_id=f"p{seed}")
        for seed in range(4)
    ]
    published = paper_numbers.pc_against_mobile()["GrabCut"]
    for compared, known in (
        ("device", {"KS ↑": "ks"}),
        (
            "device_as_published",
            {"KS ↑": "ks", "WD ↓": "wd_of_xx", "PL1 ↓": "pl1_of_xx"},
        ),
    ):
        found = [agreements.agreement(pair, compared) for pair in pairs]
        means = click_agreement_tables.means(found, compared)
        assert means.rows[0]["wd"].mean == pytest.approx(
            np.mean([one.wd for one in found])
        )
        table = click_agreement_tables.compare_with_paper(means, compared, "held_out")
        beside = {row["measure"]: row for row in table.rows}
        for title, row in beside.items():
            if title in known:
                assert row["published"] == published[known[title]]
            else:
                assert row["note"] == "not published"


@pytest.mark.parametrize(("split", "known"), [("val", True), ("train", False)])
def test_published_numbers_are_of_one_split(split, known):
    pairs = [pair_of(points(12, 0), points(14, 9), dataset="TETRIS")]
    found = [agreements.agreement(pair, "device") for pair in pairs]
    means = click_agreement_tables.means(found, "device")
    table = click_agreement_tables.compare_with_paper(means, "device", split)
    (ks,) = (row for row in table.rows if row["measure"].startswith("KS"))
    assert (ks["note"] != "not published") == known


def test_other_clicks_in_the_same_folder_are_refused(tmp_path):
    clicks = {
        ("a", device): points(12, seed)[:, ::-1].tolist()
        for seed, device in enumerate(("pc", "mobile"))
    }
    folder = write_clicked(tmp_path, clicks)
    arguments = ("device", f"folder:{folder}", "all", tmp_path / "run")
    counts = {"ok": 1, "skipped": 0, "failed": 0}
    assert click_agreement.run(*arguments).counts == counts
    again = click_agreement.run(*arguments)
    assert (again.counts, again.worked) == (counts, 0)
    clicks["a", "pc"] = clicks["a", "pc"][:-1]
    write_clicked(tmp_path, clicks)
    with pytest.raises(errors.RunFolderError, match="holds a run of something else"):
        click_agreement.run(*arguments)


def test_tasks_that_cannot_be_compared_are_counted(tmp_path, capsys):
    some = points(6, 0)[:, ::-1].tolist()
    modes = {
        "Text_Description": {("a", "pc"): some},
        "Object_CutOut": {(name, "pc"): some for name in ("a", "b", "gone")},
    }
    folder = write_clicked(tmp_path, {}, modes)
    for part in ("images", "masks"):
        (folder / part / "gone.png").unlink()
    click_agreement.run("display_mode", f"folder:{folder}", "all", tmp_path / "run")
    found = click_agreement.read_all(store.RunFolder(tmp_path / "run"))
    told = {one.click_set_id: (one.status, one.reason) for one in found}
    assert told["a"] == ("ok", "")
    assert told["b"] == ("skipped", "fewer than 2 clicks: 0 by Text_Description")
    note = "mine: clicks are on photographs that are not there (1: gone)"
    assert f"note: {note}" in capsys.readouterr().err
    noted = json.loads((tmp_path / "run" / "run.json").read_text())["provenance"]
    assert noted["data_notes"] == [note]


def test_a_folder_is_compared_and_says_what_it_holds(tmp_path):
    clicks = {
        ("a", device): points(12, seed)[:, ::-1].tolist()
        for seed, device in enumerate(("pc", "mobile"))
    }
    folder = write_clicked(tmp_path, clicks)
    arguments = (f"folder:{folder}", "held_out", tmp_path / "run")
    click_agreement.run("device", *arguments)
    (found,) = click_agreement.read_all(store.RunFolder(tmp_path / "run"))
    one, other = points(12, 0), points(12, 1)
    np.testing.assert_allclose((found.pl1, found.wd), plain(one, other), rtol=1e-9)
    written = json.loads((tmp_path / "run" / "run.json").read_text())
    assert written["identity"]["compared"] == "device"
    with pytest.raises(errors.RunFolderError, match="holds a run of something else"):
        click_agreement.run("device_as_published", *arguments)
    with pytest.raises(errors.UnknownNameError, match="display_mode"):
        click_agreement.run("hand", *arguments)


def test_rows_of_different_tasks_are_not_compared_with_each_other():
    def task(name, other, status="ok"):
        return agreements.Agreement(
            "set", name, name, "first", "words", other, 5, 5, status, wd=0.1
        )

    alike = [task(name, other) for name in "ab" for other in ("cutout", "silhouette")]
    of_tasks = "Rows of set are of different tasks"
    plain = click_agreement_tables.means(alike, "display_mode").notes
    assert not any(of_tasks in note for note in plain)
    fewer = [*alike[:-1], task("b", "silhouette", "skipped")]
    note, _ = click_agreement_tables.means(fewer, "display_mode").notes
    assert of_tasks in note
    assert "of which 1 are in all" in note


def with_people(count=8, per_task=12, pulled=1.0, people=30, known=True):
    """Returns agreements of tasks whose second mode may be pulled to the middle."""
    random = np.random.default_rng(4)
    found = []
    for number in range(count):
        sets = np.clip(random.normal([20, 35], 4, (2, per_task, 2)), 0, 39)
        sets[1] = [20, 35] + pulled * (sets[1] - [20, 35])
        who = [random.choice(people, per_task, replace=False) for _ in sets]
        names = [tuple(f"{'ab'[k]}{n}" for n in of_set) for k, of_set in enumerate(who)]
        changes = {"image_id": f"photo{number}", "click_set_id": f"task{number}"}
        if known:
            changes |= {"one_people": names[0], "other_people": names[1]}
        one, other = np.rint(sets).astype(np.int32)
        pair = pair_of(one, other, **changes)
        found.append(agreements.agreement(pair, "display_mode"))
    return found


def test_halves_of_each_set_stand_beside_two_sets_and_show_the_pull():
    table = click_agreement_tables.means(with_people(20, 20, 0.5), "display_mode")
    rows = {(row["one"], row["other"]): row for row in table.rows}
    apart = rows["pc", "mobile"]
    ceiling = rows["half of pc", "the other half"]
    assert rows["half of mobile", "the other half"]["ok"] == 20
    # By PL1 the pulled mode is nearer to people than they are themselves.
    assert apart["pl1"].mean < ceiling["pl1"].mean
    assert apart["energy"].sign == 1
    assert ceiling["energy"].sign == 0
    assert any("pulled to the middle" in note for note in table.notes)


def test_people_are_resampled_where_they_are_known():
    known = click_agreement_tables.means(with_people(people=12), "device")
    plain = click_agreement_tables.means(with_people(people=12, known=False), "device")
    for key in ("pl1", "energy"):
        one, other = known.rows[0][key], plain.rows[0][key]
        assert one.mean == other.mean
        assert one.low <= other.low <= other.high <= one.high
    assert known.rows[0]["wd"] == plain.rows[0]["wd"]
    assert known.rows[0]["energy"] != plain.rows[0]["energy"]
    assert any("what other people and what other" in note for note in known.notes)
    assert any("does not say who clicked" in note for note in plain.notes)


def test_halves_of_the_reference_are_counted_once():
    tasks = with_people(3)
    again = [dataclasses.replace(task, other="third") for task in tasks]
    table = click_agreement_tables.means([*tasks, *again], "display_mode")
    rows = [row for row in table.rows if row["click_type"] == "all"]
    halves = [row["one"] for row in rows if row["other"] == "the other half"]
    assert halves == ["half of pc", "half of mobile", "half of third"]
    assert [row["ok"] for row in rows] == [3] * 5
    published = click_agreement_tables.compare_with_paper(table, "device", "all")
    assert not any("half" in row["one"] for row in published.rows)


def test_what_is_recorded_is_read_and_older_records_have_less(tmp_path):
    clicks = {
        ("a", device): points(12, seed)[:, ::-1].tolist()
        for seed, device in enumerate(("pc", "mobile"))
    }
    folder = write_clicked(tmp_path, clicks, person=True)
    click_agreement.run("device", f"folder:{folder}", "all", tmp_path / "run")
    (found,) = click_agreement.read_all(store.RunFolder(tmp_path / "run"))
    assert set(found.one_people) == {f"p{n}" for n in range(12)}
    assert np.array(found.one_yx).shape == (12, 2)
    assert set(found.one_halves) == set(agreements.METRICS)
    (path,) = (tmp_path / "run" / "records").rglob("*.jsonl")
    row = json.loads(path.read_text().splitlines()[1])
    fields = dataclasses.fields(agreements.Agreement)
    for field in fields[fields.index(next(f for f in fields if f.name == "energy")) :]:
        del row[field.name]
    older = click_agreement.from_row(row)
    assert (older.pl1, older.one_yx, older.one_halves) == (found.pl1, (), {})
    table = click_agreement_tables.means([older], "device")
    assert table.rows[0]["pl1"].mean == found.pl1
    assert table.rows[0]["energy"] is None
