"""Two sets of clicks on the same tasks, and what split names stand for."""

import numpy as np
import pytest
from clicked_folders import BOX, SHAPE, write_clicked

from rclicks_jax import errors
from rclicks_jax.data import click_pairs, raw, specs


def spec_of(folder, kind="folder"):
    return specs.DataSpec(kind, folder)


def test_the_clicks_of_each_device_are_kept_apart(tmp_path):
    clicks = {("a", "pc"): [(3, 4), (5, 6)], ("a", "mobile"): [(7, 8)]}
    folder = write_clicked(tmp_path, clicks)
    (pair,) = click_pairs.by_device(spec_of(folder), "all")
    assert (pair.one, pair.other) == ("pc", "mobile")
    np.testing.assert_array_equal(pair.one_yx, [[4, 3], [6, 5]])
    np.testing.assert_array_equal(pair.other_yx, [[8, 7]])
    assert pair.gt_mask.shape == SHAPE
    y0, y1, x0, x1 = BOX
    assert (pair.gt_mask == raw.OBJECT).sum() == (y1 - y0) * (x1 - x0)
    assert (pair.image_id, pair.click_type, pair.problem) == ("a", "first", "")


def test_a_task_that_one_device_has_alone_has_an_empty_set(tmp_path):
    clicks = {("a", "pc"): [(3, 4)], ("a", "mobile"): [(1, 1)], ("b", "pc"): [(2, 2)]}
    folder = write_clicked(tmp_path, clicks)
    _, pair = click_pairs.by_device(spec_of(folder), "test")
    assert (len(pair.one_yx), len(pair.other_yx)) == (1, 0)


def test_data_without_both_devices_is_refused(tmp_path):
    folder = write_clicked(tmp_path, {("a", "pc"): [(3, 4)]})
    with pytest.raises(errors.DataError, match="clicks by pc; to be compared"):
        list(click_pairs.by_device(spec_of(folder), "all"))
    with pytest.raises(errors.DataError, match="no device"):
        list(click_pairs.by_device(specs.DataSpec("sample"), "all"))


def test_each_mode_stands_against_the_description_in_words(tmp_path):
    modes = {
        "Text_Description": {("a", "pc"): [(3, 4)], ("b", "pc"): [(1, 2)]},
        "Object_CutOut": {("a", "pc"): [(5, 6), (7, 8)]},
        "Silhouette_Mask": {("a", "pc"): [(9, 9)], ("b", "mobile"): [(2, 1)]},
    }
    folder = write_clicked(tmp_path, {}, modes)
    pairs = list(click_pairs.by_display_mode(spec_of(folder)))
    keys = [(pair.click_set_id, pair.one, pair.other) for pair in pairs]
    assert keys == [
        ("a", "Text_Description", "Object_CutOut"),
        ("a", "Text_Description", "Silhouette_Mask"),
        ("b", "Text_Description", "Silhouette_Mask"),
    ]
    np.testing.assert_array_equal(pairs[0].one_yx, [[4, 3]])
    np.testing.assert_array_equal(pairs[0].other_yx, [[6, 5], [8, 7]])


def test_without_a_description_in_words_the_first_mode_by_name_is_the_reference(
    tmp_path,
):
    modes = {
        "Silhouette_Mask": {("a", "pc"): [(9, 9)], ("b", "pc"): [(2, 1)]},
        "Object_CutOut": {("a", "pc"): [(5, 6)], ("b", "pc"): [(3, 4)]},
    }
    folder = write_clicked(tmp_path, {}, modes)
    pairs = list(click_pairs.by_display_mode(spec_of(folder)))
    keys = [(pair.click_set_id, pair.one, pair.other) for pair in pairs]
    assert keys == [
        ("a", "Object_CutOut", "Silhouette_Mask"),
        ("b", "Object_CutOut", "Silhouette_Mask"),
    ]
    np.testing.assert_array_equal(pairs[1].one_yx, [[4, 3]])


def test_a_display_mode_alone_is_refused(tmp_path):
    modes = {"Object_CutOut": {("a", "pc"): [(5, 6)]}}
    folder = write_clicked(tmp_path, {}, modes)
    with pytest.raises(errors.DataError, match=r"has Object_CutOut; .*previews\.csv"):
        list(click_pairs.by_display_mode(spec_of(folder)))
    with pytest.raises(errors.DataError, match="--data=TETRIS:DIR"):
        list(click_pairs.by_display_mode(specs.DataSpec("sample")))


@pytest.mark.parametrize(
    ("known", "asked", "expected"),
    [
        (["test", "train", "val"], "held_out", ["val"]),
        (["test", "train"], "held_out", ["test"]),
        (["test"], "held_out", ["test"]),
        (["train", "val"], "all", ["train", "val"]),
        (["train", "val"], "train", ["train"]),
    ],
)
def test_a_name_stands_for_splits(known, asked, expected):
    assert raw.splits_of("set", known, asked) == expected


@pytest.mark.parametrize("asked", ["held_out", "val"])
def test_a_name_that_stands_for_nothing_is_refused(asked):
    with pytest.raises(errors.BadValueError, match=r"Split of set.*: train, all\."):
        raw.splits_of("set", ["train"], asked)


def test_a_column_may_say_who_clicked(tmp_path):
    clicks = {("a", "pc"): [(3, 4), (5, 6)], ("a", "mobile"): [(7, 8)]}
    folder = write_clicked(tmp_path, clicks, person=True)
    (pair,) = click_pairs.by_device(spec_of(folder), "all")
    assert (pair.one_people, pair.other_people) == (("p0", "p1"), ("p0",))
    table = tmp_path / "clicks.csv"
    # Of a task in which one click is nobody's nothing is known.
    table.write_text(table.read_text().replace(",p1", ","))
    (pair,) = click_pairs.by_device(spec_of(folder), "all")
    assert (pair.one_people, pair.other_people) == ((), ("p0",))
    write_clicked(tmp_path, clicks)
    (pair,) = click_pairs.by_device(spec_of(folder), "all")
    assert pair.one_people == ()


def test_a_second_column_of_people_is_refused(tmp_path):
    folder = write_clicked(tmp_path, {("a", "pc"): [(3, 4)]}, person=True)
    table = tmp_path / "clicks.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0] + ",person", lines[1] + ",p1"]) + "\n")
    with pytest.raises(errors.DataError, match="columns person twice"):
        list(click_pairs.by_device(spec_of(folder), "all"))
