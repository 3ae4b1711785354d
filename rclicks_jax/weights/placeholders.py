"""What stands for objects of classes that are not read: they do nothing.

A configuration beside the weights may hold a loss, a path, an `EasyDict`. Their classes
are neither imported nor called. A placeholder keeps the name of the class, and the
items that a file sets one by one (`SETITEMS`, as pickle does for subclasses of `dict`):
these are what a dictionary holds. Everything else that a file gives to such an object
(arguments of its class, its state) is dropped unread, tensors included: only the class
knows what they are for.
"""

from collections.abc import Iterable, Iterator
from typing import cast

from rclicks_jax.weights import faults, limits


class Placeholder:
    """An object, or a class, that is not read.

    Attributes:
        name: Module and name of the class.
        items: Items that were set on it, as on a dictionary.
    """

    __slots__ = ("items", "name")

    def __init__(self, name: str) -> None:
        """Has no items at first."""
        self.name = name
        self.items: dict[object, object] = {}

    def __repr__(self) -> str:
        """Returns a text for messages."""
        return f"<an object of {faults.shown(self.name)}, not read>"


def as_dict(value: object) -> dict[object, object]:
    """Returns a dictionary, or the items of a placeholder; else an empty dictionary."""
    if isinstance(value, Placeholder):
        return value.items
    return cast("dict[object, object]", value) if type(value) is dict else {}


def _parts(value: object) -> Iterable[object]:
    """Returns what a value is made of; keys are plain."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return value  # pyright: ignore[reportUnknownVariableType]
    return as_dict(value).values()


class _Level:
    """A value whose parts are being looked at."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.left: Iterator[object] = iter(_parts(value))
        # Levels below it that are known.
        self.height = 0


def check_nesting(value: object) -> None:
    """Checks that what a file holds is a tree of few levels, whoever walks it.

    Parts may be shared. Nothing here recurses or looks at a part twice.

    Raises:
        UnreadableError: It contains itself, or has too many levels.
    """
    # By identity: hashing or comparing what a hostile file holds may never end.
    heights: dict[int, int] = {}
    levels = [_Level(value)]
    above = {id(value)}
    while levels:
        level = levels[-1]
        for part in level.left:
            if id(part) in above:
                raise faults.UnreadableError(
                    f"a {type(part).__name__} in it contains itself"
                )
            if id(part) not in heights and _parts(part):
                levels.append(_Level(part))
                above.add(id(part))
                break
            level.height = max(level.height, heights.get(id(part), 0))
            limits.DEPTH.check(len(levels) + level.height)
        else:
            levels.pop()
            above.remove(id(level.value))
            heights[id(level.value)] = level.height + 1
            if levels:
                levels[-1].height = max(levels[-1].height, level.height + 1)
        limits.DEPTH.check(len(levels))


def classes(value: object) -> list[str]:
    """Returns the names of the classes of all placeholders in a value, sorted."""
    names: set[str] = set()
    seen: set[int] = set()
    left = [value]
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Placeholder):
            names.add(part.name)
        left.extend(_parts(part))
    return sorted(names)
