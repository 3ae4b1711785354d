"""Tables in a page, and texts that a page can hold."""

import html_pages
import pytest

from rclicks_jax.metrics.intervals import Interval
from rclicks_jax.reporting import pages, table_formats

COLUMNS = {
    "dataset": ("Dataset", "s"),
    "segmenter": ("Segmenter", "s"),
    "objects": ("objects", "d"),
    "nsr": ("NSR % ↓", ".2f"),
    "wd": ("WD ↓", ".2f"),
    "note": ("Note", "s"),
}


def table(*rows):
    named = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    return table_formats.Table("some", "Some", COLUMNS, named)


def heads(shown):
    return [head["text"] for head in shown["heads"]]


def test_what_differs_comes_first_and_what_does_not_is_said_once():
    shown = pages.table_values(
        table(("set", "a", 3, 1.0, 3.0, "x"), ("set", "b", 3, 1.0, 3.0, "x"))
    )
    # Measures and other text stay, whatever their values.
    assert heads(shown) == ["Segmenter", "NSR % ↓", "WD ↓", "Note"]
    assert shown["same"] == [("Dataset", "set"), ("objects", "3")]
    assert shown["keys"] == 1


def test_the_column_with_most_names_is_first():
    rows = [(f"set{n}", "ab"[n % 2], 3, 1.0, 3.0, "x") for n in range(4)]
    assert heads(pages.table_values(table(*rows)))[:2] == ["Dataset", "Segmenter"]
    rows = [("uv"[n % 2], f"s{n}", 3, 1.0, 3.0, "x") for n in range(4)]
    assert heads(pages.table_values(table(*rows)))[:2] == ["Segmenter", "Dataset"]


def test_rows_that_are_all_alike_keep_a_name_and_a_single_row_keeps_all():
    row = ("set", "a", 3, 1.0, 3.0, "x")
    assert heads(pages.table_values(table(row, row)))[0] == "Dataset"
    assert len(heads(pages.table_values(table(row)))) == len(COLUMNS)


def test_a_long_table_says_how_many_rows_are_elsewhere():
    rows = [("set", f"s{n}", 3, 1.0, 3.0, "x") for n in range(pages.LONGEST_TABLE)]
    assert pages.table_values(table(*rows))["left_out"] == 0
    shown = pages.table_values(table(*rows, *rows[:7]))
    assert shown["left_out"] == 7
    assert len(shown["rows"]) == pages.LONGEST_TABLE


def test_a_turned_table_has_its_measures_below_each_other():
    columns = {"dataset": ("Dataset", "s"), "nsr": ("NSR % ↓", ".2f")}
    rows = [{"dataset": "set", "nsr": Interval(1.0, 0.5, 2.0)}]
    turned = pages.transposed_values(
        table_formats.Table("summary", "All", columns, rows, ("n",))
    )
    assert turned["heads"] == ["", "set"]
    assert turned["rows"] == [["NSR % ↓", "1.00 [0.50, 2.00]"]]
    assert turned["notes"] == ["n"]


def test_a_spread_is_no_name_of_a_row():
    columns = {"method": ("Method", "s"), "noc": ("NoC", "s")}
    rows = [{"method": name, "noc": "3.00 ± 1.00"} for name in "ab"]
    shown = pages.table_values(table_formats.Table("some", "Some", columns, rows))
    assert heads(shown) == ["Method", "NoC"]
    assert shown["keys"] == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [(True, "yes"), (False, "no"), ([], "none"), ((1, 10), "1, 10"), (None, "none"),
     ("", "none"), ({}, "none"), (0.01, "0.01"), ("a b", "a b")],
)  # fmt: skip
def test_settings_are_in_words(value, words):
    given = {"seed": 0, "strategies": {"inner": {"some_setting": value}}}
    assert pages.settings(given) == {
        "": [("seed", "0")],
        "strategies": [("inner, some setting", words)],
    }


def test_a_page_holds_any_text_and_shows_what_it_cannot_hold():
    text = "a\x00b\udc80c\u202ed\x9be\nf\tg é 中"
    assert pages.showable(text) == "a\\x00b\\udc80c\\u202ed\\x9be\nf\tg é 中"
    page = pages.render(
        "comparison.html.jinja", labels=[text], datasets=[text], protocol=text,
        clicks=text, click_models=text, warnings=[text], tables=[], charts=[],
        gallery=[], runs=[(text, text)],
    )  # fmt: skip
    root = html_pages.check(page)
    assert "b\\udc80c" in root.inside("h1")[0].text
