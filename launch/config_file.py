"""`--config` and `--config.NAME`: a packaged configuration or a file, and changes."""

import dataclasses
import importlib
import importlib.util
import os
import pathlib
import traceback
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import rclicks_jax.configs
from absl import flags
from rclicks_jax.launch import flag_helpers

from rclicks_jax import errors

_FOLDER = pathlib.Path(rclicks_jax.configs.__path__[0])
_SUFFIX = ".py"


@dataclasses.dataclass(frozen=True)
class ConfigFlag:
    """`--config` of a command, with a flag for each setting.

    Attributes:
        name: Name of the packaged configuration.
        settings: Dataclass of the settings.
        file: What `--config` names; empty for the packaged configuration.
        changes: The flags `--config.NAME` by name; None where one was not given.
    """

    name: str
    settings: type
    file: flags.FlagHolder[str]
    changes: Mapping[str, flags.FlagHolder[Any]]

    @property
    def value(self) -> dict[str, Any]:
        """Returns the settings: those of the file, with the changes.

        Raises:
            RClicksError: There is no such configuration, or it cannot be read.
        """
        if self.file.present and not self.file.value:
            # A variable of the shell that is not set, most likely.
            raise errors.BadValueError(
                "--config", "nothing", f"{', '.join(_variants(self.name))}, or FILE.py"
            )
        return {**_read(self.file.value, self.name), **flag_helpers.given(self.changes)}

    def is_given(self, name: str) -> bool:
        """Tells whether a file of the user's or `--config.name` says a setting."""
        return self.changes[name].value is not None or _is_file(self.file.value)


def define(name: str, settings: type) -> ConfigFlag:
    """Defines `--config`, and `--config.NAME` for each setting.

    The value is a variant of the packaged configuration (`tiny`), its name with or
    without one (`benchmark:tiny`), or a file that has `get_config` (`mine.py`,
    `mine.py:variant`).

    Args:
        name: Name of the packaged configuration.
        settings: Dataclass of the settings.
    """
    file = flags.DEFINE_string(
        "config",
        "",
        f"Settings to start from: a variant ({', '.join(_variants(name))}), or a file "
        f"FILE.py or FILE.py:VARIANT that has get_config(). The first variant is the "
        f"default, and {name}:VARIANT its name in full.",
    )
    return ConfigFlag(
        name, settings, file, flag_helpers.define_settings(settings, "config.")
    )


def _is_file(value: str) -> bool:
    return value.partition(":")[0].endswith(_SUFFIX)


def _read(value: str, name: str) -> dict[str, Any]:
    """Returns the settings that a configuration holds."""
    place, colon, variant = value.partition(":")
    path = pathlib.Path(os.path.expanduser(place))
    # The pages of older releases name the file in a checkout.
    is_packaged = path.name == f"{name}{_SUFFIX}" and path.parent.name == _FOLDER.name
    if place.endswith(_SUFFIX) and (path.is_file() or not is_packaged):
        return _read_file(path, variant if colon else None)
    if not value or place == name or is_packaged:
        chosen = variant or _variants(name)[0]
    else:
        chosen = value
    if chosen not in _variants(name):
        allowed = (
            f"{', '.join(_variants(name))}; {name}:VARIANT; or FILE.py[:VARIANT] of "
            "your own"
        )
        raise errors.BadValueError("--config", repr(value), allowed)
    return _packaged(name).get_config(chosen).to_dict()


def _read_file(path: pathlib.Path, variant: str | None) -> dict[str, Any]:
    """Calls `get_config` of a user's file.

    Raises:
        DataError: There is no such file, it fails, or it gives no settings.
    """
    if not path.is_file():
        raise errors.DataError(f"--config: there is no file {path}.")
    spec = importlib.util.spec_from_file_location("rclicks_user_config", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        config = module.get_config(*([] if variant is None else [variant]))
        to_dict = getattr(config, "to_dict", None)
        return dict(config) if to_dict is None else to_dict()
    except errors.RClicksError:
        raise
    except Exception as error:
        raise errors.DataError(
            f"--config: {path}{_line_of(error, path)} cannot be used: "
            f"{type(error).__name__}: {error}. It must have get_config(), which "
            "returns settings as a ConfigDict or a dictionary."
        ) from error


def _line_of(error: Exception, path: pathlib.Path) -> str:
    """Returns `, line N` of a file that raised an error, if it is known."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if pathlib.Path(frame.filename).resolve() == path.resolve()
    ]
    return f", line {lines[-1]}" if lines else ""


def _packaged(name: str) -> ModuleType:
    return importlib.import_module(f"rclicks_jax.configs.{name}")


def _variants(name: str) -> list[str]:
    return list(_packaged(name).VARIANTS)
