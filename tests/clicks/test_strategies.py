import numpy as np
import pytest
from helpers import disk, numbered

from rclicks_jax.clicks import error_masks, strategies


@pytest.mark.parity
def test_baseline_clicks_equal_the_original(parity):
    saved = parity("clicker.npz")
    for case in range(int(saved["bl_count"])):
        labels = saved[f"bl{case}_gt"]
        wrong = error_masks.find(labels == 1, saved[f"bl{case}_pred"], labels == -1)
        click = strategies.baseline_click(wrong, saved[f"bl{case}_not_clicked"])
        ours = [int(click.positive), click.y, click.x]
        assert ours == saved[f"bl{case}_click"].tolist(), saved[f"bl{case}_name"]


@pytest.mark.parity
def test_an_empty_map_falls_back_to_the_click_of_the_original(parity):
    saved = parity("clicker.npz")
    target = saved["zero_map_fallback_gt"] == 1
    wrong = error_masks.find(target, np.zeros_like(target), None)
    click = strategies.baseline_click(wrong, np.ones_like(target))
    assert [int(click.positive), click.y, click.x] == saved[
        "zero_map_fallback_click"
    ].tolist()
    assert numbered(saved, "cm")


def test_ignored_pixels_are_wrong_in_no_way():
    gt_mask, pred_mask = disk((20, 20), (8, 8), 5), disk((20, 20), (12, 12), 5)
    ignore_mask = np.zeros((20, 20), bool)
    ignore_mask[:, 10:] = True
    wrong = error_masks.find(gt_mask, pred_mask, ignore_mask)
    np.testing.assert_array_equal(wrong.fn_mask, gt_mask & ~pred_mask & ~ignore_mask)
    np.testing.assert_array_equal(wrong.fp_mask, ~gt_mask & pred_mask & ~ignore_mask)


def test_a_tie_is_negative_and_a_clicked_pixel_is_not_clicked_again():
    gt_mask, pred_mask = disk((30, 60), (15, 15), 6), disk((30, 60), (15, 45), 6)
    wrong = error_masks.find(gt_mask, pred_mask, None)
    free = np.ones((30, 60), bool)
    first = strategies.baseline_click(wrong, free)
    assert (first.y, first.x, first.positive) == (15, 45, False)
    free[15, 45] = False
    second = strategies.baseline_click(wrong, free)
    assert (second.y, second.x, second.positive) == (15, 15, True)
