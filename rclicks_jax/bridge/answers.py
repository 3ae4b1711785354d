"""What `predict` of an adapter returned, as the arrays that are sent back.

Every `ValueError` here goes on where "predict of FILE" left off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rclicks_jax.bridge import states

# Values that are looked at together: what a core keeps at hand, so that looking for NaN
# and comparing read the memory once.
_PIECE = 1 << 17
# How far a resized probability may lie beyond 0 and 1: cubic filters overshoot.
_OVERSHOOT = 0.25

# What every message about bad probabilities says.
NO_PROBABILITIES = "instead of probabilities"

# Makes an array of a shape and dtype.
Empty = Callable[["tuple[int, ...]", "np.dtype | type"], np.ndarray]
# What an adapter returned as masks: an array or a tensor of PyTorch, unless it errs.
Answer = Any


def pair_of(answer: object) -> tuple[Answer, states.State]:
    """Returns the masks and the state that `predict` returned.

    Raises:
        ValueError: It returned something else. An array of two masks is no pair.
    """
    if isinstance(answer, (tuple, list)) and len(answer) == 2:
        return answer[0], answer[1]
    raise ValueError(
        f"returned {_kind(answer)} instead of (masks, state): it ends with `return "
        "masks, state`, where state may be None"
    )


def arrays_of(
    answer: Answer, adapter: object, wanted: bool, empty: Empty = np.empty
) -> dict[str, np.ndarray]:
    """Returns masks, and probabilities if they are wanted.

    Args:
        answer: An array, or a tensor of PyTorch on any device: masks or, where the
            adapter has a `THRESHOLD`, probabilities or, where its `LOGITS` is true,
            logits.
        adapter: What answered.
        wanted: Whether probabilities are returned beside the masks.
        empty: Makes the array of masks that are cut on the host.

    Returns:
        `masks`, and `probabilities` of float32 where they are wanted and there are any.

    Raises:
        ValueError: There is a NaN, which no threshold could show; probabilities are
            none; or the threshold is none.
    """
    threshold = getattr(adapter, "THRESHOLD", None)
    if threshold is None:
        return {"masks": on_host(answer)}
    if (
        isinstance(threshold, bool)
        or not isinstance(threshold, (int, float))
        or not math.isfinite(threshold)
    ):
        raise ValueError(f"has a THRESHOLD of {threshold!r}: it must be a number")
    if not getattr(adapter, "LOGITS", False):
        arrays = {"masks": _above(answer, threshold, True, empty)}
        soft = on_host(answer) if wanted else None
        return arrays if soft is None else {**arrays, "probabilities": _single(soft)}
    if not 0 < threshold < 1:
        raise ValueError(
            f"has a THRESHOLD of {threshold} beside LOGITS: it must be a probability, "
            "between 0 and 1"
        )
    cut = math.log(threshold / (1 - threshold))
    arrays = {"masks": _above(answer, cut, False, empty)}
    if wanted:
        arrays["probabilities"] = _single(probabilities_of(answer))
    return arrays


def check_masks(masks: np.ndarray, count: int, shape: tuple[int, ...]) -> None:
    """Makes sure that masks can be scored.

    Args:
        masks: Any array.
        count: Trajectories.
        shape: Size of the image, `(h, w)`.

    Raises:
        ValueError: They are NaN, not bool, or of another shape.
    """
    if masks.dtype.kind == "f" and np.isnan(masks).any():
        raise ValueError("returned NaN instead of masks")
    if masks.dtype != bool:
        raise ValueError(
            f"returned {masks.dtype} instead of bool: it must apply its own threshold"
        )
    if masks.shape != (count, *shape):
        raise ValueError(
            f"returned masks of shape {masks.shape} instead of {(count, *shape)}: one "
            "for each trajectory, of the photograph's size"
        )


def with_clean_bytes(masks: np.ndarray) -> np.ndarray:
    """Returns masks, `bool[...]`, whose bytes are 0 and 1.

    A view of other bytes as bool has others, which are all true but count as more.
    """
    numbers = masks.view(np.uint8)
    return numbers != 0 if numbers.max(initial=0) > 1 else masks


def probabilities_of(logits: Answer) -> np.ndarray:
    """Returns the sigmoid of logits."""
    # By tanh, as an exponential could overflow.
    return 0.5 * (1 + np.tanh(0.5 * on_host(logits)))


def on_host(answer: Answer) -> np.ndarray:
    """Returns an array or tensor of any device as one of NumPy.

    Raises:
        ValueError: It is neither, nor can be made one.
    """
    if hasattr(answer, "detach"):
        answer = answer.detach().cpu().numpy()
    try:
        return np.asarray(answer)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            f"returned {_kind(answer)} that is no array: {error}"
        ) from error


def _single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32, copy=False)


def _above(
    answer: Answer, threshold: float, are_probabilities: bool, empty: Empty
) -> np.ndarray:
    """Returns `answer > threshold`, of what has no NaN."""
    if str(getattr(answer, "device", "cpu")) != "cpu":
        # On an accelerator, so that a quarter of the bytes has to come back.
        _check(answer.min(), answer.max(), are_probabilities)
        return on_host(answer > threshold)
    # By NumPy, which compares more than twice as fast as PyTorch.
    values = np.ascontiguousarray(on_host(answer))
    if values.dtype.kind not in "fiub":
        raise ValueError(
            f"returned {values.dtype} instead of numbers to compare with its THRESHOLD"
        )
    masks = empty(values.shape, bool)
    flat, above = values.reshape(-1), masks.reshape(-1)
    for start in range(0, values.size, _PIECE):
        piece = flat[start : start + _PIECE]
        _check(piece.min(), piece.max(), are_probabilities)
        np.greater(piece, threshold, out=above[start : start + _PIECE])
    return masks


def _check(smallest: Any, largest: Any, are_probabilities: bool) -> None:
    """Raises if there was a NaN, as the extremes of numbers with a NaN are NaN."""
    if bool(largest != largest):
        raise ValueError(f"returned NaN {NO_PROBABILITIES}")
    low, high = -_OVERSHOOT, 1 + _OVERSHOOT
    if are_probabilities and not (bool(smallest >= low) and bool(largest <= high)):
        raise ValueError(
            f"returned {smallest.dtype} from {float(smallest):.3g} to "
            f"{float(largest):.3g} {NO_PROBABILITIES}, which lie between 0 and 1: an "
            "adapter of logits has LOGITS = True and THRESHOLD = 0.5"
        )


def _kind(answer: object) -> str:
    """Names what came, in a few words."""
    kind = type(answer).__name__
    if isinstance(answer, (tuple, list)):
        return f"a {kind} of {len(answer)}"
    shape = getattr(answer, "shape", None)
    if isinstance(shape, tuple):
        return f"an array of shape {tuple(shape)}"
    return "None" if answer is None else f"a value of type {kind}"
