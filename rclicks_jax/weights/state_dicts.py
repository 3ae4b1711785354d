"""State dicts of PyTorch, found in checkpoints."""

from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

import numpy as np

from rclicks_jax import errors

# Arrays, and their shapes, by PyTorch's names.
State = Mapping[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]
T = TypeVar("T")
_MOST_SHOWN = 5


def state_dict(saved: object) -> dict[str, np.ndarray]:
    """Finds the state dict in what a checkpoint holds.

    It may lie under `state_dict` or `model`, and all its keys may start with `module.`,
    as `DataParallel` leaves them.

    Args:
        saved: Content of a checkpoint, as `torch_files.read` returns it.

    Raises:
        DataError: It holds something else than tensors; the message names it.
    """
    for wrapper in ("state_dict", "model"):
        inner = _as_dict(saved).get(wrapper)
        if isinstance(inner, dict):
            saved = cast(object, inner)
    values = _as_dict(saved)
    if not values:
        raise errors.DataError(
            f"The checkpoint holds a {type(saved).__name__} of no tensors instead of a "
            "state dict."
        )
    others = [
        str(name)
        for name, value in values.items()
        if not isinstance(name, str) or not isinstance(value, np.ndarray)
    ]
    if others:
        raise errors.DataError(
            f"The checkpoint is no state dict, nor has one under `state_dict` or "
            f"`model`: no tensors are {listed(others)}."
        )
    state = cast(dict[str, np.ndarray], values)
    wrapped = all(name.startswith("module.") for name in state)
    return without_prefix(state, "module.") if wrapped else dict(state)


def _as_dict(saved: object) -> dict[object, object]:
    """Returns what was saved if it is a dictionary, and an empty one if it is not."""
    return cast(dict[object, object], saved) if isinstance(saved, dict) else {}


def without_prefix(values: Mapping[str, T], prefix: str) -> dict[str, T]:
    """Returns the same values; keys that start with `prefix` lose it."""
    return {key.removeprefix(prefix): value for key, value in values.items()}


def listed(keys: Iterable[str]) -> str:
    """Returns how many keys there are, and the first of them."""
    names = sorted(keys)
    more = ", ..." if len(names) > _MOST_SHOWN else ""
    return f"{len(names)}: {', '.join(names[:_MOST_SHOWN])}{more}"
