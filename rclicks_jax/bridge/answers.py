"""What `predict` of an adapter returned, as the arrays that are sent back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# Values that are looked at together: what a core keeps at hand, so that looking for NaN
# and comparing read the memory once.
_PIECE = 1 << 17


def arrays_of(answer: Any, adapter: Any, wanted: bool) -> dict[str, np.ndarray]:
    """Returns masks, and probabilities if they are wanted.

    Args:
        answer: An array, or a tensor of PyTorch on any device: masks or, where the
            adapter has a `THRESHOLD`, probabilities or, where its `LOGITS` is true,
            logits.
        adapter: What answered.
        wanted: Whether probabilities are returned beside the masks.

    Raises:
        ValueError: There is a NaN, which no threshold could show.
    """
    threshold = getattr(adapter, "THRESHOLD", None)
    if threshold is None:
        return {"masks": on_host(answer)}
    if not getattr(adapter, "LOGITS", False):
        arrays = {"masks": _above(answer, threshold)}
        return {**arrays, "probabilities": on_host(answer)} if wanted else arrays
    arrays = {"masks": _above(answer, math.log(threshold / (1 - threshold)))}
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


def _above(answer: Any, threshold: float) -> np.ndarray:
    """Returns `answer > threshold`, of what has no NaN."""
    if str(getattr(answer, "device", "cpu")) != "cpu":
        # On an accelerator, so that a quarter of the bytes has to come back.
        _check(answer.max())
        return on_host(answer > threshold)
    # By NumPy, which compares more than twice as fast as PyTorch.
    values = np.ascontiguousarray(on_host(answer))
    flat, masks = values.reshape(-1), np.empty(values.size, bool)
    for start in range(0, values.size, _PIECE):
        piece = flat[start : start + _PIECE]
        _check(piece.max())
        np.greater(piece, threshold, out=masks[start : start + _PIECE])
    return masks.reshape(values.shape)


def _check(largest: Any) -> None:
    """Raises if there was a NaN: the largest of numbers with a NaN is NaN."""
    if bool(largest != largest):
        raise ValueError("predict returned NaN instead of probabilities")
