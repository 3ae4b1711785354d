"""Which wrong region of each prediction is deeper, and where its deepest pixel is.

This is the longest part of a round on the host. It is a function of bits, so that a
process of a pool can answer it. Such a process imports what this module imports, and no
JAX.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.bridge import pool_process, wire
from rclicks_jax.clicks import error_masks
from rclicks_jax.clicks.error_masks import NextClick
from rclicks_jax.ops import depth
from rclicks_jax.ops.bit_masks import BitMask


class Query(NamedTuple):
    """Predictions of one object, each to be mended by a click.

    Attributes:
        gt_mask: The target.
        counted_mask: Pixels that count; None for all.
        pred_masks: The predictions.
        clicked_yx: Pixels that were clicked so far in each, `i32[n 2]`.
        is_baseline: Whether the click is that of the baseline; else it is at (0, 0).
    """

    gt_mask: BitMask
    counted_mask: BitMask | None
    pred_masks: Sequence[BitMask]
    clicked_yx: Sequence[np.ndarray]
    is_baseline: Sequence[bool]


def regions_to_mend(query: Query) -> list[NextClick]:
    """Returns the regions that baseline clicks mend, of several predictions.

    People of a clicking group mend the same region, and click elsewhere in it: where
    the baseline would click need not be known.
    """
    errors = [
        error_masks.find(query.gt_mask, pred_mask, query.counted_mask)
        for pred_mask in query.pred_masks
    ]
    contests = map(depth.Contest, errors, query.clicked_yx, query.is_baseline)
    return [
        NextClick(*winner.yx, winner.number == 0, wrong[winner.number])
        for wrong, winner in zip(errors, depth.winners(list(contests)), strict=True)
    ]


def to_frame(query: Query, empty: pool_process.Empty) -> pool_process.Frame:
    """Returns a query as a frame."""
    counted = [] if query.counted_mask is None else [query.counted_mask]
    header = {
        "shape": query.gt_mask.shape,
        "counted": bool(counted),
        "baseline": list(map(bool, query.is_baseline)),
        "clicks": list(map(len, query.clicked_yx)),
    }
    masks = [query.gt_mask, *counted, *query.pred_masks]
    clicked_yx = np.concatenate(query.clicked_yx)
    return header, {"bits": _stacked(masks, empty), "clicked_yx": clicked_yx}


def answer(
    header: wire.Header, arrays: wire.Arrays, empty: pool_process.Empty
) -> pool_process.Frame:
    """Answers a query, in a process of a pool."""
    shape = (header["shape"][0], header["shape"][1])
    gt_mask, *pred_masks = _masks(arrays["bits"], shape)
    ends = itertools.accumulate(header["clicks"])
    query = Query(
        gt_mask,
        pred_masks.pop(0) if header["counted"] else None,
        pred_masks,
        np.split(arrays["clicked_yx"], list(ends)[:-1]),
        header["baseline"],
    )
    clicks = regions_to_mend(query)
    regions = _stacked([click.error_mask for click in clicks], empty)
    return {"clicks": [click[:3] for click in clicks]}, {"regions": regions}


def of_answer(
    query: Query, header: wire.Header, arrays: wire.Arrays
) -> list[NextClick]:
    """Returns what `regions_to_mend` does, from the answer of a process."""
    regions = _masks(arrays["regions"], query.gt_mask.shape)
    return [
        NextClick(y, x, positive, region)
        for (y, x, positive), region in zip(header["clicks"], regions, strict=True)
    ]


def _stacked(masks: Sequence[BitMask], empty: pool_process.Empty) -> np.ndarray:
    """Returns the bits of masks as an array for a frame, `i64[n H W/64]`."""
    stacked = empty((len(masks), *masks[0].bits.shape), np.dtype("<i8"))
    np.stack([mask.bits for mask in masks], out=stacked.view("<u8"))
    return stacked


def _masks(stacked: np.ndarray, shape: tuple[int, int]) -> list[BitMask]:
    return [BitMask(bits, shape) for bits in stacked.view("<u8")]
