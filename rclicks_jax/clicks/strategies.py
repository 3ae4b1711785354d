"""Strategies of robots for the next click.

Source: emb-ai/rclicks, isegm/isegm/inference/clicker.py, `Clicker`; further robots name
theirs.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from rclicks_jax.clicks import error_masks, sampling
from rclicks_jax.clicks.error_masks import NextClick as NextClick
from rclicks_jax.ops import bit_masks, depth, masks
from rclicks_jax.ops.bit_masks import BitMask

BASELINE, GROUP = "baseline", "group"
# A person's first click, one from a click map, and all clicks of a person.
USER, SAMPLED_USER, USER_TRAJECTORY = "user", "sampled_user", "user_trajectory"


def baseline_click(errors: error_masks.Errors, clicked_yx: np.ndarray) -> NextClick:
    """Clicks the pixel deepest inside the wrong region, missed or falsely taken.

    If both kinds are equally deep, false foreground is clicked; of equally deep pixels,
    the first in row-major order. If nothing is wrong, or every wrong pixel was clicked,
    the click is negative at (0, 0), as in the original.

    Args:
        errors: The wrong pixels.
        clicked_yx: Pixels that were clicked so far, `i32[n 2]`.
    """
    winner = _winner(errors, clicked_yx)
    return NextClick(*winner.yx, winner.number == 0, errors[winner.number])


def deepest(click: NextClick, clicked_yx: np.ndarray) -> NextClick:
    """Returns a click on the deepest pixel of the same region.

    Args:
        click: A click in the region.
        clicked_yx: Pixels that were clicked so far, `i32[n 2]`.
    """
    winner = _winner([click.error_mask], clicked_yx)
    return click._replace(y=winner.yx[0], x=winner.yx[1])


def largest_component_click(
    errors: error_masks.Errors, clicked_yx: np.ndarray, bits: int
) -> NextClick:
    """Clicks the pixel deepest inside the largest connected wrong region.

    Evaluations that clean up one region at a time have this rule. Of equally large
    regions, missed target is clicked. Pixels are connected at edges and corners.

    Args:
        errors: The wrong pixels.
        clicked_yx: Pixels that were clicked so far, `i32[n 2]`.
        bits: Not used, since nothing is drawn.
    """
    del bits
    missed, false = (_largest(_free(mask, clicked_yx)) for mask in errors)
    positive = bool(np.count_nonzero(missed) >= np.count_nonzero(false))
    region = bit_masks.pack(missed if positive else false)
    if not region.any():
        return _nothing_left(errors)
    return deepest(NextClick(0, 0, positive, region), clicked_yx)


def random_click(
    errors: error_masks.Errors, clicked_yx: np.ndarray, bits: int
) -> NextClick:
    """Clicks a wrong pixel that was not clicked; all have the same probability.

    Args:
        errors: The wrong pixels.
        clicked_yx: Pixels that were clicked so far, `i32[n 2]`.
        bits: A random integer, `u64`.
    """
    missed, false = (_free(mask, clicked_yx) for mask in errors)
    click = _weighted_pixel((missed | false).astype(np.float64), bits)
    if click is None:
        return _nothing_left(errors)
    y, x = click
    positive = bool(missed[y, x])
    return NextClick(y, x, positive, errors[0 if positive else 1])


def deepgrow_click(
    errors: error_masks.Errors, clicked_yx: np.ndarray, bits: int
) -> NextClick:
    """Clicks a wrong pixel with a probability in proportion to exp(depth) - 1.

    Depth is the chessboard distance to a pixel that is not wrong in the same way. The
    kind with more pixels is clicked; if both have the same number, missed target.

    Source: Sakinis et al. 2019, arXiv 1903.08205 (DeepGrow), as MONAI's
    `AddRandomGuidanced` has it.

    Args:
        errors: The wrong pixels.
        clicked_yx: Pixels that were clicked so far, `i32[n 2]`.
        bits: A random integer, `u64`.
    """
    missed, false = (bit_masks.count(mask.bits) for mask in errors)
    positive = bool(missed >= false)
    region = errors[0 if positive else 1]
    padded = masks.padded(region.unpack())
    depths = cv2.distanceTransform(padded, cv2.DIST_C, 3)[1:-1, 1:-1]
    depths = np.where(_free(region, clicked_yx), depths, 0).astype(np.float64)
    # Depths are taken relative to the deepest, so that large objects do not overflow.
    most = depths.max(initial=0)
    click = _weighted_pixel(np.exp(depths - most) - np.exp(-most), bits)
    if click is None:
        return _nothing_left(errors)
    return NextClick(*click, positive, region)


class Robot(NamedTuple):
    """A further robot.

    Attributes:
        stream: Number of its stream of random draws; groups have 1..10.
        click: Function that chooses the next click.
    """

    stream: int
    click: Callable[[error_masks.Errors, np.ndarray, int], NextClick]


# Further robots by their names in records and tables.
ROBOTS = {
    "largest_component": Robot(11, largest_component_click),
    "random": Robot(12, random_click),
    "deepgrow": Robot(13, deepgrow_click),
}


def _winner(masks: Sequence[BitMask], clicked_yx: np.ndarray) -> depth.Winner:
    areas = [int(bit_masks.count(mask.bits)) for mask in masks]
    (winner,) = depth.winners([depth.Contest(masks, areas, clicked_yx)])
    return winner


def _weighted_pixel(weights: np.ndarray, bits: int) -> tuple[int, int] | None:
    """Draws a pixel with a probability in proportion to its weight.

    Args:
        weights: Weights, `f64[h w]`, not negative.
        bits: A random integer, `u64`.

    Returns:
        The pixel `(y, x)`; None if all weights are 0.
    """
    flat = weights.ravel()
    index = sampling.race(
        weights.shape,
        (0, 0),
        bits,
        flat.__getitem__,
        mass=float(flat.sum()),
        heaviest=float(flat.max(initial=0)),
    )
    return None if index < 0 else divmod(index, weights.shape[1])


def _largest(mask: np.ndarray) -> np.ndarray:
    """Returns the largest connected part of a mask; of equally large ones the first."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if len(statistics) == 1:
        return np.zeros_like(mask)
    return labels == 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax())


def _free(mask: BitMask, clicked_yx: np.ndarray) -> np.ndarray:
    """Returns the pixels of a mask that were not clicked, `bool[h w]`."""
    free = mask.unpack()
    free[tuple(clicked_yx.T)] = False
    return free


def _nothing_left(errors: error_masks.Errors) -> NextClick:
    """Returns the click of the baseline if no wrong pixel can be clicked: (0, 0)."""
    return NextClick(0, 0, False, bit_masks.empty(errors.fn_mask.shape))
