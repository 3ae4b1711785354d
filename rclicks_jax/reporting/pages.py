"""Self-contained HTML pages from templates."""

import functools
import importlib.resources
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import jinja2
import markupsafe

from rclicks_jax.reporting import table_formats
from rclicks_jax.types import is_json_object

# Rows of a table in a page; its CSV file has all of them.
LONGEST_TABLE = 1000
# Columns of counts; if one is the same in every row, it stands above the table.
_COUNTS = ("objects", "tasks", "ok", "skipped", "failed")
# Control characters, marks that change the direction of text, and surrogates.
_NOT_SHOWN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufffe\uffff]"
)
_SPREAD = " ± "
_HEADING = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>', re.DOTALL)
_CONTENTS = "<!-- contents -->"


def render(template: str, **values: object) -> str:
    """Returns a page made from a template of this package, with its style inside.

    Args:
        template: File name of the template.
        **values: Values for the template; text is escaped. Characters that HTML does
            not allow become escape sequences, so that any text can be shown.
    """
    style = _read("report.css")
    page = _environment().get_template(template).render(style=style, **values)
    page = showable(page)
    return page.replace(_CONTENTS, "".join(_contents(page)), 1)


def showable(text: str) -> str:
    r"""Replaces characters that cannot be shown with escapes such as `\x00`."""
    return _NOT_SHOWN.sub(lambda m: m[0].encode("unicode_escape").decode(), text)


def table_values(
    table: table_formats.Table, links: Mapping[tuple[str, str], str] | None = None
) -> dict[str, object]:
    """Returns a table as values for the templates.

    Columns that differ between rows come first. Text and counts that are the same in
    every row stand once above the table.

    Args:
        table: The table.
        links: Ids of the pictures of objects, by dataset and object.
    """
    names = _arranged(table)
    same = [name for name in table.columns if name not in names]
    lines = [
        dict(zip(table.columns, line, strict=True))
        for line in table_formats.cells(table)
    ]
    return {
        "name": table.name,
        "id": f"table-{table.name}",
        "title": table.title,
        "heads": [
            {
                "text": table.columns[name][0],
                "number": table.columns[name][1] != "s",
            }
            for name in names
        ],
        "keys": len({*_naming(table)} & {*names}),
        "same": [(table.columns[name][0], lines[0][name]) for name in same],
        "rows": [
            _row(line, row, names, links or {})
            for line, row in zip(
                lines[:LONGEST_TABLE], table.rows[:LONGEST_TABLE], strict=True
            )
        ],
        "left_out": max(0, len(lines) - LONGEST_TABLE),
        "notes": table_formats.notes(table),
    }


def transposed_values(table: table_formats.Table) -> dict[str, object]:
    """Returns a transposed table as values for the templates."""
    turned = table_formats.transpose(table)
    return {
        "title": table.title,
        "heads": [text for text, _ in turned.columns.values()],
        "rows": table_formats.cells(turned),
        "notes": table_formats.notes(turned),
    }


def _row(
    line: Mapping[str, str],
    row: table_formats.Row,
    names: Sequence[str],
    links: Mapping[tuple[str, str], str],
) -> dict[str, object]:
    target = links.get((str(row.get("dataset")), str(row.get("instance_id"))), "")
    return {
        "target": target,
        "cells": [
            (line[name], target if name == "instance_id" else "") for name in names
        ],
    }


def _arranged(table: table_formats.Table) -> list[str]:
    """Returns the columns that are shown; those with the most distinct values first."""
    values = {
        name: {str(row.get(name)) for row in table.rows} for name in table.columns
    }
    text = _naming(table)
    candidates = [name for name in (*text, *_COUNTS) if name in table.columns]
    if len(table.rows) > 1:
        same = {name for name in candidates if len(values[name]) == 1}
        # At least one column has to name the rows.
        if set(text) <= same:
            same -= set(text[:1])
    else:
        same = set[str]()
    ordered = sorted(text, key=lambda name: -len(values[name]))
    others = [name for name in table.columns if name not in text]
    return [name for name in (*ordered, *others) if name not in same]


def _naming(table: table_formats.Table) -> list[str]:
    """Returns the first columns that hold text: these name the rows."""
    columns: list[str] = []
    for name, (_, form) in table.columns.items():
        # A mean with its spread is text too, but names no row.
        if form != "s" or any(_SPREAD in str(row.get(name)) for row in table.rows):
            break
        columns.append(name)
    return columns


def settings(values: Mapping[str, object]) -> dict[str, list[tuple[str, str]]]:
    """Returns nested settings as names and values in words, by group.

    Settings outside of any group are in a group with an empty name.
    """
    groups: dict[str, list[tuple[str, str]]] = {"": []}
    for key, value in values.items():
        if is_json_object(value) and value:
            groups[_spaced(key)] = list(_flat(value))
        else:
            groups[""].append((_spaced(key), in_words(value)))
    return groups


def _flat(values: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{above}{_spaced(key)}"
        if is_json_object(value) and value:
            yield from _flat(value, f"{name}, ")
        else:
            yield name, in_words(value)


def _spaced(key: str) -> str:
    return str(key).replace("_", " ")


def in_words(value: object) -> str:
    """Returns the value of a setting in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(in_words, cast(Sequence[object], value))) or "none"
    if value is None or value == "" or value == {}:
        return "none"
    return str(value)


def command(arguments: Sequence[str]) -> str:
    """Returns a command that can be pasted into a shell."""
    return shlex.join(map(str, arguments))


def _contents(page: str) -> Iterator[str]:
    headings = _HEADING.findall(page)
    if len(headings) < 2:
        return
    yield '<nav aria-label="Contents"><ul>'
    for name, title in headings:
        yield f'<li><a href="#{name}">{title}</a></li>'
    yield "</ul></nav>"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_read),
    )
    environment.filters["slug"] = _slug
    return environment


def _slug(text: str) -> markupsafe.Markup:
    """Returns text as an id of a heading."""
    return markupsafe.Markup(re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-"))


def _read(name: str) -> str:
    return (
        importlib.resources.files("rclicks_jax.reporting") / "templates" / name
    ).read_text()
