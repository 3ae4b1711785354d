"""Turns what an adapter's `predict` returned into the arrays that are sent back.

The message of every `ValueError` here continues a sentence that begins with "predict of
FILE".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rclicks_jax.bridge import states

# Values that are handled together. They fit into the cache of a core, so the search for
# NaN and the comparison read the memory once.
_PIECE = 1 << 17
# How far a resized probability may lie beyond 0 and 1: cubic filters overshoot.
_OVERSHOOT = 0.25

# What every message about bad probabilities says.
NO_PROBABILITIES = "instead of probabilities"

# Makes an array of a shape and dtype.
Empty = Callable[["tuple[int, ...]", "np.dtype | type"], np.ndarray]
# What an adapter returned as masks. It should be an array or a tensor of PyTorch.
Answer = Any


def pair_of(answer: object) -> tuple[Answer, states.State]:
    """Returns the masks and the state that `predict` returned.

    Raises:
        ValueError: It returned something else. An array of two masks is not a pair.
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
        answer: An array, or a tensor of PyTorch on any device. It holds masks. If the
            adapter has a `THRESHOLD`, it holds probabilities; if `LOGITS` is true as
            well, logits.
        adapter: The adapter that answered.
        wanted: Whether probabilities are returned beside the masks.
        empty: Makes the array of masks that are cut on the host.

    Returns:
        `masks`; and `probabilities`, float32, if they are wanted and the adapter has
        them.

    Raises:
        ValueError: There is a NaN, which a threshold would hide; values that should be
            probabilities are far outside 0..1; or the threshold is not a usable number.
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
        ValueError: They have a NaN, are not bool, or have another shape.
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

    An adapter may have viewed other bytes as bool. Such bytes are true, but they are
    larger than 1 in a sum.
    """
    numbers = masks.view(np.uint8)
    return numbers != 0 if numbers.max(initial=0) > 1 else masks


def probabilities_of(logits: Answer) -> np.ndarray:
    """Returns the sigmoid of logits."""
    # By tanh, because an exponential could overflow.
    return 0.5 * (1 + np.tanh(0.5 * on_host(logits)))


def on_host(answer: Answer) -> np.ndarray:
    """Returns an array, or a tensor of any device, as an array of NumPy.

    Raises:
        ValueError: NumPy cannot make an array of it.
    """
    if hasattr(answer, "detach"):
        answer = answer.detach().cpu().numpy()
    try:
        return np.asarray(answer)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            f"returned {_kind(answer)} that is not an array: {error}"
        ) from error


def _single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32, copy=False)


def _above(
    answer: Answer, threshold: float, are_probabilities: bool, empty: Empty
) -> np.ndarray:
    """Returns `answer > threshold`; raises if the answer has a NaN."""
    if str(getattr(answer, "device", "cpu")) != "cpu":
        # Compared on the accelerator, so that a quarter of the bytes comes back.
        _check(answer.min(), answer.max(), are_probabilities)
        return on_host(answer > threshold)
    # Compared by NumPy, which is more than twice as fast as PyTorch.
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
    """Raises if there is a NaN, which makes both extremes NaN, or a bad range."""
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
    """Describes an answer in a few words."""
    kind = type(answer).__name__
    if isinstance(answer, (tuple, list)):
        return f"a {kind} of {len(answer)}"
    shape = getattr(answer, "shape", None)
    if isinstance(shape, tuple):
        return f"an array of shape {tuple(shape)}"
    return "None" if answer is None else f"a value of type {kind}"
