import numpy as np
import pytest
import torch
from torch.nn import functional

from rclicks_jax.bridge.adapters import sam_images


def resized(logits, size):
    return functional.interpolate(logits, size, mode="bilinear", align_corners=False)


@pytest.mark.parametrize("size", [(60, 80), (80, 60), (9, 200), (200, 3), (64, 64)])
def test_padding_that_is_not_enlarged_changes_no_bit(size):
    frame = sam_images.frame_of(np.zeros((*size, 3), np.uint8), 64)
    low_res = torch.randn(2, 16, 16, generator=torch.manual_seed(0))
    whole = resized(low_res[:, None], (64, 64))
    height, width = frame.fitted
    expected = resized(whole[..., :height, :width], size)[:, 0]
    assert torch.equal(sam_images.to_logits(low_res, frame), expected)
