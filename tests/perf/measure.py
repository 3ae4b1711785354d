"""Times the parts of a round, beside the original's way of doing them, in one run.

    make perf

Prints a Markdown table for docs/performance.md. Run it on an otherwise idle machine:
the load is printed, and a time is the median of several.
"""

import cv2
import numpy as np
import page
from timing import median_ms

from rclicks_jax.benchmark import mistakes, scoring
from rclicks_jax.clicks import error_masks, groups, sampling, strategies
from rclicks_jax.ops import bit_masks, masks
from rclicks_jax.types import InstanceExample

SHAPES = ((600, 800), (1500, 2000))
NO_CLICKS = np.zeros((0, 2), np.int32)
STREAMS = np.arange(1, 11, dtype=np.int32)


def the_originals_way(click_map, error_mask):
    """Sorts and sums a whole map for each group, as `Clicker._get_next_click` does."""
    for low, high in zip(np.arange(10) / 10, np.arange(1, 11) / 10, strict=True):
        masked = click_map * error_mask
        ordered = np.sort(masked.ravel())
        total = ordered.sum()
        first = ordered.cumsum().searchsorted(total * low, side="left")
        last = ordered.cumsum().searchsorted(total * high, side="right")
        last = min(last, ordered.size - 1)
        inside = (masked >= ordered[first]) & (masked <= ordered[last])
        chosen = (masked * inside).ravel().astype(np.float64)
        np.random.choice(chosen.size, p=chosen / chosen.sum())


def levels_of(click_map, error_mask):
    y0, y1, x0, x1 = masks.bounding_box(error_mask)
    inside = np.s_[y0:y1, x0:x1]
    return groups.quantise(click_map[inside], error_mask[inside]), y0, x0


def ten_from_one(click_map, error_mask, bits):
    part = levels_of(click_map, error_mask)
    sampling.draw_on_host(sampling.Draw(*part, STREAMS, bits), cut="value")


def one_from_each(maps, error_mask, bits):
    for row, click_map in enumerate(maps):
        part = levels_of(click_map, error_mask)
        one = slice(row, row + 1)
        draw = sampling.Draw(*part, STREAMS[one], bits[one])
        sampling.draw_on_host(draw, cut="value")


def baseline_on_the_whole_image(fn_mask, fp_mask):
    for mask in (fn_mask, fp_mask):
        padded = np.pad(mask, 1).astype(np.uint8)
        depth = cv2.distanceTransform(padded, cv2.DIST_L2, 0)[1:-1, 1:-1]
        np.where(depth == depth.max())


def scored(pred_masks, target):
    pred_bits = bit_masks.pack_all(pred_masks)
    clicked_yx = np.zeros((len(pred_bits), 0, 2), np.int32)
    nothing = [mistakes.Wanted.NOTHING] * len(pred_bits)
    mistakes.find(mistakes.Query(target, pred_bits, clicked_yx, nothing))


def rows():
    random = np.random.default_rng(0)
    for height, width in SHAPES:
        name = f"{height}x{width}"
        click_map = random.random((height, width), dtype=np.float32) ** 3
        error_mask = np.zeros((height, width), bool)
        error_mask[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = True
        bits = random.integers(0, 2**64, 10, dtype=np.uint64)
        peer = median_ms(lambda c=click_map, e=error_mask: the_originals_way(c, e), 3)
        ours = median_ms(
            lambda c=click_map, e=error_mask, b=bits: ten_from_one(c, e, b)
        )
        yield f"ten groups from one map, {name}", ours, peer
        maps = [np.roll(click_map, shift, axis=1) for shift in range(10)]
        ours = median_ms(lambda m=maps, e=error_mask, b=bits: one_from_each(m, e, b))
        yield f"ten groups from ten maps, {name}", ours, peer
        gt_mask = error_mask
        shifted = np.roll(gt_mask, width // 8, axis=1)
        wrong = error_masks.of_arrays(gt_mask, shifted, None)
        unpacked = [mask.unpack() for mask in wrong]
        peer = median_ms(lambda w=unpacked: baseline_on_the_whole_image(*w))
        ours = median_ms(lambda w=wrong: strategies.baseline_click(w, NO_CLICKS))
        yield f"baseline click, {name}", ours, peer
        predicted = [np.roll(gt_mask, shift, axis=0) for shift in range(11)]
        target = scoring.target_of(
            InstanceExample("object", gt_mask, None, NO_CLICKS, "")
        )
        ours = median_ms(lambda m=predicted, t=target: scored(m, t))
        yield f"IoU and boundary IoU of 11 masks, {name}", ours, None


def table():
    yield page.machine()
    yield ""
    yield "| what | ours, ms | the original's way, ms | ratio |"
    yield "|---|---:|---:|---:|"
    for name, ours, peer in rows():
        compared = f"{peer:.1f} | {peer / ours:.1f}" if peer else "– | –"
        yield f"| {name} | {ours:.2f} | {compared} |"


def main():
    page.put("parts", page.printed(table()))


if __name__ == "__main__":
    main()
