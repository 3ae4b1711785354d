"""Names that users give, and where what they name is made: `name -> "module:factory"`.

Nothing is imported before it is asked for, so a missing optional package spoils only
what needs it.
"""

import importlib
import pathlib
import re
from typing import Any

from rclicks_jax import errors

SEGMENTERS = {
    "random_walker": "rclicks_jax.segmenters.random_walker",
    "oracle": "rclicks_jax.segmenters.simulated:oracle",
    "noisy": "rclicks_jax.segmenters.simulated:noisy",
    "stuck": "rclicks_jax.segmenters.simulated:stuck",
    "grabcut": "rclicks_jax.segmenters.grabcut",
}
# Click models that are networks with a name, and what returns their folder. `sample` is
# what releases before 0.2 called the toy.
CLICK_MODELS = {
    "toy": "rclicks_jax.training.toy_model:folder",
    "sample": "rclicks_jax.training.toy_model:folder",
}
# Of `rclicks-segmenters`.
SEGMENTER_ACTIONS = {
    "list": "rclicks_jax.segmenters.actions:show_list",
    "show": "rclicks_jax.segmenters.actions:show",
    "env": "rclicks_jax.segmenters.actions:make_environment",
    "check": "rclicks_jax.segmenters.actions:check",
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


def parse_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Splits `name:key=value:key=value` into the name and its options.

    Raises:
        BadValueError: An option has no `=`.
    """
    name, *parts = spec.split(":")
    options = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise errors.BadValueError(
                f"Option of {name!r}", repr(part), "key=value, parted by colons"
            )
        options[key] = value
    return name, options


def parse_several(specs: str) -> dict[str, str]:
    """Splits `name:key=value,name:...` at commas; returns specs by label.

    A comma before a digit belongs to an option, as in `devices=0,1`. The label is the
    name, and where two share it, the name with its options.

    Raises:
        BadValueError: A segmenter comes twice.
    """
    parted = [spec for spec in re.split(r",(?!\d)", specs) if spec]
    names = [pathlib.PurePath(parse_spec(spec)[0]).stem for spec in parted]
    labels = [
        name if names.count(name) == 1 else _label(name, spec)
        for name, spec in zip(names, parted, strict=True)
    ]
    if len(set(labels)) < len(labels):
        raise errors.BadValueError("Segmenters", specs, "each once")
    return dict(zip(labels, parted, strict=True))


def _label(name: str, spec: str) -> str:
    values = parse_spec(spec)[1].values()
    return "-".join([name, *(pathlib.PurePath(value).stem for value in values)])
