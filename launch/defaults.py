"""Short flags for common settings, flags for settings without a file, and tables."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import ml_collections
from absl import flags

from rclicks_jax import errors
from rclicks_jax.results import formats

Shortcuts = dict[str, flags.FlagHolder[str | None]]


def define_shortcuts(*names: str) -> Shortcuts:
    """Defines `--name` for each `--config.name`."""
    return {
        name: flags.DEFINE_string(name, None, f"Short for --config.{name}.")
        for name in names
    }


def with_shortcuts(
    config: ml_collections.ConfigDict, shortcuts: Shortcuts
) -> dict[str, Any]:
    """Returns the settings with the short flags that were given."""
    given = {name: holder.value for name, holder in shortcuts.items()}
    return {**config.to_dict(), **{k: v for k, v in given.items() if v is not None}}


def define_settings(default: Any, **helps: str) -> dict[str, flags.FlagHolder[Any]]:
    """Defines a flag for each setting of a dataclass, for commands without a file.

    Args:
        default: The settings and their defaults.
        **helps: What `--help` says of each.
    """
    kinds = {
        bool: flags.DEFINE_boolean,
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        tuple: flags.DEFINE_list,
        str: flags.DEFINE_string,
    }
    defined = {}
    for field in dataclasses.fields(default):
        value = getattr(default, field.name)
        define: Any = kinds[type(value)]
        shown = [str(each) for each in value] if isinstance(value, tuple) else value
        defined[field.name] = define(field.name, shown, helps[field.name])
    return defined


def expect_no_arguments(arguments: Sequence[str]) -> None:
    """Refuses arguments that are no flags, which are mostly mistyped ones."""
    if arguments:
        raise errors.BadValueError(
            "Arguments", " ".join(arguments), "flags only: --name=value"
        )


def show(table: formats.Table, *, turned: bool = False) -> None:
    """Prints a table; turned, its rows are columns."""
    shown = formats.turned(table) if turned else table
    print(f"{table.title}\n\n{formats.to_text(shown)}")
