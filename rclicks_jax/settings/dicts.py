"""Dataclasses of settings to and from a `ConfigDict`, flags, and options of a spec."""

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, cast

import ml_collections

from rclicks_jax import errors, registry
from rclicks_jax.settings import docs

T = TypeVar("T")


def to_config_dict(value: Any) -> ml_collections.ConfigDict:
    """Turns a dataclass into a `ConfigDict` with the same keys."""
    return ml_collections.ConfigDict(dataclasses.asdict(value))


def from_config_dict(cls: type[T], values: Mapping[str, Any], whole: str = "") -> T:
    """Makes a `cls` of a mapping; checks keys and types; inverse of `to_config_dict`.

    Args:
        cls: A dataclass.
        values: Values by the names of its fields.
        whole: What messages call them all together; else by the name of `cls`.

    Raises:
        BadValueError: A key is unknown or missing, or a value has another type.
    """
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise errors.BadValueError(
            whole or f"Settings of {cls.__name__}",
            ", ".join(unknown),
            ", ".join(sorted(hints)),
            errors.meant(unknown[0], hints),
        )
    return cls(
        **{
            key: _converted(f"Setting {key}", hints[key], value)
            for key, value in values.items()
        }
    )


def made_of(cls: type[T], settings: Any, **others: Any) -> T:
    """Makes a `cls` of the settings that it has fields for, and of other values.

    So a new setting that is to reach a `cls` needs a field there, and no code between.

    Args:
        cls: A dataclass or a named tuple.
        settings: A dataclass; those of its fields are taken that have a name and a type
            of `cls`.
        **others: Further fields of `cls`.

    Raises:
        TypeError: A field of `cls` without a default is in neither.
    """
    hints = typing.get_type_hints(cast(object, type(settings)))
    taken = {
        name: getattr(settings, name)
        for name, hint in typing.get_type_hints(cls).items()
        if hints.get(name) == hint
    }
    return cls(**taken | others)


def _converted(what: str, hint: Any, value: Any) -> Any:
    """Returns `value` as `hint` says; text is parsed, as flags and specs need."""
    origin = typing.get_origin(hint)
    if origin is tuple:
        (item, *_) = typing.get_args(hint)
        if not isinstance(value, Iterable):
            raise errors.BadValueError(what, repr(value), "several values, in a list")
        several = cast(Iterable[object], value)
        parts = registry.split_list(value) if isinstance(value, str) else several
        return tuple(_converted(what, item, part) for part in parts)
    if origin is Literal:
        if value not in typing.get_args(hint):
            raise errors.BadValueError(
                what,
                repr(value),
                ", ".join(map(repr, typing.get_args(hint))),
                errors.meant(str(value), map(str, typing.get_args(hint))),
            )
        return value
    if origin in (typing.Union, types.UnionType):
        raise TypeError(f"{what}: unions are not used in settings")
    if hint is bool and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    try:
        if (
            hint in (int, float)
            and isinstance(value, (str, int, float))
            and not isinstance(value, bool)
        ):
            converted = hint(value)
            if converted == float(value):
                return converted
    except (ValueError, OverflowError):
        pass
    kind = docs.KINDS.get(hint, hint.__name__)
    raise errors.BadValueError(what, repr(value), docs.with_article(kind))
