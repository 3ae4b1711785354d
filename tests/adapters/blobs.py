"""A network that answers with a blob around each click, to test what surrounds it.

It has no weights and needs no checkout, so that zoom and flip are tested everywhere.
"""

import functools

import rclicks
import torch
from torch import nn

from rclicks_jax.bridge.adapters import checkouts

# After so many clicks nothing is above one half, and there is nothing to zoom to.
_EMPTY_AT = 3


class Blobs(nn.Module):
    """Takes what RITM's networks take; the last mask is of the fourth channel."""

    with_prev_mask = True

    def forward(self, image, points):
        """Returns logits, `f32[n 1 h w]`."""
        height, width = image.shape[2:]
        half = points.shape[1] // 2
        grid = torch.stack(
            torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), -1
        )
        distance = (grid[None, None] - points[:, :, None, None, :2]).square().sum(-1)
        blobs = torch.exp(-distance / (2 * (0.11 * min(height, width)) ** 2))
        blobs = blobs * (points[:, :, 2] >= 0)[..., None, None]
        logits = 5 * blobs[:, :half].amax(1) - 5 * blobs[:, half:].amax(1) - 2
        logits = logits + 1.5 * image[:, 3] + 2 * (image[:, 0] - image[:, :3].mean(1))
        empty = (points[:, :, 2] >= 0).sum(1) == _EMPTY_AT
        lowered = logits - logits.amax((1, 2), keepdim=True) - 0.005
        # Not its own mirror image, so that leaving the flip out shows.
        logits = logits + torch.linspace(-1, 1, width)
        return {
            "instances": torch.where(empty[:, None, None], lowered, logits)[:, None]
        }

    def set_status(self, training):
        """Is asked of by GPCIS's predictor."""


def predictor(network, **zoom):
    """Returns RClicks's predictor of RITM-style methods."""
    rclicks.use()
    return rclicks.predictor(network, zoom)


def fixed_predictor(network, side, **zoom):
    """Returns RClicks's predictor of GPCIS."""
    rclicks.use()
    make = checkouts.find("isegm.inference.predictors.gpcis:BaselinePredictor")
    zoom_in = checkouts.find("isegm.inference.transforms.zoom_in_gpcis:ZoomIn")
    quiet = functools.partial(make, device=torch.device("cpu"), infer_size=side)
    return quiet(network, zoom_in=zoom_in(**zoom), with_flip=True)
