"""`--config`: a packaged configuration, or a file of the user's."""

import dataclasses
import pathlib
import sys
from typing import Any

import rclicks_jax.configs
from absl import flags
from ml_collections import config_flags

_QUOTES = "'\""


def define(name: str, settings: Any) -> flags.FlagHolder[Any]:
    """Defines `--config`: a packaged configuration, or a file of the user's.

    Args:
        name: Of the packaged one.
        settings: Dataclass of the settings, which `--help` lists.
    """
    packaged = pathlib.Path(rclicks_jax.configs.__path__[0]) / f"{name}.py"
    known = ", ".join(field.name for field in dataclasses.fields(settings))
    try:
        return config_flags.DEFINE_config_file(
            "config", str(packaged), f"Settings, as --config.NAME=VALUE: {known}."
        )
    except AttributeError as error:
        # Flags below it are looked at while it is defined.
        name = str(error).strip(_QUOTES)
        print(
            f"error: There is no --config.{name}; there are {known}.", file=sys.stderr
        )
        sys.exit(2)
