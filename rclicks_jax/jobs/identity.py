"""The identity of a run: all values that can change its numbers.

Each job has a frozen dataclass of them; two starts in one folder are compared by it. A
field that a release adds has as its default what earlier releases did, so that their
run folders can be continued.
"""

import dataclasses
import hashlib
import json
import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from rclicks_jax import errors
from rclicks_jax.types import JsonObject, is_json_object

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
_LONGEST = 60


def to_json(identity: "DataclassInstance") -> dict[str, object]:
    """Returns a dataclass as JSON values: tuples become lists."""
    return json.loads(json.dumps(dataclasses.asdict(identity)))


def from_json(cls: type[T], values: JsonObject, name: str) -> T:
    """Returns the dataclass of JSON values that `to_json` has made.

    Args:
        cls: The dataclass.
        values: JSON values by field. A field that did not exist yet when the values
            were written may be missing if it has a default.
        name: Path of the run, for messages.

    Raises:
        RunFolderError: This release does not know one of the fields, so it cannot tell
            what the numbers mean; or a value is missing or has another type.
    """
    # For `Annotated` fields, this gives the type alone.
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
            f"{name} does not describe a run as a run folder does ({error})."
        ) from error


def _typed(hint: Any, value: Any, name: str) -> Any:
    """Converts a JSON value to the type of a field; raises `TypeError` if it cannot."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_json(hint, _of_kind(dict, value), name)
    kind = typing.get_origin(hint) or hint
    if kind is tuple:
        return tuple(_of_kind(list, value))
    return _of_kind(kind, value) if isinstance(kind, type) else value


def _of_kind(kind: type, value: Any) -> Any:
    # JSON writes 1.0 as 1 in some programs.
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value


def hash_of(values: JsonObject) -> str:
    """Returns a hash of JSON values that does not depend on the order of keys."""
    # In a file keys that are numbers become text, which sorts differently.
    written = json.loads(json.dumps(values))
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()


def changes(
    cls: "type[DataclassInstance]", before: JsonObject, now: JsonObject, name: str
) -> dict[str, list[str]]:
    """Lists what changed in the identity of a run, by field.

    A field that `before` lacks has its default, so a newer release alone is no change.

    Args:
        cls: The dataclass of the identity.
        before: The JSON values in the folder, perhaps of an earlier release.
        now: The JSON values of this start.
        name: Path of the run, for messages.

    Raises:
        RunFolderError: `before` has fields that this release does not have.
    """
    known = to_json(from_json(cls, before, name))
    lines_of_field = {key: list(differences(known[key], now[key], key)) for key in now}
    return {key: lines for key, lines in lines_of_field.items() if lines}


def differences(before: object, after: object, name: str = "") -> Iterator[str]:
    """Yields a line for each difference between two nested JSON values."""
    if is_json_object(before) and is_json_object(after):
        for key in sorted({*before, *after}):
            inner = f"{name}.{key}" if name else key
            yield from differences(before.get(key), after.get(key), inner)
    elif json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
        yield f"{name} was {_short(before)} and is {_short(after)}"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
