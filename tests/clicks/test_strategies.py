import numpy as np
import pytest
from helpers import disk, numbered

from rclicks_jax.clicks import error_masks, strategies
from rclicks_jax.ops import bit_masks

NO_CLICKS = np.zeros((0, 2), np.int32)


@pytest.mark.parity
def test_baseline_clicks_equal_the_original(parity):
    saved = parity("clicker.npz")
    for case in range(int(saved["bl_count"])):
        labels = saved[f"bl{case}_gt"]
        wrong = error_masks.of_arrays(
            labels == 1, saved[f"bl{case}_pred"], labels == -1
        )
        clicked_yx = np.argwhere(~saved[f"bl{case}_not_clicked"])
        click = strategies.baseline_click(wrong, clicked_yx)
        ours = [int(click.positive), click.y, click.x]
        assert ours == saved[f"bl{case}_click"].tolist(), saved[f"bl{case}_name"]


@pytest.mark.parity
def test_an_empty_map_falls_back_to_the_click_of_the_original(parity):
    saved = parity("clicker.npz")
    target = saved["zero_map_fallback_gt"] == 1
    wrong = error_masks.of_arrays(target, np.zeros_like(target), None)
    click = strategies.baseline_click(wrong, NO_CLICKS)
    assert [int(click.positive), click.y, click.x] == saved[
        "zero_map_fallback_click"
    ].tolist()
    assert numbered(saved, "cm")


def test_ignored_pixels_are_wrong_in_no_way():
    gt_mask, pred_mask = disk((20, 20), (8, 8), 5), disk((20, 20), (12, 12), 5)
    ignore_mask = np.zeros((20, 20), bool)
    ignore_mask[:, 10:] = True
    wrong = error_masks.of_arrays(gt_mask, pred_mask, ignore_mask)
    missed, false = (mask.unpack() for mask in wrong)
    np.testing.assert_array_equal(missed, gt_mask & ~pred_mask & ~ignore_mask)
    np.testing.assert_array_equal(false, ~gt_mask & pred_mask & ~ignore_mask)


def test_a_tie_is_negative_and_a_clicked_pixel_is_not_clicked_again():
    gt_mask, pred_mask = disk((30, 60), (15, 15), 6), disk((30, 60), (15, 45), 6)
    wrong = error_masks.of_arrays(gt_mask, pred_mask, None)
    first = strategies.baseline_click(wrong, NO_CLICKS)
    assert (first.y, first.x, first.positive) == (15, 45, False)
    second = strategies.baseline_click(wrong, np.array([[15, 45]], np.int32))
    assert (second.y, second.x, second.positive) == (15, 15, True)


def with_masks(**masks):
    """Wrong pixels of two regions, some replaced by `bool[h w]`."""
    packed = {name: bit_masks.pack(mask) for name, mask in masks.items()}
    return two_regions()._replace(**packed)


def many(click, wrong, clicked_yx, count=4000):
    """Clicks of many draws, `i64[count 2]`, and whether each is positive."""
    bits = np.random.default_rng(0).integers(0, 2**64, count, dtype=np.uint64)
    drawn = [click(wrong, clicked_yx, int(one)) for one in bits]
    return np.array([(c.y, c.x) for c in drawn]), np.array([c.positive for c in drawn])


def two_regions():
    gt_mask = disk((40, 60), (20, 15), 9)
    wrong = error_masks.of_arrays(gt_mask, disk((40, 60), (18, 44), 6), None)
    return wrong


def test_the_largest_region_is_clicked_in_its_middle():
    click = strategies.largest_component_click(two_regions(), NO_CLICKS, 0)
    assert (click.y, click.x, click.positive) == (20, 15, True)
    wrong = with_masks(fn_mask=np.zeros((40, 60), bool))
    click = strategies.largest_component_click(wrong, NO_CLICKS, 0)
    assert (click.y, click.x, click.positive) == (18, 44, False)


def test_random_clicks_are_uniform_over_all_wrong_pixels():
    wrong, free = two_regions(), np.ones((40, 60), bool)
    free[:, 50:] = False
    yx, positive = many(strategies.random_click, wrong, np.argwhere(~free))
    missed, false = (mask.unpack() for mask in wrong)
    allowed = (missed | false) & free
    assert allowed[tuple(yx.T)].all()
    share = missed.sum() / allowed.sum()
    assert abs(positive.mean() - share) < 4 * np.sqrt(share * (1 - share) / 4000)
    assert (positive == missed[tuple(yx.T)]).all()


def test_deepgrow_clicks_follow_the_exponent_of_the_depth():
    wrong = with_masks(fn_mask=np.pad(np.ones((9, 9), bool), ((5, 26), (3, 48))))
    yx, positive = many(strategies.deepgrow_click, wrong, NO_CLICKS)
    # The larger kind is the false foreground here.
    assert not positive.any()
    inside = np.pad(wrong.fp_mask.unpack(), 1)
    depth = np.zeros(inside.shape)
    while inside.any():
        depth += inside
        eroded = inside.copy()
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                eroded &= np.roll(inside, (dy, dx), (0, 1))
        inside = eroded
    weights = np.exp(depth[1:-1, 1:-1]) - 1
    drawn = np.zeros_like(weights)
    np.add.at(drawn, tuple(yx.T), 1 / len(yx))
    for ring in np.unique(depth[1:-1, 1:-1])[1:]:
        of_ring = depth[1:-1, 1:-1] == ring
        expected = weights[of_ring].sum() / weights.sum()
        spread = np.sqrt(expected * (1 - expected) / len(yx))
        assert abs(drawn[of_ring].sum() - expected) < 4 * spread


@pytest.mark.parametrize("name", sorted(strategies.ROBOTS))
def test_where_nothing_is_wrong_every_robot_clicks_the_corner(name):
    nothing = bit_masks.empty((7, 9))
    wrong = error_masks.Errors(nothing, nothing)
    click = strategies.ROBOTS[name].click(wrong, NO_CLICKS, 5)
    assert (click.y, click.x, click.positive) == (0, 0, False)
    assert not click.error_mask.any()
