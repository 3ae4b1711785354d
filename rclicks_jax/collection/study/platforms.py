"""Where people come from and where they go: tables of parameters and endings."""

import dataclasses
import importlib.resources
import pathlib
import re
import string
import tomllib
import urllib.parse
from collections.abc import Mapping
from typing import Any, Literal

from rclicks_jax import errors
from rclicks_jax.settings import dicts

FILE = "platforms.toml"
Ending = Literal["complete", "screened_out"]
_ENDINGS = ("complete", "screened_out")
# What a browser takes for the place of a page: https and a host, perhaps a port.
_ORIGIN = re.compile(r"https://(\*\.)?[A-Za-z0-9.-]+(:\d+)?")


@dataclasses.dataclass(frozen=True)
class Platform:
    """A platform.

    Attributes:
        name: Name in `study.toml` and in the page's address.
        title: Name in tables.
        person: Parameter that says who it is; empty if nobody knows.
        parameters: Further parameters to keep with the identity.
        invited: Whether the person must be an invitation of the study.
        test: Values of parameters that mean a look at the study.
        frames: Origins that may show the pages in a frame.
        codes: Codes to give at the end, by ending.
        endings: Addresses at the end, by ending.
    """

    name: str
    title: str
    person: str
    parameters: tuple[str, ...]
    invited: bool
    test: Mapping[str, str]
    frames: tuple[str, ...]
    codes: Mapping[str, str]
    endings: Mapping[str, str]

    def is_test(self, parameters: Mapping[str, str]) -> bool:
        """Tells whether parameters of an address mean a look at the study."""
        return any(parameters.get(key) == value for key, value in self.test.items())

    def ending(
        self, ending: Ending, parameters: Mapping[str, str], proof: str
    ) -> tuple[str, str]:
        """Returns code and address for the end of a session.

        Args:
            ending: How it ended.
            parameters: Parameters of the person's address.
            proof: Code of the session, where the platform has no code of its own.
        """
        code = self.codes.get(ending, proof if ending == "complete" else "")
        values = {**parameters, "code": code}
        quoted = {key: urllib.parse.quote(text, "") for key, text in values.items()}
        template = self.endings.get(ending, "")
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name]
        return code, template.format_map({n: quoted.get(n, "") for n in names})


@dataclasses.dataclass(frozen=True)
class _Table:
    title: str = ""
    person: str = ""
    parameters: tuple[str, ...] = ()
    invited: bool = False
    frames: tuple[str, ...] = ()


def load(folder: pathlib.Path, names: tuple[str, ...]) -> dict[str, Platform]:
    """Reads the platforms of a study.

    Args:
        folder: The study.
        names: Names of the platforms, as in `study.toml`.

    Raises:
        UnknownNameError: There is no such platform.
        BadValueError: A table has an unknown key or a wrong value.
        DataError: The file is no TOML.
    """
    tables = _packaged()
    own = folder / FILE
    if own.exists():
        for name, table in parse_toml(own).items():
            if not isinstance(table, dict):
                raise errors.BadValueError(f"{own}: {name}", table, "a table [NAME]")
            tables[name] = {**tables.get(name, {}), **table}
    unknown = [name for name in names if name not in tables]
    if unknown:
        raise errors.UnknownNameError("platform", unknown[0], tables)
    return {name: _platform(name, tables[name]) for name in names}


def parse_toml(path: pathlib.Path) -> dict[str, Any]:
    """Reads a TOML file.

    Raises:
        DataError: It cannot be read, or is no TOML; the message has line and column.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = errors.reason(error) if isinstance(error, OSError) else str(error)
        raise errors.DataError(f"{path} cannot be read: {why}") from error


def _packaged() -> dict[str, dict[str, Any]]:
    path = importlib.resources.files("rclicks_jax.collection.study") / FILE
    return tomllib.loads(path.read_text("utf-8"))


def _platform(name: str, table: dict[str, Any]) -> Platform:
    what = f"[{name}] of {FILE}"
    maps = {key: table.pop(key, {}) for key in ("test", "codes", "endings")}
    for key, values in maps.items():
        is_text = isinstance(values, dict) and all(
            isinstance(value, str) for value in values.values()
        )
        unknown = key != "test" and is_text and sorted(set(values) - set(_ENDINGS))
        if not is_text or unknown:
            allowed = f"texts of {', '.join(_ENDINGS)}" if key != "test" else "texts"
            raise errors.BadValueError(f"{what}, {key}", values, allowed)
    for address in maps["endings"].values():
        if not address.startswith("https://"):
            raise errors.BadValueError(f"{what}, endings", address, "https://...")
    known = dicts.from_config_dict(_Table, table, what)
    for origin in known.frames:
        if not _ORIGIN.fullmatch(origin):
            raise errors.BadValueError(f"{what}, frames", origin, "https://HOST")
    return Platform(name=name, **dataclasses.asdict(known), **maps)
