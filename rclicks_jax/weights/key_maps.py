"""Key maps: from which arrays of a state dict the leaves of a network come.

A network knows its leaves and their shapes. A function of it says for each leaf the
key (or keys) of the checkpoint, and how the axes lie there. `fill` does the rest, or
names a few of the keys that are missing, left over or of a wrong shape.
"""

import collections
import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from rclicks_jax import errors
from rclicks_jax.weights import faults, state_dicts

# A leaf of variables: its collection, its modules, its own name.
LeafPath = tuple[str, ...]
# Patterns and what replaces them, one after the other.
Rules = Sequence[tuple[str, str]]
_MOST_BEGINNINGS = 4


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the axes of an array of PyTorch lie in ours.

    Attributes:
        axes: Their axes in our order; empty if the order is the same.
        leading: Number of sides of 1 in front of theirs, which ours lacks.
    """

    axes: tuple[int, ...] = ()
    leading: int = 0

    def ours(self, array: np.ndarray) -> np.ndarray:
        """Returns an array of theirs in our layout."""
        array = array.reshape(array.shape[self.leading :])
        return array.transpose(self.axes) if self.axes else array

    def theirs(self, array: np.ndarray) -> np.ndarray:
        """Returns an array of ours in their layout."""
        if self.axes:
            array = array.transpose(np.argsort(self.axes))
        return array.reshape((1,) * self.leading + array.shape)

    def their_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the shape that an array of our shape has there."""
        return self.theirs(np.broadcast_to(np.float32(0), shape)).shape


SAME = Layout()
# OIHW to HWIO. That of a transposed convolution is IOHW, and flax.linen.ConvTranspose
# takes HWOI with `transpose_kernel=True`: the same axes.
CONVOLUTION = Layout((2, 3, 1, 0))
DENSE = Layout((1, 0))


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a leaf comes from.

    Attributes:
        keys: Keys of the state dict. Arrays of several keys are stacked along a new
            first axis of ours.
        layout: Layout of each array.
    """

    keys: tuple[str, ...]
    layout: Layout = SAME

    def shapes(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Returns the shapes that the arrays have for a leaf of this shape."""
        part = shape if len(self.keys) == 1 else shape[1:]
        return dict.fromkeys(self.keys, self.layout.their_shape(part))

    def leaf(self, state: state_dicts.State) -> np.ndarray:
        """Returns the leaf, from a state dict that has arrays of these shapes."""
        arrays = [self.layout.ours(state[key]) for key in self.keys]
        return arrays[0] if len(arrays) == 1 else np.stack(arrays)


def renamed(name: str, rules: Rules) -> str:
    """Returns a name after all rules, which are regular expressions."""
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def fill(
    state: state_dicts.State,
    leaves: Mapping[LeafPath, tuple[int, ...]],
    origin: Callable[[LeafPath], Origin],
    *,
    network: str,
    also: state_dicts.Shapes | None = None,
    unused: Iterable[str] = (),
) -> dict[LeafPath, np.ndarray]:
    """Returns the leaves of a network from a state dict, as float32.

    Args:
        state: Arrays by the checkpoint's names; those in files are read one by one.
        leaves: Shapes of the leaves by their paths.
        origin: Says where a leaf comes from.
        network: Name of the network, for the message.
        also: Shapes of arrays that must be there and fill no leaf.
        unused: Regular expressions: keys in which one is found may be there and are
            not read, such as those of parts of a model that the network does not have.

    Raises:
        DataError: Keys are missing, left over or of a wrong shape, or numbers are not
            finite; names how many, and the first.
    """
    origins = {path: origin(path) for path in leaves}
    expected = dict(also or {})
    for path, shape in leaves.items():
        expected.update(origins[path].shapes(shape))
    check_keys(state, expected, network=network, unused=unused)
    # Numbers beyond float32 become infinite, and are named.
    with np.errstate(over="ignore"):
        filled = {path: origins[path].leaf(state).astype(np.float32) for path in leaves}
    state_dicts.check_finite(
        state_dicts.named(state),
        ((origins[path].keys[0], leaf) for path, leaf in filled.items()),
    )
    return filled


def check_keys(
    state: state_dicts.State,
    expected: state_dicts.Shapes,
    *,
    network: str,
    unused: Iterable[str] = (),
) -> None:
    """Checks that a state dict has the expected keys and shapes, and no others.

    Raises:
        DataError: It has not; says what came and what is allowed.
    """
    shapes = state_dicts.shapes_of(state)
    patterns = [re.compile(pattern) for pattern in unused]
    wrong = [
        f"{key} {shape} instead of {expected[key]}"
        for key, shape in shapes.items()
        if key in expected and shape != expected[key]
    ]
    unknown = [
        key
        for key in shapes
        if key not in expected and not any(pattern.search(key) for pattern in patterns)
    ]
    lacking = expected.keys() - shapes.keys()
    problems = {"lacks": lacking, "has unknown": unknown, "has wrong shapes at": wrong}
    if not any(problems.values()):
        return
    if len(lacking) > len(expected) / 2:
        raise errors.DataError(_another_network(state, expected, network))
    clauses = [
        f"{verb} {state_dicts.listed(keys)}" for verb, keys in problems.items() if keys
    ]
    raise errors.DataError(
        f"{state_dicts.named(state)} {'; it '.join(clauses)}. The keys and shapes of "
        f"{network} are allowed.{_dropped(state)}"
    )


def side(shapes: state_dicts.Shapes, key: str, axis: int, network: str) -> int:
    """Returns a side of an array that tells a size of a network.

    Raises:
        DataError: There is no such array, or it has too few axes.
    """
    shape = shapes.get(key, ())
    if not -len(shape) <= axis < len(shape):
        raise errors.DataError(
            f"The checkpoint lacks {key}, so it is none of {network}. "
            f"{_beginnings(shapes)}"
        )
    return shape[axis]


def _another_network(
    state: state_dicts.State, expected: state_dicts.Shapes, network: str
) -> str:
    shapes = state_dicts.shapes_of(state)
    count = len(expected.keys() & shapes.keys())
    return (
        f"{state_dicts.named(state)} is of another network or size: of the "
        f"{len(expected)} keys of {network} it has {count}, and it lacks "
        f"{state_dicts.listed(expected.keys() - shapes.keys())}. "
        f"{_beginnings(shapes)}{_dropped(state)}"
    )


def _beginnings(keys: Iterable[str]) -> str:
    """Returns a sentence on how keys begin, which tells people what model they are."""
    counts = collections.Counter(key.partition(".")[0] for key in keys)
    common = [
        f"{faults.shown(name)} ({count})"
        for name, count in counts.most_common(_MOST_BEGINNINGS)
    ]
    if not common:
        return "It has no keys."
    more = ", ..." if len(counts) > len(common) else ""
    return f"Its {sum(counts.values())} keys begin with {', '.join(common)}{more}."


def _dropped(state: state_dicts.State) -> str:
    dropped = state.dropped if isinstance(state, state_dicts.Checkpoint) else ()
    if not dropped:
        return ""
    return (
        f" Objects of these classes in it were not read: {state_dicts.listed(dropped)}."
    )
