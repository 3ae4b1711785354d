"""State dicts of PyTorch: arrays by name, found in what a checkpoint holds."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar, cast

import numpy as np
from etils import epath

from rclicks_jax import errors
from rclicks_jax.weights import faults, placeholders
from rclicks_jax.weights.placeholders import Placeholder

# Arrays, and their shapes, by PyTorch's names.
State = Mapping[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]
T = TypeVar("T")
_MOST_SHOWN = 5
# Under these keys of a checkpoint lies its state dict, if it has anything else.
_WRAPPERS = ("state_dict", "model")
_DATA_PARALLEL = "module."


class Checkpoint(Mapping[str, np.ndarray]):
    """The state dict of a foreign checkpoint; its arrays may still be in their files.

    Attributes:
        source: What it was read from, for messages; empty if that is not known.
        files: The files that it was read from.
        shapes: Shapes of all arrays, which are known without reading any.
        dropped: Names of the classes whose objects in it were not read, sorted.
        beside: What its file holds beside the state dict, such as settings.
    """

    def __init__(
        self,
        source: str,
        files: Iterable[epath.Path],
        shapes: Shapes,
        read: Callable[[str], np.ndarray],
        dropped: Iterable[str] = (),
        beside: Mapping[object, object] | None = None,
    ) -> None:
        """Keeps facts.

        Args:
            source: What it was read from.
            files: The files that it was read from.
            shapes: Shapes of all arrays.
            read: Returns the array of a key; raises `DataError`.
            dropped: Names of classes.
            beside: What the file holds beside the state dict.
        """
        self.source = source
        self.files = tuple(files)
        self.shapes = shapes
        self.dropped = tuple(dropped)
        self.beside: Mapping[object, object] = beside or {}
        self._read = read

    def __getitem__(self, key: str) -> np.ndarray:
        """Returns an array; reads it if it is still in its file."""
        if key not in self.shapes:
            raise KeyError(key)
        return self._read(key)

    def __iter__(self) -> Iterator[str]:
        """Yields the keys in the order of the file."""
        return iter(self.shapes)

    def __len__(self) -> int:
        """Returns the number of arrays."""
        return len(self.shapes)


def shapes_of(state: State) -> Shapes:
    """Returns the shapes of a state dict; reads no arrays that are in files."""
    if isinstance(state, Checkpoint):
        return state.shapes
    return {key: array.shape for key, array in state.items()}


def named(state: State) -> str:
    """Returns what messages call a state dict: with its file, if that is known."""
    source = state.source if isinstance(state, Checkpoint) else ""
    return f"The checkpoint {source}".rstrip()


def renamed(state: State, rename: Callable[[str], str | None]) -> Checkpoint:
    """Returns a state dict by other names; arrays that are in files stay there.

    Args:
        state: Arrays by name.
        rename: Returns the new name of an array; None leaves it out.

    Raises:
        DataError: Two arrays have the same new name.
    """
    names: dict[str, str] = {}
    for key in state:
        name = rename(key)
        if name is not None and name in names:
            raise errors.DataError(
                f"{named(state)} has {faults.shown(name)} twice, once as "
                f"{faults.shown(key)}."
            )
        if name is not None:
            names[name] = key
    shapes = shapes_of(state)
    is_file = isinstance(state, Checkpoint)
    return Checkpoint(
        state.source if is_file else "",
        state.files if is_file else (),
        {name: shapes[key] for name, key in names.items()},
        lambda name: state[names[name]],
        state.dropped if is_file else (),
        state.beside if is_file else None,
    )


def beside(saved: object) -> dict[object, object]:
    """Returns what a checkpoint holds beside its state dict; empty if it is one."""
    items = placeholders.as_dict(saved)
    wrapped = [each for each in _WRAPPERS if placeholders.as_dict(items.get(each))]
    if not wrapped:
        return {}
    return {key: value for key, value in items.items() if key != wrapped[0]}


def state_dict(saved: object) -> dict[str, np.ndarray]:
    """Finds the state dict in what a checkpoint holds.

    It may lie under `state_dict` or `model`, and all its keys may start with `module.`,
    as `DataParallel` leaves them. It may be of a subclass of `dict` that is not known:
    then it is what was set on it item by item. Tensors elsewhere in objects that are
    not known are not taken.

    Args:
        saved: Content of a checkpoint, as `torch_files.read` returns it.

    Raises:
        DataError: It holds something else than tensors; the message names it.
    """
    for wrapper in _WRAPPERS:
        inner = placeholders.as_dict(saved).get(wrapper)
        if isinstance(inner, (dict, Placeholder)):
            saved = cast(object, inner)
    values = placeholders.as_dict(saved)
    if not values:
        raise errors.DataError(_without_tensors(saved))
    others = [
        _other(name, value)
        for name, value in values.items()
        if not isinstance(name, str) or not isinstance(value, np.ndarray)
    ]
    if others:
        raise errors.DataError(
            f"The checkpoint is no state dict, nor has one under `state_dict` or "
            f"`model`: no tensors are {listed(others)}."
        )
    state = cast(dict[str, np.ndarray], values)
    wrapped = all(name.startswith(_DATA_PARALLEL) for name in state)
    return without_prefix(state, _DATA_PARALLEL) if wrapped else state


def _without_tensors(saved: object) -> str:
    if isinstance(saved, Placeholder):
        return (
            f"The checkpoint holds an object of the class {faults.shown(saved.name)} "
            "instead of a state dict. Classes of a file are not imported, and only "
            f"they know what the tensors in them are. {faults.SAVE_TENSORS}."
        )
    return (
        f"The checkpoint holds a {type(saved).__name__} of no tensors instead of a "
        "state dict."
    )


def _other(name: object, value: object) -> str:
    if isinstance(value, Placeholder):
        return f"{faults.shown(name)} (an object of {faults.shown(value.name)})"
    return faults.shown(name)


def without_prefix(values: Mapping[str, T], prefix: str) -> dict[str, T]:
    """Returns the same values; keys that start with `prefix` lose it."""
    return {key.removeprefix(prefix): value for key, value in values.items()}


def listed(keys: Iterable[str]) -> str:
    """Returns how many keys there are, and the first of them."""
    names = sorted(keys)
    more = ", ..." if len(names) > _MOST_SHOWN else ""
    return f"{len(names)}: {', '.join(map(faults.shown, names[:_MOST_SHOWN]))}{more}"


def check_finite(owner: str, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
    """Checks that weights have no NaN and no infinite numbers.

    Args:
        owner: What has the weights, as the subject of the message.
        arrays: Names and arrays of any dtypes.

    Raises:
        DataError: Some are not finite; says how many, of which arrays.
    """
    count, wrong, nan, infinite = 0, list[str](), 0, 0
    for name, array in arrays:
        count += 1
        # Of bfloat16 too, which is of no kind of NumPy's own.
        if array.dtype.kind in "biu" or np.isfinite(array).all():
            continue
        wrong.append(name)
        nan += int(np.count_nonzero(np.isnan(array)))
        infinite += int(np.count_nonzero(np.isinf(array)))
    if wrong:
        raise errors.DataError(
            f"{owner} has weights that are not finite ({nan} NaN, {infinite} "
            f"infinite), in {len(wrong)} of {count} arrays, the first "
            f"{faults.shown(min(wrong))}: what comes of it would mean nothing. Take "
            "another checkpoint."
        )
