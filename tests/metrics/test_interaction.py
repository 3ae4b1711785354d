import numpy as np
import pytest

from rclicks_jax.metrics import interaction
from rclicks_jax.ops import bit_masks


def areas(pred_mask, gt_mask, counted):
    """Intersection and union of masks, `bool[h w]`."""
    truth = gt_mask if counted is None else gt_mask & counted
    pred_bits, truth_bits = bit_masks.pack(pred_mask).bits, bit_masks.pack(truth).bits
    counted_bits = None if counted is None else bit_masks.pack(counted).bits
    (row,) = interaction.areas_on_host(
        pred_bits[None], truth_bits, int(truth.sum()), counted_bits
    )
    return row.tolist()


@pytest.mark.parity
def test_iou_equals_the_original(parity):
    saved = parity("clicker.npz")
    for case in range(int(saved["iou_count"])):
        labels = saved[f"iou{case}_gt"]
        pred_mask = saved[f"iou{case}_pred"]
        both, either = areas(pred_mask, labels == 1, labels != -1)
        np.testing.assert_array_equal(
            interaction.iou(both, either), saved[f"iou{case}"]
        )


@pytest.mark.parity
def test_noc_nof_and_auc_equal_the_original(parity):
    saved = parity("noc.npz")
    clicks = saved["groups"].shape[-1]
    threshold = float(saved["threshold"])
    by_group = saved["groups"] >= threshold
    np.testing.assert_array_equal(
        interaction.noc(by_group, clicks), saved["noc_per_group"]
    )
    baseline = interaction.noc(saved["base"] >= threshold, clicks)
    np.testing.assert_array_equal(baseline, saved["noc_base_per_instance"])
    assert baseline.mean() == pytest.approx(float(saved["base_noc"]))
    failed = interaction.failed(by_group, clicks, last_counts=True)
    np.testing.assert_array_equal(failed.sum(axis=1), saved["nof_per_group"])
    auc = interaction.iou_auc(saved["groups"])
    np.testing.assert_allclose(auc, saved["iouauc_per_group"], rtol=1e-12)
    for percent in (80, 85, 95):
        noc = interaction.noc(saved["base"] >= percent / 100, clicks).mean()
        assert noc == pytest.approx(float(saved[f"base_noc{percent}"]))


def test_without_ignored_pixels_everything_counts():
    gt_mask = np.array([[True, True, False]])
    pred_mask = np.array([[False, True, True]])
    assert areas(pred_mask, gt_mask, None) == [1, 3]


def test_an_iou_of_exactly_the_threshold_is_reached():
    assert interaction.reached(9, 10, 90)
    assert interaction.reached(900_000_000_000_000_009, 1_000_000_000_000_000_010, 90)
    assert not interaction.reached(899_999_999, 1_000_000_000, 90)


def test_success_at_the_last_click_fails_only_in_the_original():
    reached = np.zeros((3, 20), bool)
    reached[0, 4:] = True
    reached[1, 19] = True
    assert interaction.noc(reached, 20).tolist() == [5, 20, 20]
    assert interaction.failed(reached, 20, last_counts=True).tolist() == [
        False,
        True,
        True,
    ]
    assert interaction.failed(reached, 20, last_counts=False).tolist() == [
        False,
        False,
        True,
    ]


def test_two_empty_masks_have_no_iou():
    assert np.isnan(interaction.iou(np.array([0]), np.array([0]))).all()
