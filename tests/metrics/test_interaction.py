import numpy as np
import pytest

from rclicks_jax.metrics import interaction


@pytest.mark.parity
def test_iou_equals_the_original(parity):
    saved = parity("clicker.npz")
    for case in range(int(saved["iou_count"])):
        labels = saved[f"iou{case}_gt"]
        masks = [saved[f"iou{case}_pred"]]
        ((both, either),) = interaction.areas_on_host(masks, labels == 1, labels != -1)
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
    assert interaction.areas_on_host([pred_mask], gt_mask, None).tolist() == [[1, 3]]


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
