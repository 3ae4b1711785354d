"""Help, versions, and flags that cannot be parsed, for all commands."""

import importlib.metadata
import platform
import re
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from absl import flags

from rclicks_jax import errors
from rclicks_jax.settings import docs

_HELP = {"--help", "-help", "-h", "--helpfull", "--helpshort"}
_VERSION = {"--version", "-version"}
_WIDTH = 88
_INDENT = "      "
_ILLEGAL = re.compile(r"flag --(\S+?)=(.*?): (.*)", re.DOTALL)
_SETTING = "config."
# Flags that must not be empty where they are given, as a shell's variable that is not
# set makes them: files would be written into the current folder, and each host would do
# the work of all.
_FOLDER = "a folder; . for this one"
_PLACES = {
    "workdir": _FOLDER,
    "out": _FOLDER,
    "dir": _FOLDER,
    "coordinator": "host:port or auto; left out for one process alone",
}
# Kinds of values that take an article.
_NOUNS = ("whole number", "number")
_OF_COMMANDS = "rclicks_jax.launch."


def request(argv: Sequence[str]) -> str:
    """Returns `help` or `version` if the command line asks for it, else nothing."""
    for word in argv[1:]:
        if word == "--":
            break
        if word in _HELP:
            return "help"
        if word in _VERSION:
            return "version"
    return ""


def version() -> str:
    """Returns the releases of this package, of JAX and of Python."""
    releases = [
        f"{name} {importlib.metadata.version(name)}" for name in ("rclicks-jax", "jax")
    ]
    return ", ".join([*releases, f"Python {platform.python_version()}"])


def help_text(text: str, settings: type | None, prefix: str) -> str:
    """Returns what `--help` prints: examples, flags, and settings with their defaults.

    Args:
        text: The docstring of the command.
        settings: Dataclass of the settings that flags change; None for none.
        prefix: Prefix of the names of these flags.
    """
    described = [] if settings is None else docs.describe(settings)
    names = {f"{prefix}{setting.name}" for setting in described}
    parts = [text.strip(), "", "Flags:"]
    for flag in _own_flags():
        if flag.name not in names:
            default = "" if flag.default in (None, "", []) else flag.default_as_str
            default = (default or "").strip("'")
            parts += _entry(f"--{flag.name}", _kind(flag), default, flag.help)
    parts += _entry("--help", "", "", "Shows this text.")
    parts += _entry("--version", "", "", "Shows the installed releases.")
    if described:
        parts += ["", f"Settings, --{prefix}NAME=VALUE:"]
        for setting in described:
            name = f"--{prefix}{setting.name}"
            parts += _entry(name, setting.kind, setting.default, setting.text)
    return "\n".join(parts)


def parse(argv: Sequence[str]) -> list[str]:
    """Parses the command line; returns the name of the program and the arguments.

    Raises:
        RClicksError: A flag is unknown, missing, or has a value that it cannot have.
    """
    try:
        arguments = flags.FLAGS(list(argv))
    except flags.UnrecognizedFlagError as error:
        raise _unknown(error.flagname, [flag.name for flag in _own_flags()]) from error
    except flags.IllegalFlagValueError as error:
        raise _illegal(str(error)) from error
    except flags.Error as error:
        raise errors.RClicksError(str(error)) from error
    for name, allowed in _PLACES.items():
        place = flags.FLAGS[name].value if name in flags.FLAGS else None
        if place is not None and flags.FLAGS[name].present and not place.strip():
            raise errors.BadValueError(f"--{name}", "nothing", allowed)
    return arguments


def _unknown(name: str, known: Sequence[str]) -> errors.RClicksError:
    """Returns the error of a misspelt flag: what it is like, and what there is."""
    hint = errors.meant(name, known, "--{}".format)
    family = [
        flag
        for flag in known
        if flag.startswith(_SETTING) == name.removeprefix("no").startswith(_SETTING)
    ]
    # A command may have no settings.
    listed = ", ".join(f"--{flag}" for flag in family or known)
    return errors.RClicksError(
        f"There is no --{name}.{hint} There are {listed}; --help explains them."
    )


def _own_flags() -> list[Any]:
    """Returns the flags that commands define, by name."""
    own = {
        flag.name: flag
        for module, defined in flags.FLAGS.flags_by_module_dict().items()
        if module.startswith(_OF_COMMANDS) or module == sys.argv[0]
        for flag in defined
    }
    return [own[name] for name in sorted(own)]


def _kind(flag: Any) -> str:
    choices = getattr(flag.parser, "enum_values", None)
    if choices:
        return " or ".join(choices)
    kinds = {
        flags.BooleanParser: docs.KINDS[bool],
        flags.IntegerParser: docs.KINDS[int],
        flags.FloatParser: docs.KINDS[float],
        flags.ListParser: f"{docs.KINDS[str]}s, separated by commas",
    }
    return kinds.get(type(flag.parser), "")


def _entry(name: str, kind: str, default: str, text: str | None) -> list[str]:
    facts = [fact for fact in (kind, default and f"default {default}") if fact]
    head = f"  {name}" + (f"  ({'; '.join(facts)})" if facts else "")
    filled = textwrap.fill(
        " ".join((text or "").split()),
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [head, filled]


def _illegal(message: str) -> errors.RClicksError:
    parts = _ILLEGAL.match(message)
    if parts is None:
        return errors.RClicksError(message)
    name, value, why = parts.groups()
    if value == "None" and "other than None" in why:
        return errors.RClicksError(
            f"--{name} is missing. {flags.FLAGS[name].help} --help shows an example."
        )
    kind = _kind(flags.FLAGS[name]) if name in flags.FLAGS else ""
    allowed = docs.with_article(kind) or why.strip()
    return errors.BadValueError(f"--{name}", repr(value), allowed)
