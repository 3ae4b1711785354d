"""Which wrong region of each prediction is deeper, and where its deepest pixel is.

This is the longest part of a round on the host. It is a function of bits, so that a
process of a pool can answer it. Such a process imports what this module imports, and no
JAX.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.bridge import wire
from rclicks_jax.clicks import error_masks
from rclicks_jax.ops import depth
from rclicks_jax.ops.bit_masks import BitMask


class Query(NamedTuple):
    """Predictions of one object, each to be mended by a click.

    Attributes:
        gt_mask: The target.
        counted_mask: Pixels that count; None for all.
        pred_masks: The predictions.
        clicked_yx: Pixels that were clicked so far in each, `i32[n 2]`.
        is_baseline: Whether the click is that of the baseline; else only the region is
            looked for.
    """

    gt_mask: BitMask
    counted_mask: BitMask | None
    pred_masks: Sequence[BitMask]
    clicked_yx: Sequence[np.ndarray]
    is_baseline: Sequence[bool]


def winners(query: Query) -> list[depth.Winner]:
    """Returns for each prediction which kind of `error_masks.Errors` is deeper."""
    contests = [
        depth.Contest(
            error_masks.find(query.gt_mask, pred_mask, query.counted_mask), *rest
        )
        for pred_mask, *rest in zip(
            query.pred_masks, query.clicked_yx, query.is_baseline, strict=True
        )
    ]
    return depth.winners(contests)


def to_frame(query: Query) -> tuple[wire.Header, wire.Arrays]:
    """Returns a query as a frame."""
    counted = [] if query.counted_mask is None else [query.counted_mask]
    masks = [query.gt_mask, *counted, *query.pred_masks]
    header = {
        "shape": query.gt_mask.shape,
        "counted": bool(counted),
        "baseline": list(map(bool, query.is_baseline)),
        "clicks": list(map(len, query.clicked_yx)),
    }
    bits = np.stack([mask.bits for mask in masks])
    clicked_yx = np.concatenate(query.clicked_yx)
    return header, {"bits": bits.view("<i8"), "clicked_yx": clicked_yx}


def of_frame(header: wire.Header, arrays: wire.Arrays) -> Query:
    """Returns the query that a frame was made of."""
    shape = (header["shape"][0], header["shape"][1])
    masks = [BitMask(bits, shape) for bits in arrays["bits"].view("<u8")]
    ends = itertools.accumulate(header["clicks"])
    clicked_yx = np.split(arrays["clicked_yx"], list(ends)[:-1])
    gt_mask, *pred_masks = masks
    counted_mask = pred_masks.pop(0) if header["counted"] else None
    return Query(gt_mask, counted_mask, pred_masks, clicked_yx, header["baseline"])


def answer(header: wire.Header, arrays: wire.Arrays) -> tuple[wire.Header, wire.Arrays]:
    """Answers a query, in a process of a pool."""
    found = winners(of_frame(header, arrays))
    return {"winners": [[each.number, *each.yx] for each in found]}, {}


def from_frame(header: wire.Header) -> list[depth.Winner]:
    """Returns the answer that a frame has."""
    return [depth.Winner(number, (y, x)) for number, y, x in header["winners"]]
