"""Photographs, clicks and masks in the format of SAM 2 and its successors.

A photograph is stretched to the network's square, by antialiased bilinear resizing of
values in 0..1. Its masks are resized from low resolution directly to its own size.

Source: facebookresearch/sam2, sam2/utils/transforms.py; facebookresearch/sam3,
sam3/model/utils/sam1_utils.py.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

# Logits that become mask prompts are clamped to plus and minus this.
LIMIT = 32.0


def to_square(
    image: np.ndarray,
    side: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    device: torch.device,
) -> torch.Tensor:
    """Returns the network's input, `f32[1 3 side side]`, for a photograph.

    Args:
        image: The photograph, `u8[h w 3]`.
        side: Side of the square, pixels.
        mean: Mean that is subtracted from each channel, in 0..1.
        std: Standard deviation by which each channel is then divided.
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
    """Converts pixels of the photograph to pixels of the square, `f32[... 2]`.

    Args:
        xy: Points in pixels of the photograph, `f32[... 2]`.
        size: Height and width of the photograph.
        side: Side of the square, pixels.
    """
    return torch.from_numpy(xy / np.array(size[::-1], np.float32) * np.float32(side))


def to_logits(low_res: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Resizes logits of the square, `f32[n r c]`, to the photograph, `f32[n h w]`."""
    return functional.interpolate(
        low_res[:, None], size, mode="bilinear", align_corners=False
    )[:, 0]
