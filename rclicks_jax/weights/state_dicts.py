"""State dicts of PyTorch: where a checkpoint has one."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from rclicks_jax import errors

State = Mapping[str, np.ndarray]


Shapes = Mapping[str, tuple[int, ...]]


_MOST_SHOWN = 5


def state_dict(saved: Any) -> dict[str, np.ndarray]:
    """Finds the state dict in what a checkpoint holds.

    It may lie under `state_dict` or `model`, and all its keys may start with `module.`,
    as `DataParallel` leaves them.

    Args:
        saved: What `torch_files.read` returned.

    Raises:
        DataError: There is something else than tensors; names it.
    """
    for wrapper in ("state_dict", "model"):
        if isinstance(saved, dict) and isinstance(saved.get(wrapper), dict):
            saved = saved[wrapper]
    if not isinstance(saved, dict) or not saved:
        raise errors.DataError(
            f"The checkpoint holds a {type(saved).__name__} of no tensors instead of a "
            "state dict."
        )
    others = [
        str(name)
        for name, value in saved.items()
        if not isinstance(name, str) or not isinstance(value, np.ndarray)
    ]
    if others:
        raise errors.DataError(
            f"The checkpoint is no state dict, nor has one under `state_dict` or "
            f"`model`: no tensors are {listed(others)}."
        )
    wrapped = all(name.startswith("module.") for name in saved)
    return without_prefix(saved, "module.") if wrapped else dict(saved)


def without_prefix(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Returns the same values; keys that start with `prefix` lose it."""
    return {key.removeprefix(prefix): value for key, value in values.items()}


def listed(keys: Iterable[str]) -> str:
    """Returns how many keys there are, and the first of them."""
    names = sorted(keys)
    more = ", ..." if len(names) > _MOST_SHOWN else ""
    return f"{len(names)}: {', '.join(names[:_MOST_SHOWN])}{more}"
