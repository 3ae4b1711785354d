"""What is known of the published datasets, and how data is judged by it."""

import cv2
import numpy as np
import pytest
from helpers import disk

from rclicks_jax.data.raw import layouts

SHAPE = (30, 40)


def test_masks_have_the_same_digest_whatever_their_file(tmp_path):
    mask = disk(SHAPE, (10, 10), 5).astype(np.uint8) * 255
    paths = [tmp_path / "x.png", tmp_path / "x.bmp"]
    for path in paths:
        cv2.imwrite(str(path), mask)
    digests = {layouts.mask_digest(cv2.imread(str(path), 0)) for path in paths}
    assert len(digests) == 1
    assert layouts.mask_digest(mask.T) not in digests


@pytest.mark.parametrize(
    ("counts", "checksum", "expected"),
    [
        ((345, 345), "", None),
        ((35, 35), "", "only a part"),
        ((346, 346), "", "another variant"),
        ((585, 585), "", "DAVIS585 of FocalClick"),
    ],
)
def test_counts_are_judged_against_the_published_ones(counts, checksum, expected):
    judged = layouts.LAYOUTS["DAVIS"].judge(*counts, checksum)
    assert (expected is None) == (not judged)
    assert expected is None or expected in judged[0]


def test_masks_of_another_release_are_named():
    judged = layouts.LAYOUTS["GrabCut"].judge(50, 50, "0" * 64)
    assert "masks differ" in judged[0]
