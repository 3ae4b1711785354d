"""Chooses the crops that RITM and its descendants zoom to.

Boxes are `(top, bottom, left, right)` in pixels, all included.

Source: emb-ai/rclicks, isegm/isegm/inference/transforms/zoom_in.py, zoom_in_gpcis.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Box = tuple[int, int, int, int]


class Rule(NamedTuple):
    """How a crop is chosen.

    Attributes:
        whole_first: Whether the first click sees the photograph at its own size. If
            not, the whole photograph is the first crop and is resized like a crop.
        least: Shortest side of a crop in pixels.
        threshold: Probability above which a pixel belongs to the object.
        keeps: Whether a crop is kept while it fits; if not, each click has a new one.
        expansion: Factor by which the box around the object grows.
        worst_iou: Product of the overlaps in height and width that a kept crop needs.
    """

    whole_first: bool
    least: int = 200
    threshold: float = 0.5
    keeps: bool = True
    expansion: float = 1.4
    worst_iou: float = 0.5


def choose(
    rule: Rule | None,
    box: Box | None,
    yx: np.ndarray,
    positive: np.ndarray,
    old: Box | None,
    whole: Box,
) -> tuple[Box | None, bool]:
    """Chooses the crop of a click.

    Args:
        rule: How crops are chosen; None for no crops.
        box: Box around the object in the last answer; None if the answer is empty.
        yx: All clicks so far, `[k 2]`.
        positive: Which clicks are on the object, `bool[k]`.
        old: The crop of the click before; None if there was none.
        whole: The box of the whole photograph.

    Returns:
        The crop to keep, and whether this pass sees the crop (if not, it sees the whole
        photograph).
    """
    if rule is None or (rule.whole_first and (box is None or len(yx) <= 1)):
        return old, False
    on_object = yx[positive].astype(int)
    fresh = whole if box is None else _around(rule, box, on_object, whole)
    fits = (
        rule.keeps
        and old is not None
        and _holds(old, on_object)
        and _overlap(fresh, old) >= rule.worst_iou
    )
    return (old if fits else fresh), True


def points_in(seen: Box, target: tuple[int, int], yx: np.ndarray) -> np.ndarray:
    """Returns clicks in pixels of a crop that is resized, rounded as in the original.

    Args:
        seen: The crop.
        target: Height and width that it is resized to.
        yx: Clicks in pixels of the photograph, `f64[k 2]`.
    """
    size = (seen[1] - seen[0] + 1, seen[3] - seen[2] + 1)
    return np.array(target) * (yx - [seen[0], seen[2]]) / np.array(size)


def _around(rule: Rule, box: Box, on_object: np.ndarray, whole: Box) -> Box:
    """Returns the crop around a box and the clicks on the object."""
    ends = []
    for axis in (0, 1):
        low = min([box[2 * axis], *on_object[:, axis].tolist()])
        high = max([box[2 * axis + 1], *on_object[:, axis].tolist()])
        centre = 0.5 * (low + high)
        length = max(rule.expansion * (high - low + 1), rule.least)
        ends += [
            max(whole[2 * axis], round(centre - 0.5 * length)),
            min(whole[2 * axis + 1], round(centre + 0.5 * length)),
        ]
    return (ends[0], ends[1], ends[2], ends[3])


def _holds(crop: Box, on_object: np.ndarray) -> bool:
    """Tells whether a crop, without its last row and column, has all given clicks."""
    top, bottom, left, right = crop
    y, x = on_object[:, 0], on_object[:, 1]
    return bool(np.all((y >= top) & (y < bottom) & (x >= left) & (x < right)))


def _overlap(box: Box, other: Box) -> float:
    shares = []
    for axis in (0, 2):
        low, high = zip(box[axis : axis + 2], other[axis : axis + 2])  # noqa: B905
        common = max(0, min(high) - max(low) + 1)
        shares.append(common / (max(high) - min(low) + 1))
    return shares[0] * shares[1]
