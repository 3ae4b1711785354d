"""Names that users give, and where what they name is made: `name -> "module:factory"`.

Nothing is imported before it is asked for, so a missing optional package spoils only
what needs it.
"""

import importlib
from typing import Any

from rclicks_jax import errors

SEGMENTERS = {
    "random_walker": "rclicks_jax.segmenters.random_walker",
    "oracle": "rclicks_jax.segmenters.simulated:oracle",
    "noisy": "rclicks_jax.segmenters.simulated:noisy",
    "stuck": "rclicks_jax.segmenters.simulated:stuck",
    "grabcut": "rclicks_jax.segmenters.grabcut",
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
