"""Names that users give, and what makes the named thing: `name -> "module:factory"`.

A module is imported when its name is used, so a missing optional package spoils only
what needs it.
"""

import importlib
import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any

from rclicks_jax import errors

SEGMENTERS = {
    "random_walker": "rclicks_jax.segmenters.random_walker",
    "oracle": "rclicks_jax.segmenters.simulated:oracle",
    "noisy": "rclicks_jax.segmenters.simulated:noisy",
    "stuck": "rclicks_jax.segmenters.simulated:stuck",
    "grabcut": "rclicks_jax.segmenters.grabcut",
}
# Segmenters of the paper, and later ones, as programs of JAX. Each module has settings,
# which `load` reads, and `open_segmenter`.
NATIVE_SEGMENTERS = {
    "jax_sam": "rclicks_jax.segmenters.native.prompted:SAM",
    "jax_mobile_sam": "rclicks_jax.segmenters.native.prompted:MOBILE_SAM",
    "jax_sam_hq": "rclicks_jax.segmenters.native.prompted:SAM_HQ",
    "jax_sam2": "rclicks_jax.segmenters.native.prompted:SAM2",
    "jax_simpleclick": "rclicks_jax.segmenters.native.simpleclick",
    "jax_cfr_icl": "rclicks_jax.segmenters.native.cfr_icl",
    "jax_ritm": "rclicks_jax.segmenters.native.ritm",
    "jax_segnext": "rclicks_jax.segmenters.native.segnext",
}
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_KEY = re.compile(r"[A-Za-z_]\w*")
_OPTION = re.compile(r"[A-Za-z_]\w*=")
# A comma before a digit is within a value, as in `devices=0,1`.
_SEPARATING_COMMA = re.compile(r",(?!\d)")
# Click models that are networks with a name, and what returns their folder. `sample` is
# what releases before 0.2 called the toy.
CLICK_MODELS = {
    "toy": "rclicks_jax.training.toy_model:folder",
    "sample": "rclicks_jax.training.toy_model:folder",
}
# Kinds of networks that make click maps, as `networks.architectures` describes them.
ARCHITECTURES = {
    "clickability": "rclicks_jax.networks.clickability:ARCHITECTURE",
}


def load_object(path: str) -> Any:
    """Imports what `path` names: `"package.module:name"`, or a whole module."""
    module_name, _, attribute = path.partition(":")
    module = importlib.import_module(module_name)
    return getattr(module, attribute) if attribute else module


def find(kind: str, table: dict[str, str], name: str) -> Any:
    """Returns what `name` stands for in `table`.

    Raises:
        UnknownNameError: `table` has no such name; the message lists what it has.
    """
    if name not in table:
        raise errors.UnknownNameError(kind, name, table)
    return load_object(table[name])


def describe(table: dict[str, str]) -> dict[str, str]:
    """Returns one line on each entry of `table`: its summary, or its docstring's."""
    described = {}
    for name, path in table.items():
        entry = load_object(path)
        text = getattr(entry, "summary", "") or entry.__doc__ or ""
        described[name] = text.strip().partition("\n")[0]
    return described


def split(text: str, separator: str) -> list[str]:
    """Splits at a separator outside of double quotes; quotes are left in.

    A quoted part begins after a separator, a colon or an equals sign, and a quotation
    mark in it is doubled: `folder:"/a,b",sample`.

    Raises:
        BadValueError: A quoted part does not end.
    """
    parts, start, position = [], 0, 0
    while position < len(text):
        if text[position] == '"' and (position == 0 or text[position - 1] in ",:="):
            quoted = _QUOTED.match(text, position)
            if quoted is None:
                what = "Quotation mark"
                raise errors.BadValueError(what, text, 'a second one: "a,b:c"')
            position = quoted.end()
        elif text[position] == separator:
            parts.append(text[start:position])
            start = position = position + 1
        else:
            position += 1
    return [*parts, text[start:]]


def unquoted(text: str) -> str:
    """Returns what a part means: without its quotes, if it has them."""
    whole = _QUOTED.fullmatch(text)
    return whole[1].replace('""', '"') if whole else text


def parse_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Splits `name:key=value:key=value` into the name and its options.

    A name or a value may be a path with colons: the longest one that exists is taken.
    What looks like no option belongs to the value before it, as in `device=cuda:0`.
    Double quotes keep whatever is between them together.

    Raises:
        BadValueError: There is no value that a part could belong to, or an option is
            there twice.
    """
    parts = split(spec, ":")
    end = _longest(parts) or 1
    name = unquoted(":".join(parts[:end]))
    options = {}
    while end < len(parts):
        key, equals, value = parts[end].partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise errors.BadValueError(
                f"Option of {name!r}",
                repr(parts[end]),
                "key=value, separated by colons; a path with colons must exist or be "
                'in double quotes: key="a:b"',
            )
        if key in options:
            raise errors.BadValueError(
                f"Option {key} of {name!r}", "it twice", "each option once"
            )
        pieces = [value, *parts[end + 1 :]]
        taken = _longest(pieces)
        if not taken:
            taken = 1
            while taken < len(pieces) and not _OPTION.match(pieces[taken]):
                taken += 1
        options[key] = unquoted(":".join(pieces[:taken]))
        end += taken
    return name, options


def split_list(text: str) -> list[str]:
    """Splits at commas, but not within quotes nor within a path that exists.

    Raises:
        BadValueError: A quoted part does not end.
    """
    parts = split(text, ",")
    items: list[str] = []
    while parts:
        count = _longest(parts, ",") or 1
        items.append(unquoted(",".join(parts[:count])))
        parts = parts[count:]
    return items


def _longest(parts: Sequence[str], separator: str = ":") -> int:
    """Returns how many of at least two parts make the longest path there is, or 0."""
    for count in range(len(parts), 1, -1):
        if _exists(separator.join(parts[:count])):
            return count
    return 0


def _exists(place: str) -> bool:
    return os.path.exists(os.path.expanduser(place))


def parse_several(specs: str) -> dict[str, str]:
    """Splits `name:key=value,name:...` at commas; returns specs by label.

    A comma belongs to an option before a digit, as in `devices=0,1`, in a path that
    exists, and between double quotes. The label is the name, and where two share it,
    the name with its options.

    Raises:
        BadValueError: There is none, or one comes twice.
    """
    parts = [part for part in split(specs, ",") if part]
    if not parts:
        raise errors.BadValueError("Segmenters", repr(specs), "one or more names")
    separate = []
    while parts:
        count = next(
            n for n in range(len(parts), 0, -1) if n == 1 or _is_one(parts[:n])
        )
        separate.append(",".join(parts[:count]))
        parts = parts[count:]
    names = [pathlib.PurePath(parse_spec(spec)[0]).stem for spec in separate]
    labels = [
        name if names.count(name) == 1 else _label(name, spec)
        for name, spec in zip(names, separate, strict=True)
    ]
    if len(set(labels)) < len(labels):
        raise errors.BadValueError("Segmenters", specs, "each once")
    return dict(zip(labels, separate, strict=True))


def _is_one(parts: Sequence[str]) -> bool:
    """Tells whether parts between commas are a single spec."""
    try:
        name, options = parse_spec(",".join(parts))
    except errors.BadValueError:
        return False
    values = [value for value in options.values() if _SEPARATING_COMMA.search(value)]
    return all(map(_exists, values)) and ("," not in name or _exists(name))


def _label(name: str, spec: str) -> str:
    values = parse_spec(spec)[1].values()
    return "-".join([name, *(pathlib.PurePath(value).stem for value in values)])
