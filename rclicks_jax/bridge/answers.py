"""What `predict` of an adapter returned, as the arrays that are sent back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

# Values that are looked at together: what a core keeps at hand, so that looking for NaN
# and comparing read the memory once.
_PIECE = 1 << 17

# Makes an array of a shape and dtype.
Empty = Callable[["tuple[int, ...]", Any], np.ndarray]


def arrays_of(
    answer: Any, adapter: Any, wanted: bool, empty: Empty = np.empty
) -> dict[str, np.ndarray]:
    """Returns masks, and probabilities if they are wanted.

    Args:
        answer: An array, or a tensor of PyTorch on any device: masks or, where the
            adapter has a `THRESHOLD`, probabilities or, where its `LOGITS` is true,
            logits.
        adapter: What answered.
        wanted: Whether probabilities are returned beside the masks.
        empty: Makes the array of masks that are cut on the host.

    Raises:
        ValueError: There is a NaN, which no threshold could show, or the threshold of
            logits is no probability.
    """
    threshold = getattr(adapter, "THRESHOLD", None)
    if threshold is None:
        return {"masks": on_host(answer)}
    if not getattr(adapter, "LOGITS", False):
        arrays = {"masks": _above(answer, threshold, empty)}
        return {**arrays, "probabilities": on_host(answer)} if wanted else arrays
    if not 0 < threshold < 1:
        raise ValueError(f"THRESHOLD of LOGITS is a probability, not {threshold}")
    arrays = {"masks": _above(answer, math.log(threshold / (1 - threshold)), empty)}
    return {**arrays, "probabilities": probabilities_of(answer)} if wanted else arrays


def probabilities_of(logits: Any) -> np.ndarray:
    """Returns the sigmoid of logits."""
    # By tanh, as an exponential could overflow.
    return 0.5 * (1 + np.tanh(0.5 * on_host(logits)))


def on_host(answer: Any) -> np.ndarray:
    """Returns an array or tensor of any device as one of NumPy."""
    if hasattr(answer, "detach"):
        answer = answer.detach().cpu().numpy()
    return np.asarray(answer)


def _above(answer: Any, threshold: float, empty: Empty) -> np.ndarray:
    """Returns `answer > threshold`, of what has no NaN."""
    if str(getattr(answer, "device", "cpu")) != "cpu":
        # On an accelerator, so that a quarter of the bytes has to come back.
        _check(answer.max())
        return on_host(answer > threshold)
    # By NumPy, which compares more than twice as fast as PyTorch.
    values = np.ascontiguousarray(on_host(answer))
    masks = empty(values.shape, bool)
    flat, above = values.reshape(-1), masks.reshape(-1)
    for start in range(0, values.size, _PIECE):
        piece = flat[start : start + _PIECE]
        _check(piece.max())
        np.greater(piece, threshold, out=above[start : start + _PIECE])
    return masks


def _check(largest: Any) -> None:
    """Raises if there was a NaN: the largest of numbers with a NaN is NaN."""
    if bool(largest != largest):
        raise ValueError("predict returned NaN instead of probabilities")
