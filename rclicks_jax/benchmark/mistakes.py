"""What is wrong with answers of a segmenter: how much, and which region a click mends.

This is the longest part of a round on the host. It is a function of bits, so that a
process of a pool can answer it. Such a process imports what this module imports, and no
JAX.
"""

import enum
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.benchmark import scoring
from rclicks_jax.bridge import pool_process, wire
from rclicks_jax.clicks import error_masks
from rclicks_jax.clicks.error_masks import NextClick
from rclicks_jax.metrics import interaction
from rclicks_jax.ops import bit_masks, depth
from rclicks_jax.ops.bit_masks import BitMask

# Words of masks in frames.
_INTEGERS = np.dtype("<i8")


class Wanted(enum.IntEnum):
    """What is wanted of a prediction besides its areas.

    Attributes:
        NOTHING: No click.
        REGION: The region that the next click mends; the click is at (0, 0).
        CLICK: The click of the baseline.
    """

    NOTHING = 0
    REGION = 1
    CLICK = 2


class Query(NamedTuple):
    """Predictions of one object.

    Attributes:
        target: The object.
        pred_bits: Bits of the predictions, `u64[t H W/64]`.
        clicked_yx: Pixels that were clicked so far in each, `i32[t k 2]`.
        wanted: What is wanted of each.
        stop_at: IoU in percent from which on no click is wanted; 0 for none.
    """

    target: scoring.Target
    pred_bits: np.ndarray
    clicked_yx: np.ndarray
    wanted: Sequence[Wanted]
    stop_at: int = 0


class Mend(NamedTuple):
    """The next click on a prediction.

    Attributes:
        click: The click.
        is_wrong: Whether its region has a pixel.
    """

    click: NextClick
    is_wrong: bool


class Mistakes(NamedTuple):
    """The answer to a query.

    Attributes:
        areas: Intersection and union of masks, then of boundary bands, `i64[t 4]`.
        mends: The next click on each prediction of which one is wanted.
        score_seconds: Seconds that areas took.
    """

    areas: np.ndarray
    mends: Mapping[int, Mend]
    score_seconds: float


def find(query: Query, count: scoring.Counter = scoring.areas) -> Mistakes:
    """Answers a query.

    People of a clicking group mend the same region as the baseline, and click elsewhere
    in it: where the baseline would click need not be known.

    Args:
        query: The query.
        count: Counts areas.
    """
    start = time.perf_counter()
    target, shape = query.target, query.target.gt_mask.shape
    errors = error_masks.find_all(target.gt_mask, query.pred_bits, target.counted_mask)
    error_areas = bit_masks.count(errors)
    areas = count(target, query.pred_bits, error_areas)
    seconds = time.perf_counter() - start
    wanted = np.array(query.wanted, bool)
    if query.stop_at:
        wanted &= ~interaction.reached(areas[:, 0], areas[:, 1], query.stop_at)
    places = np.flatnonzero(wanted).tolist()
    contests = [
        depth.Contest(
            error_masks.of_bits(errors[place], shape),
            error_areas[place],
            query.clicked_yx[place],
            query.wanted[place] == Wanted.CLICK,
        )
        for place in places
    ]
    winners = depth.winners(contests) if contests else []
    mends: dict[int, Mend] = {}
    for place, contest, winner in zip(places, contests, winners, strict=True):
        number = winner.number
        click = NextClick(*winner.yx, number == 0, contest.masks[number])
        mends[place] = Mend(click, bool(contest.areas[number]))
    return Mistakes(areas, mends, seconds)


def areas(
    target: scoring.Target,
    pred_bits: np.ndarray,
    count: scoring.Counter = scoring.areas,
) -> np.ndarray:
    """Counts areas of predictions on which no click follows, `i64[t 4]`.

    Args:
        target: The object.
        pred_bits: Bits of the predictions, `u64[t H W/64]`.
        count: Counts areas.
    """
    errors = error_masks.find_all(target.gt_mask, pred_bits, target.counted_mask)
    return count(target, pred_bits, bit_masks.count(errors))


def to_frame(query: Query, empty: pool_process.Empty) -> pool_process.Frame:
    """Returns a query as a frame."""
    target = query.target
    once = [target.gt_mask, target.band]
    if target.counted_mask is not None:
        once.append(target.counted_mask)
    bits = empty((len(once) + len(query.pred_bits), *once[0].bits.shape), _INTEGERS)
    for into, mask in zip(bits, once, strict=False):
        into[:] = mask.bits.view(_INTEGERS)
    bits[len(once) :] = query.pred_bits.view(_INTEGERS)
    header = {
        "shape": target.gt_mask.shape,
        "once": len(once),
        "target": [target.band_width, target.area, target.band_area],
        "wanted": list(map(int, query.wanted)),
        "stop_at": query.stop_at,
    }
    return header, {"bits": bits, "clicked_yx": query.clicked_yx}


def answer(
    header: wire.Header, arrays: wire.Arrays, empty: pool_process.Empty
) -> pool_process.Frame:
    """Answers a query, in a process of a pool."""
    shape = (header["shape"][0], header["shape"][1])
    bits = arrays["bits"].view("<u8")
    gt_mask, band, *counted = (BitMask(each, shape) for each in bits[: header["once"]])
    target = scoring.Target(
        gt_mask, counted[0] if counted else None, band, *header["target"]
    )
    found = find(
        Query(
            target,
            bits[header["once"] :],
            arrays["clicked_yx"],
            header["wanted"],
            header["stop_at"],
        )
    )
    mends = found.mends
    regions = empty((len(mends), *gt_mask.bits.shape), _INTEGERS)
    for into, mend in zip(regions, mends.values(), strict=True):
        into[:] = mend.click.error_mask.bits.view(_INTEGERS)
    clicks = [(place, *mend.click[:3], mend.is_wrong) for place, mend in mends.items()]
    return {"score_seconds": found.score_seconds}, {
        "areas": found.areas,
        "clicks": np.array(clicks, np.int64).reshape(-1, 5),
        "regions": regions,
    }


def of_answer(query: Query, header: wire.Header, arrays: wire.Arrays) -> Mistakes:
    """Returns what `find` does, from the answer of a process."""
    shape = query.target.gt_mask.shape
    regions = arrays["regions"].view("<u8")
    mends = {
        place: Mend(
            NextClick(y, x, bool(positive), BitMask(region, shape)), bool(is_wrong)
        )
        for (place, y, x, positive, is_wrong), region in zip(
            arrays["clicks"].tolist(), regions, strict=True
        )
    }
    return Mistakes(arrays["areas"], mends, header["score_seconds"])
