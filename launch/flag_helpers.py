"""Short flags for common settings, flags for settings without a file, and tables."""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from rclicks_jax import errors
from rclicks_jax.settings import docs

if TYPE_CHECKING:
    from rclicks_jax.reporting import table_formats

SAMPLE = "the sample dataset: ten photographs with synthetic clicks"
Shortcuts = dict[str, flags.FlagHolder[str | None]]


def define_shortcuts(settings: type, *names: str) -> Shortcuts:
    """Defines `--name` for each `--config.name`.

    Args:
        settings: Dataclass of the settings, which explains them.
        *names: Names of the settings that have a short flag.
    """
    texts = {setting.name: setting.text for setting in docs.describe(settings)}
    return {
        name: flags.DEFINE_string(
            name, None, f"Short for --config.{name}: {texts[name]}"
        )
        for name in names
    }


def with_shortcuts(settings: dict[str, Any], shortcuts: Shortcuts) -> dict[str, Any]:
    """Returns the settings with the short flags that were given.

    Raises:
        BadValueError: The long flag of the same setting says something else.
    """
    for name, value in given(shortcuts).items():
        long = flags.FLAGS[f"config.{name}"]
        given_long = long.value
        if isinstance(given_long, list):
            given_long = ",".join(given_long)
        if given_long not in (None, value):
            raise errors.BadValueError(
                f"--{name} and --config.{name}",
                f"{value!r} and {given_long!r}",
                "one of them, or the same twice",
            )
    return {**settings, **given(shortcuts)}


def given(holders: Mapping[str, flags.FlagHolder[Any]]) -> dict[str, Any]:
    """Returns the values of the flags that were given, by name."""
    values = {name: holder.value for name, holder in holders.items()}
    return {name: value for name, value in values.items() if value is not None}


def say_left_out(config: Any, shortcuts: Shortcuts, name: str, used: str) -> None:
    """Says what is used, on stderr, if a user did not choose it.

    Args:
        config: The flag `--config`.
        shortcuts: Short flags for settings.
        name: Name of the setting.
        used: What is used instead, in words.
    """
    if shortcuts[name].value is None and not config.is_given(name):
        print(f"note: --{name} was not given; used is {used}.", file=sys.stderr)


def define_settings(settings: type, prefix: str = "") -> dict[str, Any]:
    """Defines a flag for each setting; its value is None where it is not given.

    Args:
        settings: Dataclass of the settings, which explains them.
        prefix: Prefix of the names of the flags.
    """
    kinds: dict[type, Any] = {
        bool: flags.DEFINE_boolean,
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        tuple: flags.DEFINE_list,
        str: flags.DEFINE_string,
    }
    texts = {setting.name: setting.text for setting in docs.describe(settings)}
    return {
        field.name: kinds[type(field.default)](
            f"{prefix}{field.name}", None, texts[field.name]
        )
        for field in dataclasses.fields(settings)
    }


def expect_no_arguments(arguments: Sequence[str]) -> None:
    """Refuses arguments that are no flags, which are mostly mistyped ones."""
    if arguments:
        raise errors.BadValueError(
            "Arguments", " ".join(arguments), "flags only: --name=value"
        )


def show(table: "table_formats.Table", *, turned: bool = False) -> None:
    """Prints a table; turned, its rows are columns."""
    from rclicks_jax.reporting import table_formats

    shown = table_formats.transpose(table) if turned else table
    print(f"{table.title}\n\n{table_formats.to_text(shown)}")
