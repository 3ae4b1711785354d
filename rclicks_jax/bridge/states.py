"""The state that an adapter keeps: nested arrays with a row for each trajectory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

# None, or nested tuples, lists and dicts of arrays with a row for each trajectory. An
# adapter is free to choose among these.
State = Any

_ALLOWED = (
    "a state is None, or nested tuples, lists and dicts of arrays with a row for each "
    "trajectory"
)


def take(state: State, count: int, rows: np.ndarray) -> State:
    """Keeps some rows of every array of a state.

    Args:
        state: The state that `predict` returned beside the masks.
        count: Number of trajectories that the state is for.
        rows: Indices of the trajectories that go on.

    Raises:
        ValueError: A part of the state has not one row for each trajectory, so its rows
            cannot be assigned to trajectories.
    """
    for place, leaf in _leaves(state, "state"):
        shape = getattr(leaf, "shape", None)
        if not shape or shape[0] != count:
            kind = f"is of type {type(leaf).__name__}"
            what = kind if shape is None else f"has shape {tuple(shape)}"
            raise ValueError(
                f"returned a state for {count} trajectories, of which {len(rows)} go "
                f"on, but {place} {what}: {_ALLOWED}"
            )
    return _rows_of(state, rows)


def _rows_of(state: State, rows: np.ndarray) -> State:
    if state is None:
        return None
    if isinstance(state, dict):
        return {key: _rows_of(value, rows) for key, value in state.items()}
    if isinstance(state, tuple) and hasattr(state, "_fields"):
        return type(state)(*(_rows_of(value, rows) for value in state))
    if isinstance(state, (list, tuple)):
        return type(state)(_rows_of(value, rows) for value in state)
    return state[rows]


def _leaves(state: State, place: str) -> Iterator[tuple[str, object]]:
    """Yields each value that is not a container, after the expression that reads it."""
    if isinstance(state, dict):
        for key, value in state.items():
            yield from _leaves(value, f"{place}[{key!r}]")
    elif isinstance(state, (list, tuple)):
        for index, value in enumerate(state):
            yield from _leaves(value, f"{place}[{index}]")
    elif state is not None:
        yield place, state
