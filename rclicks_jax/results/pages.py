"""Self-contained HTML pages from templates."""

import functools
import importlib.resources
from typing import Any

import jinja2

from rclicks_jax.results import formats


def render(template: str, **values: Any) -> str:
    """Returns a page: a template of this package with its style inside.

    Args:
        template: File name.
        **values: What it shows; text is escaped.
    """
    style = _read("report.css")
    return _environment().get_template(template).render(style=style, **values)


def shown(table: formats.Table) -> dict[str, Any]:
    """Returns a table as the templates take it."""
    table = formats.displayed(table)
    columns = table.columns.values()
    return {
        "name": table.name,
        "title": table.title,
        "heads": [(head, form != "s") for head, form in columns],
        "rows": formats.cells(table),
        "notes": formats.notes(table),
    }


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_read),
    )


def _read(name: str) -> str:
    return (importlib.resources.files("rclicks_jax.results") / name).read_text()
