"""Tables of named values, and their forms: CSV, Markdown, LaTeX and text.

Names come from files, datasets and users. Each form escapes them, so that no name acts
as a formula of a spreadsheet, a link, HTML, or a command of LaTeX or of a terminal. In
a CSV file, text that a spreadsheet would read as a formula, and text that begins with
an apostrophe, gets an apostrophe in front; `from_csv_text` removes it.
"""

import csv
import dataclasses
import io
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from rclicks_jax.metrics import intervals
from rclicks_jax.metrics.intervals import Interval

Row = dict[str, Any]
_Escape = Callable[[str], str]

# Characters that start a formula in spreadsheets, with their wide forms.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001
_APOSTROPHE = "'"
# Control characters, which could move the cursor or end a line of a table.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# An underscore inside a word has no meaning in Markdown.
_MARKDOWN = re.compile(r"[\\`*\[\]{}~$]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # After the end of a row, LaTeX would read both as its options.
    "[": "{[}",
    "*": "{*}",
    **{symbol: f"\\{symbol}" for symbol in "%&_#${}"},
}
_SYMBOLS = {
    "Δ": r"$\Delta$",
    "±": r"$\pm$",
    "–": "--",  # noqa: RUF001
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
}


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of named values.

    Attributes:
        name: Name of its files.
        title: Title of one line.
        columns: Heading and format of each column, by key.
        rows: Values by key: text, numbers, and means with their intervals.
        notes: Sentences about the numbers.
        resampled: What intervals are over.
    """

    name: str
    title: str
    columns: dict[str, tuple[str, str]]
    rows: list[Row]
    notes: tuple[str, ...] = ()
    resampled: str = "photographs"


def notes(table: Table) -> list[str]:
    """Returns the notes under a table; one explains means without an interval."""
    lines = list(table.notes)
    values = (value for row in table.rows for value in row.values())
    if any(isinstance(value, Interval) and not value.known for value in values):
        lines.append(
            "A mean without brackets is over fewer than "
            f"{intervals.FEWEST} {table.resampled}, which are too few for an interval "
            "or a rank."
        )
    return lines


def arrange_columns(table: Table) -> Table:
    """Moves columns to the front that name rows and differ between rows."""
    if len(table.rows) < 2:
        return table
    heads: list[str] = []
    for key, (_, form) in table.columns.items():
        if form != "s":
            break
        heads.append(key)
    differing = [
        key for key in heads if len({str(row.get(key)) for row in table.rows}) > 1
    ]
    same = [key for key in heads if key not in differing]
    rest = [key for key in table.columns if key not in heads]
    columns = {key: table.columns[key] for key in [*differing, *same, *rest]}
    return dataclasses.replace(table, columns=columns)


def to_csv(table: Table) -> str:
    """Returns a table as CSV with all digits; a missing value is an empty cell.

    A column of intervals becomes three: the mean, `_low` and `_high`.
    """
    text = io.StringIO()
    # The csv module quotes cells that hold a carriage return only with this line end.
    writer = csv.writer(text, lineterminator="\r\n")
    flattened = [flat(row) for row in table.rows]
    heads: list[str] = []
    for key in table.columns:
        ends = [f"{key}_low", f"{key}_high"]
        heads += [key, *(ends if any(ends[0] in row for row in flattened) else ())]
    lines = [[csv_text(key) for key in heads]]
    lines += [[_exact(row.get(key)) for key in heads] for row in flattened]
    written: list[str] = []
    for line in lines:
        writer.writerow(line)
        written.append(text.getvalue().removesuffix("\r\n") + "\n")
        text.seek(0)
        text.truncate()
    return "".join(written)


def flat(row: Row) -> Row:
    """Returns a row of plain values: of an interval the mean, `_low` and `_high`."""
    values: Row = {}
    for key, value in row.items():
        if isinstance(value, Interval):
            values |= {key: value.mean, f"{key}_low": value.low}
            values[f"{key}_high"] = value.high
        else:
            values[key] = value
    return values


def _exact(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return csv_text(value)
    return repr(value) if isinstance(value, float) else value


def csv_text(text: str) -> str:
    """Returns text as a cell of a CSV that no spreadsheet reads as a formula."""
    text = encodable(text)
    return _APOSTROPHE + text if text.startswith((*_FORMULA, _APOSTROPHE)) else text


def from_csv_text(cell: str) -> str:
    """Returns the original text of a cell that `csv_text` has made."""
    return cell.removeprefix(_APOSTROPHE)


def encodable(text: str) -> str:
    """Returns text that UTF-8 can encode; bytes of odd file names become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def cells(table: Table, escape: _Escape = str) -> list[list[str]]:
    """Formats the cells of all rows for people; a missing value is a dash.

    Args:
        table: The table.
        escape: Function that escapes text; it is not applied to numbers.
    """
    return [
        [
            _rounded(row.get(key), form, escape)
            for key, (_, form) in table.columns.items()
        ]
        for row in table.rows
    ]


def _rounded(value: Any, form: str, escape: _Escape) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"  # noqa: RUF001 - the dash of tables
    if isinstance(value, Interval):
        if not value.known:
            return format(value.mean, form)
        return f"{value.mean:{form}} [{value.low:{form}}, {value.high:{form}}]"
    return escape(value) if isinstance(value, str) else format(value, form)


def transpose(table: Table) -> Table:
    """Returns a table with rows and columns swapped.

    The first column becomes the headings. It is a column that differs between rows, if
    there is one.
    """
    table = arrange_columns(table)
    lines = cells(table)
    names = [line[0] for line in lines]
    columns = {"": ("", "s")} | {f"{i}": (name, "") for i, name in enumerate(names)}
    rows: list[Row] = [
        {"": head} | {f"{i}": line[number] for i, line in enumerate(lines)}
        for number, (head, _) in enumerate(table.columns.values())
        if number
    ]
    return Table(table.name, table.title, columns, rows, tuple(notes(table)))


def to_markdown(table: Table) -> str:
    """Returns a table as Markdown, with its notes under it."""
    table = arrange_columns(table)
    heads = [_for_markdown(head) for head, _ in table.columns.values()]
    aligned = ["---" if form == "s" else "---:" for _, form in table.columns.values()]
    lines = [heads, aligned, *cells(table, _for_markdown)]
    under = [f"\n{_for_markdown(note)}\n" for note in notes(table)]
    return "".join([*(f"| {' | '.join(line)} |\n" for line in lines), *under])


def _for_markdown(text: str) -> str:
    """Escapes text that Markdown, HTML, or GitHub would read as markup or a link."""
    text = _one_line(text)
    text = _MARKDOWN.sub(lambda match: f"\\{match[0]}", text)
    text = "".join(_ENTITIES.get(symbol, symbol) for symbol in text)
    text = re.sub(r"@(?=[\w-]+\.)", "&#64;", text.replace("://", "&#58;//"))
    return re.sub(r"(?i)(www)\.", r"\1&#46;", text)


def _one_line(text: str) -> str:
    return _CONTROL.sub(" ", encodable(text))


def to_latex(table: Table) -> str:
    """Returns a table as LaTeX `tabular` with booktabs rules; notes are comments."""
    table = arrange_columns(table)

    def line(values: Sequence[str]) -> str:
        text = " & ".join(values)
        for symbol, command in _SYMBOLS.items():
            text = text.replace(symbol, command)
        return text + r" \\"

    form = "".join("l" if form == "s" else "r" for _, form in table.columns.values())
    body = [line(row) for row in cells(table, _for_latex)]
    heads = line([_for_latex(head) for head, _ in table.columns.values()])
    start = rf"\begin{{tabular}}{{{form}}}"
    rows = [start, r"\toprule", heads, r"\midrule", *body, r"\bottomrule"]
    rows += [r"\end{tabular}", *(f"% {_one_line(note)}" for note in notes(table))]
    return "\n".join(rows) + "\n"


def _for_latex(text: str) -> str:
    escaped = "".join(_LATEX.get(symbol, symbol) for symbol in _one_line(text))
    # LaTeX turns two hyphens into a dash.
    return re.sub("-(?=-)", "-{}", escaped)


def to_text(table: Table) -> str:
    """Returns a table as text for a terminal, with its notes under it."""
    table = arrange_columns(table)
    heads = [_one_line(head) for head, _ in table.columns.values()]
    lines = [heads, *cells(table, _one_line)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    left = [form == "s" for _, form in table.columns.values()]
    text = [
        "  ".join(
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(line, widths, left, strict=True)
        )
        for line in lines
    ]
    under = [_one_line(note) for note in notes(table)]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:], *under]) + "\n"
