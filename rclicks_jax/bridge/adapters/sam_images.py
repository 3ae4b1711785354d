"""Photographs in the format of SAM, SAM-HQ and MobileSAM, and their masks back again.

The longer side of the photograph is resized to the side of the network's square, and
the rest is padded. Resizing is PyTorch's antialiased bilinear one, as in the original.
SAM's own predictor uses Pillow's.

Source: emb-ai/rclicks, isegm/isegm/model/is_sam_model.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


class FittedFrame(NamedTuple):
    """Where a photograph lies in the network's square.

    Attributes:
        size: Height and width of the photograph.
        fitted: Height and width of the photograph in the square, from the top left.
        side: Side of the square, pixels.
    """

    size: tuple[int, int]
    fitted: tuple[int, int]
    side: int


def frame_of(image: np.ndarray, side: int) -> FittedFrame:
    """Returns where a photograph, `u8[h w 3]`, lies in a square."""
    height, width = image.shape[:2]
    scale = side * 1.0 / max(height, width)
    fitted = (int(height * scale + 0.5), int(width * scale + 0.5))
    return FittedFrame((height, width), fitted, side)


def to_square(
    image: np.ndarray, frame: FittedFrame, device: torch.device
) -> torch.Tensor:
    """Returns the network's input, `f32[1 3 side side]`, for an image, `u8[h w 3]`."""
    pixels = torch.from_numpy(np.array(image)).to(device)
    pixels = pixels.permute(2, 0, 1)[None].float()
    pixels = functional.interpolate(
        pixels, frame.fitted, mode="bilinear", align_corners=False, antialias=True
    )
    mean = torch.tensor(MEAN, device=device)[:, None, None]
    std = torch.tensor(STD, device=device)[:, None, None]
    height, width = frame.fitted
    padding = (0, frame.side - width, 0, frame.side - height)
    return functional.pad((pixels - mean) / std, padding)


def to_square_xy(xy: np.ndarray, frame: FittedFrame) -> np.ndarray:
    """Converts pixels of the photograph to pixels of the square, `f32[... 2]`."""
    scale = np.array(frame.fitted[::-1]) / np.array(frame.size[::-1])
    return (xy.astype(np.float64) * scale).astype(np.float32)


def to_logits(low_res: torch.Tensor, frame: FittedFrame) -> torch.Tensor:
    """Resizes logits of the square, `f32[n r c]`, to the photograph, `f32[n h w]`."""
    height, width = frame.fitted
    times, side = frame.side // low_res.shape[-1], low_res.shape[-1]
    # Of the padding, only the values next to the photograph are enlarged.
    rows, columns = (min(side, -(-edge // times) + 1) for edge in frame.fitted)
    logits = low_res[:, None, :rows, :columns]
    logits = _resize(logits, (times * rows, times * columns))
    return _resize(logits[..., :height, :width], frame.size)[:, 0]


def _resize(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(logits, size, mode="bilinear", align_corners=False)
