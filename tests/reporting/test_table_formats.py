"""Names in tables are text, whatever is in them, and numbers are what they are."""

import csv
import html
import io
import re

import pandas as pd
import pytest

from rclicks_jax import errors
from rclicks_jax.metrics.intervals import Interval
from rclicks_jax.reporting import table_files, table_formats

NAMES = [
    "plain/name_1",
    "=1+1",
    '=HYPERLINK("http://evil.example","x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1",
    "'quoted",
    "a|b\\|c",
    "two\nlines\r\nand \u2028 three",
    "<img src=x onerror=alert(1)> &amp; <b>",
    "[link](http://evil.example) ![x](y) www.evil.example me@evil.example",
    "_em_ *strong* `code` ~~gone~~ $x$ a_b_c",
    r"\input{/etc/passwd} 100% & # _ $x$ {} ~ ^ -- ---",
    "[optional",
    "*starred",
    "\x1b[2Jcleared",
    "\udcff odd bytes",
    " é 数 ",
]


def table_of(names):
    rows = [{"name": name, "value": -1.5} for name in names]
    columns = {"name": ("Name", "s"), "value": ("Value", "+.2f")}
    return table_formats.Table("names", "Names", columns, rows)


def encoded(name):
    return name.encode("utf-8", "backslashreplace").decode()


def test_a_csv_reads_back_equal_and_no_cell_is_a_formula():
    text = table_formats.to_csv(table_of(NAMES))
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head == ["name", "value"]
    assert [table_formats.from_csv_text(name) for name, _ in rows] == list(
        map(encoded, NAMES)
    )
    assert not any(name[:1] in "=+-@\t\r\n＝" for name, _ in rows)
    # A negative number is no formula, and stays one.
    assert {value for _, value in rows} == {"-1.5"}


def test_headings_of_a_csv_are_text_as_well():
    columns = {"=1_iou": ("x", ".2f")}
    text = table_formats.to_csv(table_formats.Table("", "", columns, [{"=1_iou": 2.0}]))
    assert text == "'=1_iou\n2.0\n"


def plain(name):
    """Returns a name on one line, as a table can show it."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", encoded(name))


def test_markdown_shows_a_name_as_it_is_and_takes_nothing_of_it_for_markup():
    lines = table_formats.to_markdown(table_of(NAMES)).splitlines()
    assert len(lines) == 2 + len(NAMES)
    for line, name in zip(lines[2:], NAMES, strict=True):
        cell = re.fullmatch(r"\| (.*) \| -1\.50 \|", line)[1]
        assert not re.search(r"[|<>]|@\w+\.|://|www\.|(?<!\\)[\[\]`*~$]", cell)
        # What CommonMark reads: backslashes before punctuation, then entities.
        assert html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell)) == plain(name)


def test_latex_shows_a_name_as_it_is_and_runs_nothing_of_it():
    lines = table_formats.to_latex(table_of(NAMES)).splitlines()
    body = lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
    assert len(body) == len(NAMES)
    commands = {
        r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textbar{}": "|",
        r"\textasciicircum{}": "^", r"\textless{}": "<", r"\textgreater{}": ">",
        "{[}": "[", "{*}": "*", "-{}": "-",
        **{f"\\{symbol}": symbol for symbol in "%&_#${}"},
    }  # fmt: skip
    token = re.compile("|".join(map(re.escape, commands)))
    for line, name in zip(body, NAMES, strict=True):
        cell = line.removesuffix(r" & -1.50 \\")
        rest = token.sub("", cell)
        assert not re.search(r"[\\{}%&_#$~^<>|\[*]", rest)
        assert token.sub(lambda found: commands[found[0]], cell) == plain(name)


def test_a_terminal_is_not_moved_by_a_name():
    text = table_formats.to_text(table_of(NAMES))
    assert len(text.splitlines()) == 2 + len(NAMES)
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)
    text.encode()


def test_an_export_without_rows_is_told(tmp_path):
    types = {"y": "Int32"}
    with pytest.raises(errors.RunFolderError, match="no object or task of the run"):
        table_files.write_rows("clicks", iter(()), tmp_path, types)
    assert not list(tmp_path.iterdir())


def test_exports_keep_text_in_parquet_and_have_no_formula_in_csv(tmp_path):
    rows = [{"name": name, "value": -1.5} for name in NAMES]
    rows.append({"name": None, "value": 2.0})
    table_files.write_rows("names", rows, tmp_path)
    kept = pd.read_parquet(tmp_path / "names.parquet")
    assert kept["name"].tolist()[:-1] == list(map(encoded, NAMES))
    assert pd.isna(kept["name"].iloc[-1])
    with (tmp_path / "names.csv").open(newline="") as file:
        read = [row["name"] for row in csv.DictReader(file)]
    assert [table_formats.from_csv_text(name) for name in read[:-1]] == list(
        map(encoded, NAMES)
    )
    assert read[-1] == ""
    assert not any(name[:1] in set("=+-@\t\r") for name in read)


@pytest.mark.parametrize("write", [table_formats.to_markdown, table_formats.to_text])
def test_a_mean_without_an_interval_has_no_brackets_and_a_note(write):
    columns = {"name": ("Name", "s"), "noc": ("NoC", ".2f")}
    rows = [{"name": "a", "noc": Interval(2.0, float("nan"), float("nan"))}]
    table = table_formats.Table("t", "T", columns, rows, ("mine",))
    text = write(table)
    assert "2.00 [" not in text
    assert "mine" in text
    assert "fewer than 5 photographs" in text
    assert table_formats.to_csv(table) == "name,noc,noc_low,noc_high\na,2.0,,\n"
    known = [{"name": "a", "noc": Interval(2.0, 1.0, 3.0)}]
    text = write(table_formats.Table("t", "T", columns, known))
    assert "2.00 [1.00, 3.00]" in text
    assert "photographs" not in text


def test_what_differs_comes_first_for_people_and_columns_of_a_csv_stay():
    columns = {
        "dataset": ("Dataset", "s"),
        "strategy": ("Strategy", "s"),
        "noc": ("NoC", ".1f"),
    }
    rows = [{"dataset": "one", "strategy": name, "noc": 1.0} for name in ("G1", "G10")]
    table = table_formats.Table("t", "T", columns, rows)
    assert table_formats.to_markdown(table).startswith("| Strategy | Dataset | NoC |")
    assert table_formats.to_csv(table).startswith("dataset,strategy,noc\n")
    turned = table_formats.transpose(table)
    assert [head for head, _ in turned.columns.values()] == ["", "G1", "G10"]
    rows = [*rows, {"dataset": "two", "strategy": "G1", "noc": 1.0}]
    table = table_formats.Table("t", "T", columns, rows)
    assert table_formats.to_markdown(table).startswith("| Dataset | Strategy | NoC |")
