"""What settings mean, read from the docstrings of their dataclasses.

A setting is explained once, beside its field; help, pages and messages take it from
there.
"""

import dataclasses
import inspect
import re
import typing
from typing import Any, Literal, cast

_ATTRIBUTES = "Attributes:"
_FIELD = re.compile(r"(\w+): (.*)")
# What the value of a setting of each type is called.
KINDS = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
}


@dataclasses.dataclass(frozen=True)
class Setting:
    """What help and pages say of a setting.

    Attributes:
        name: Name of the field.
        kind: What a value may be, in words.
        default: The default as it is written on a command line; empty for an empty text
            or list.
        text: What the setting means, in sentences.
    """

    name: str
    kind: str
    default: str
    text: str


def describe(settings: type) -> list[Setting]:
    """Returns every field of a dataclass of settings, in order.

    Args:
        settings: A dataclass whose docstring explains each field below `Attributes:`;
            fields of its bases are explained there.
    """
    hints = typing.get_type_hints(settings)
    texts: dict[str, str] = {}
    for base in reversed(settings.__mro__):
        texts |= _texts(base)
    return [
        Setting(
            name=field.name,
            kind=_kind(hints[field.name]),
            default=_default(field),
            text=texts.get(field.name, "").replace("`", ""),
        )
        for field in dataclasses.fields(settings)
    ]


def with_article(kind: str) -> str:
    """Returns a kind of value with its article: `a whole number`, but `text`."""
    return f"a {kind}" if kind.endswith("number") else kind


def page_table(settings: type) -> str:
    """Returns a Markdown table of all settings, for docs/settings.md."""
    rows = ["| setting | value | default | meaning |", "| --- | --- | --- | --- |"]
    for setting in describe(settings):
        default = f"`{setting.default}`" if setting.default else ""
        rows.append(
            f"| `{setting.name}` | {setting.kind} | {default} | {setting.text} |"
        )
    return "\n".join(rows)


def _texts(settings: type) -> dict[str, str]:
    """Returns what the docstring says of each attribute, on one line."""
    lines = inspect.cleandoc(settings.__doc__ or "").splitlines()
    if _ATTRIBUTES not in lines:
        return {}
    texts: dict[str, str] = {}
    name = ""
    for line in lines[lines.index(_ATTRIBUTES) + 1 :]:
        indent = len(line) - len(line.lstrip())
        field = _FIELD.fullmatch(line.strip())
        if indent == 4 and field:
            name, texts[name] = field[1], field[2]
        elif name and line.strip():
            texts[name] += f" {line.strip()}"
    return texts


def _kind(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(str, typing.get_args(hint)))
    if typing.get_origin(hint) is tuple:
        return f"{KINDS[typing.get_args(hint)[0]]}s, separated by commas"
    return KINDS[hint]


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return ""
    if isinstance(field.default, tuple):
        return ",".join(map(str, cast(tuple[object, ...], field.default)))
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return str(field.default)
