"""Photographs, clicks and masks as SAM 2 and its successors take them.

A photograph is squashed to the network's square, by antialiased bilinear resizing of
values in 0..1, and its masks go from low resolution straight to the photograph's size.

Source: facebookresearch/sam2, sam2/utils/transforms.py; facebookresearch/sam3,
sam3/model/utils/sam1_utils.py.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

# Logits go back in as mask prompts no larger than this.
LIMIT = 32.0


def to_square(
    image: np.ndarray,
    side: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    device: torch.device,
) -> torch.Tensor:
    """Returns a photograph, `u8[h w 3]`, for the network, `f32[1 3 side side]`.

    Args:
        image: The photograph.
        side: Side of the square, pixels.
        mean: What is taken off each channel, in 0..1.
        std: What each is then divided by.
        device: The device of the network.
    """
    pixels = torch.from_numpy(np.array(image)).to(device)
    pixels = pixels.permute(2, 0, 1)[None].float() / 255
    pixels = functional.interpolate(
        pixels, (side, side), mode="bilinear", align_corners=False, antialias=True
    )
    means = torch.tensor(mean, device=device)[:, None, None]
    stds = torch.tensor(std, device=device)[:, None, None]
    return (pixels - means) / stds


def to_square_xy(xy: np.ndarray, size: tuple[int, int], side: int) -> torch.Tensor:
    """Returns points of the photograph in pixels of the square, `f32[... 2]`.

    Args:
        xy: Points in pixels of the photograph, `f32[... 2]`.
        size: Height and width of the photograph.
        side: Side of the square, pixels.
    """
    return torch.from_numpy(xy / np.array(size[::-1], np.float32) * np.float32(side))


def to_logits(low_res: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Returns logits of the square, `f32[n r c]`, at the photograph's `f32[n h w]`."""
    return functional.interpolate(
        low_res[:, None], size, mode="bilinear", align_corners=False
    )[:, 0]
