"""Where the packaged configurations are, and short flags for common settings."""

import pathlib
from collections.abc import Sequence
from typing import Any

import ml_collections
import rclicks_jax.configs
from absl import flags

from rclicks_jax import errors

Shortcuts = dict[str, flags.FlagHolder[str | None]]


def config_file(name: str) -> str:
    """Returns the path of a packaged configuration."""
    return str(pathlib.Path(rclicks_jax.configs.__path__[0]) / f"{name}.py")


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


def expect_no_arguments(arguments: Sequence[str]) -> None:
    """Refuses arguments that are no flags, which are mostly mistyped ones."""
    if arguments:
        raise errors.BadValueError(
            "Arguments", " ".join(arguments), "flags only: --name=value"
        )
