"""What settings may be: checks that stand beside their fields, as annotations.

    draws: Annotated[int, at_least(1)] = 100

A dataclass calls `check` in its `__post_init__`, so that whoever makes settings, a
command or a program, is told of a wrong one before any work is done.
"""

import numbers
import re
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, cast

from rclicks_jax import errors


class Check(NamedTuple):
    """A condition on a value.

    Attributes:
        holds: Tells whether a value meets it.
        allowed: What values are allowed, in words.
        names: All values there are, if they are names.
    """

    holds: Callable[[Any], bool]
    allowed: str
    names: tuple[str, ...] = ()


def at_least(least: float) -> Check:
    """Allows numbers from `least` on; not NaN."""
    return Check(lambda value: value >= least, f"{least:g} or more")


def more_than(bound: float) -> Check:
    """Allows finite numbers above `bound`."""
    return Check(
        lambda value: bound < value < float("inf"), f"a number above {bound:g}"
    )


def within(least: float, most: float) -> Check:
    """Allows numbers from `least` to `most`, both included; not NaN."""
    return Check(lambda value: least <= value <= most, f"{least:g} to {most:g}")


def one_of(names: Collection[str]) -> Check:
    """Allows some names."""
    return Check(lambda value: value in names, ", ".join(names), tuple(names))


def numbers_once(least: int, most: int, meaning: str) -> Check:
    """Allows several different numbers of a range.

    Args:
        least: The lowest.
        most: The highest.
        meaning: The range in words.
    """

    def holds(values: Collection[int]) -> bool:
        inside = all(least <= value <= most for value in values)
        return inside and len(set(values)) == len(values)

    return Check(holds, f"{meaning}, each once")


def _is_seed(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and 0 <= int(value) < 1 << 32


def _is_number(value: float) -> bool:
    return value == value


def _is_shard(text: str) -> bool:
    found = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    return not text or (found is not None and int(found[1]) < int(found[2]))


# What random keys are made of. JAX would take other numbers modulo 2^32.
SEED = Check(_is_seed, f"a whole number from 0 to {(1 << 32) - 1} (32 bits)")
NUMBER = Check(_is_number, "a number")
SHARD = Check(_is_shard, "NUMBER/COUNT with 0 <= NUMBER < COUNT, or nothing")
PRECISION = one_of(("auto", "float32", "bfloat16"))


def check(settings: object, prefix: str) -> None:
    """Makes sure that every setting of a dataclass is what its annotation allows.

    Args:
        settings: An instance.
        prefix: What stands before the setting's name in an error, as users write it.

    Raises:
        BadValueError: A setting is not allowed; names it, its value, and what is.
    """
    hints: Mapping[str, Any] = typing.get_type_hints(
        type(settings), include_extras=True
    )
    for name, hint in hints.items():
        for each in getattr(hint, "__metadata__", ()):
            value = getattr(settings, name)
            if isinstance(each, Check) and not each.holds(value):
                shown = _shown(value)
                near = errors.meant(shown.strip("'"), each.names)
                raise errors.BadValueError(f"{prefix}{name}", shown, each.allowed, near)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, cast(tuple[object, ...], value))) or "none"
    return repr(value)
