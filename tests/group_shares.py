"""The definition of clicking groups: the probability of each pixel."""

import numpy as np

from rclicks_jax.clicks import groups


def shares(levels, group, cut):
    """Returns the probability of each pixel of a group, `f64[h w]`.

    Args:
        levels: The map in levels, with mass, `u16[h w]`.
        group: 1..10 or `groups.WHOLE`.
        cut: `value` or `mass`.
    """
    order = np.argsort(levels, axis=None, kind="stable")
    weights = levels.ravel()[order].astype(np.int64)
    after = weights.cumsum()
    before, total = after - weights, int(after[-1])
    if group == groups.WHOLE:
        kept = weights
    elif cut == "mass":
        start, stop = (-(-total * tenth // 10) for tenth in (group - 1, group))
        kept = np.clip(np.minimum(after, stop) - np.maximum(before, start), 0, None)
    else:
        first = np.flatnonzero(10 * after >= max((group - 1) * total, 1))[0]
        beyond = np.flatnonzero(10 * after > group * total)
        last = beyond[0] if beyond.size else weights.size - 1
        inside = (weights >= weights[first]) & (weights <= weights[last])
        kept = np.where(inside, weights, 0)
    found = np.zeros(levels.size)
    found[order] = kept / kept.sum()
    return found.reshape(levels.shape)


def total_variation(first, second):
    """Returns the total variation of two distributions."""
    return float(0.5 * np.abs(first - second).sum())
