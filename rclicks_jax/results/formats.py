"""A table as rows of named numbers, and CSV, Markdown, LaTeX and text of it."""

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from typing import Any

from rclicks_jax.metrics.intervals import Interval

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of named values.

    Attributes:
        name: Of its files.
        title: What it shows, in a line.
        columns: Heading and format of each column, by key.
        rows: Values by key: text, numbers, and means with their intervals.
    """

    name: str
    title: str
    columns: dict[str, tuple[str, str]]
    rows: list[Row]


def to_csv(table: Table) -> str:
    """Writes all digits; an empty cell is what was not measured.

    A column of intervals becomes three: the mean, `_low` and `_high`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    flat = [_flat(row) for row in table.rows]
    heads = []
    for key in table.columns:
        ends = [f"{key}_low", f"{key}_high"]
        heads += [key, *(ends if any(ends[0] in row for row in flat) else ())]
    writer.writerow(heads)
    for row in flat:
        writer.writerow([_exact(row.get(key)) for key in heads])
    return text.getvalue()


def _flat(row: Row) -> Row:
    made: Row = {}
    for key, value in row.items():
        if isinstance(value, Interval):
            made |= {key: value.mean, f"{key}_low": value.low}
            made[f"{key}_high"] = value.high
        else:
            made[key] = value
    return made


def _exact(value: Any) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else value


def cells(table: Table) -> list[list[str]]:
    """Formats the rows for people; a dash is what was not measured."""
    return [
        [_rounded(row.get(key), form) for key, (_, form) in table.columns.items()]
        for row in table.rows
    ]


def _rounded(value: Any, form: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"  # noqa: RUF001 - a dash, as tables have it
    if isinstance(value, Interval):
        return f"{value.mean:{form}} [{value.low:{form}}, {value.high:{form}}]"
    return format(value, form)


def turned(table: Table) -> Table:
    """Returns a table whose rows are columns: the first column heads the others."""
    lines = cells(table)
    names = [line[0] for line in lines]
    columns = {"": ("", "s")} | {f"{i}": (name, "") for i, name in enumerate(names)}
    rows: list[Row] = [
        {"": head} | {f"{i}": line[number] for i, line in enumerate(lines)}
        for number, (head, _) in enumerate(table.columns.values())
        if number
    ]
    return Table(table.name, table.title, columns, rows)


def to_markdown(table: Table) -> str:
    """Writes a Markdown table."""
    heads = [head for head, _ in table.columns.values()]
    aligned = ["---" if form == "s" else "---:" for _, form in table.columns.values()]
    lines = [heads, aligned, *cells(table)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(table: Table) -> str:
    """Writes a LaTeX `tabular` with booktabs rules."""
    escaped = str.maketrans({"%": r"\%", "_": r"\_", "&": r"\&", "#": r"\#"})
    symbols = {"Δ": r"$\Delta$", "±": r"$\pm$", "–": "--"}  # noqa: RUF001
    symbols |= {"↓": r"$\downarrow$", "↑": r"$\uparrow$"}

    def line(values: Sequence[str]) -> str:
        text = " & ".join(value.translate(escaped) for value in values)
        for symbol, command in symbols.items():
            text = text.replace(symbol, command)
        return text + r" \\"

    form = "".join("l" if form == "s" else "r" for _, form in table.columns.values())
    body = [line(row) for row in cells(table)]
    heads = line([head for head, _ in table.columns.values()])
    start = rf"\begin{{tabular}}{{{form}}}"
    rows = [start, r"\toprule", heads, r"\midrule", *body, r"\bottomrule"]
    return "\n".join([*rows, r"\end{tabular}"]) + "\n"


def to_text(table: Table) -> str:
    """Writes a table for a terminal, in columns."""
    heads = [head for head, _ in table.columns.values()]
    lines = [heads, *cells(table)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    left = [form == "s" for _, form in table.columns.values()]
    text = [
        "  ".join(
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(line, widths, left, strict=True)
        )
        for line in lines
    ]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]]) + "\n"
