"""What a run is: values that can change its numbers, compared between two starts.

Each job has a frozen dataclass of them. Fields that a release adds have the default
that earlier releases stood for, so that their run folders go on.
"""

import dataclasses
import hashlib
import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from rclicks_jax import errors

T = TypeVar("T")
_LONGEST = 60


def to_json(identity: Any) -> dict[str, Any]:
    """Returns a dataclass of values as JSON has it: tuples are lists."""
    return json.loads(json.dumps(dataclasses.asdict(identity)))


def from_json(cls: type[T], values: Mapping[str, Any], name: str) -> T:
    """Returns the dataclass that `to_json` was given.

    Args:
        cls: The dataclass.
        values: Those of its fields that the release which wrote them had.
        name: What an error calls the run.

    Raises:
        RunFolderError: A value is unknown to this release, so that it cannot tell what
            the numbers mean; or one is missing or of another type.
    """
    # Of `Annotated` fields the types alone.
    hints = typing.get_type_hints(cls)
    unknown = sorted({*values} - {*hints})
    if unknown:
        raise errors.RunFolderError(
            f"{name} has settings that this release does not have: "
            f"{', '.join(unknown)}. Read it with the release that made it."
        )
    try:
        return cls(
            **{key: _typed(hints[key], value, name) for key, value in values.items()}
        )
    except (TypeError, ValueError) as error:
        raise errors.RunFolderError(
            f"{name} is not what a run folder says of its run ({error})."
        ) from error


def _typed(hint: Any, value: Any, name: str) -> Any:
    """Returns a JSON value as a field has it; raises `TypeError` if it is none."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_json(hint, _of_kind(dict, value), name)
    kind = typing.get_origin(hint) or hint
    if kind is tuple:
        return tuple(_of_kind(list, value))
    return _of_kind(kind, value) if isinstance(kind, type) else value


def _of_kind(kind: type, value: Any) -> Any:
    # JSON writes 1.0 as 1 in some programs.
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(f"{value!r} stands where {kind.__name__} has to be")
    return value


def hash_of(values: Mapping[str, Any]) -> str:
    """Returns a hash of JSON values that does not depend on the order of keys."""
    # Keys that are numbers are text in a file, and in another order.
    written = json.loads(json.dumps(values))
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()


def changes(
    cls: type[Any], before: Mapping[str, Any], now: Mapping[str, Any], name: str
) -> dict[str, list[str]]:
    """Says what of a run changed, by field; nothing if only its release did.

    Args:
        cls: The dataclass of the identity.
        before: Its JSON values, perhaps of an earlier release.
        now: The values of this start.
        name: What an error calls the run.

    Raises:
        RunFolderError: `before` has values that this release does not have.
    """
    known = to_json(from_json(cls, before, name))
    found = {key: list(differences(known[key], now[key], key)) for key in now}
    return {key: lines for key, lines in found.items() if lines}


def differences(before: Any, after: Any, name: str = "") -> Iterator[str]:
    """Names what differs between two nested JSON values."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            inner = f"{name}.{key}" if name else key
            yield from differences(before.get(key), after.get(key), inner)
    elif json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
        yield f"{name} was {_short(before)} and is {_short(after)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
