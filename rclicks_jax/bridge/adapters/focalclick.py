"""FocalClick: HRNet-18s, HRNet-32 and SegFormer B0 and B3, pipelines S1 and S2.

Checkout: https://github.com/XavierCHEN34/ClickSEG (Apache-2.0). The checkpoint says
which network it is. RClicks did not use FocalClick, so this follows the authors' own
evaluation: a coarse pass sees a crop around the last answer, and a second pass refines
a box around the pixels that the click has changed. After ten clicks nothing outside of
that box changes. The authors' progressive merge is left out: it starts from a given
mask, and trajectories here start without one.

Source: XavierCHEN34/ClickSEG, isegm/inference/predictors/focalclick.py,
isegm/utils/crop_local.py; thresholds and sizes: trainval_scripts/val_focalclick*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import focalclick_boxes as boxes_lib
from rclicks_jax.bridge.adapters import isegm_crops, isegm_frame, isegm_network
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD = 0.5
Model = isegm_frame.Model
encode = isegm_frame.encode
SIDE = 256
# Clicks after which the coarse answer is left where it was.
_SETTLED = 10
_RULE = isegm_crops.Rule(whole_first=True, least=10, threshold=0.49, keeps=False)


class _Row(NamedTuple):
    """The box of one trajectory that is refined.

    Attributes:
        row: Number of the trajectory in the batch.
        focus: The box to refine.
        frame: The box that the coarse pass saw.
        points: Clicks of the trajectory, `[k 2]`.
        positive: Which clicks are on the object, `bool[k]`.
    """

    row: int
    focus: boxes_lib.Box
    frame: boxes_lib.Box
    points: np.ndarray
    positive: np.ndarray


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> Model:
    """Loads a checkpoint."""
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    side, device = given.number("target", SIDE), given.device()
    batch = given.batch()
    given.end()
    network = isegm_network.load(checkout, checkpoint)
    frame = frame_of(side)._replace(
        empty_mask_keeps_crop=protocol.empty_mask_keeps_crop, batch=batch
    )
    return Model(options_lib.ready(network, device), frame, device)


def frame_of(side: int) -> isegm_frame.Frame:
    """Returns the frame of the coarse pass."""
    return isegm_frame.Frame(crops=_RULE, target=None, fixed=(side, side), flip=False)


def predict(
    model: Model,
    features: torch.Tensor,
    clicks: Clicks,
    state: isegm_frame.State | None,
) -> tuple[torch.Tensor, isegm_frame.State]:
    """Answers the newest click of each trajectory."""
    passes = []

    def coarse(inputs: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        outputs = model.network(inputs, points)
        passes.append((outputs["instances"], outputs["feature"]))
        return outputs["instances"]

    with torch.inference_mode():
        if state is None:
            state = isegm_frame.begin(features, len(clicks.count))
        if not model.frame.empty_mask_keeps_crop:
            state = _without_lost(state)
        mask_logits, after = isegm_frame.predict(
            coarse, model.frame, features, clicks, state
        )
        # All passes have one size, so they came in the order of the trajectories.
        logits, layers = (torch.cat(parts) for parts in zip(*passes))  # noqa: B905
        mask_logits = _logits_of(mask_logits)
        rows = _rows(mask_logits, state["probabilities"], after["crop"], clicks)
        settled = np.flatnonzero(clicks.count > _SETTLED)
        mask_logits[settled] = _logits_of(state["probabilities"][settled])
        for start in range(0, len(rows), model.frame.batch):
            part = rows[start : start + model.frame.batch]
            _refine(model, features, part, logits, layers, mask_logits)
        answers = torch.sigmoid(mask_logits)
    return answers, {**after, "probabilities": answers}


def _logits_of(probabilities: torch.Tensor) -> torch.Tensor:
    return torch.log(probabilities / (1 - probabilities))


def _without_lost(state: isegm_frame.State) -> isegm_frame.State:
    """Removes the crops of trajectories whose last answer is empty."""
    lost = ~(state["probabilities"] > _RULE.threshold).any(dim=2).any(dim=1)
    crops = state["crop"].clone()
    crops[lost.to(crops.device)] = -1
    return {**state, "crop": crops}


def _rows(
    coarse: torch.Tensor, before: torch.Tensor, crops: torch.Tensor, clicks: Clicks
) -> list[_Row]:
    """Returns the box to refine of each trajectory that has one.

    Args:
        coarse: Logits of the coarse pass, `f32[t h w]`.
        before: Probabilities after the click before, `f32[t h w]`.
        crops: Boxes that the coarse pass saw, all sides included; -1 for the whole
            photograph, `i64[t 4]`.
        clicks: All clicks so far.
    """
    height, width = coarse.shape[1:]
    # The original uses the threshold of probabilities for the logits too.
    new = (coarse > _RULE.threshold).cpu().numpy()
    old = (before > _RULE.threshold).cpu().numpy()
    rows = []
    for row, count in enumerate(clicks.count.tolist()):
        top, bottom, left, right = crops[row].tolist()
        frame = (top, bottom + 1, left, right + 1)
        frame = frame if top >= 0 else (0, height, 0, width)
        yx, positive = clicks.yx[row, :count], clicks.positive[row, :count]
        focus = boxes_lib.focus_of(new[row], old[row], yx[-1], frame)
        # The box around a single row at the border is empty; the original fails there.
        if focus[0] < focus[1] and focus[2] < focus[3]:
            rows.append(_Row(row, focus, frame, yx, positive))
    return rows


def _refine(
    model: Model,
    pixels: torch.Tensor,
    rows: list[_Row],
    logits: torch.Tensor,
    layers: torch.Tensor,
    mask_logits: torch.Tensor,
) -> None:
    """Puts refined logits into `mask_logits`, `f32[t h w]`."""
    fixed = model.frame.fixed
    assert fixed is not None
    inputs, points, regions = [], [], []
    for index, trajectory in enumerate(rows):
        top, bottom, left, right = trajectory.focus
        inputs.append(_resize(pixels[None, :, top:bottom, left:right], fixed))
        scale = np.array([fixed[0] / (bottom - top), fixed[1] / (right - left)])
        points.append((trajectory.points - [top, left]) * scale)
        y0, y1, x0, x1 = boxes_lib.within(trajectory.focus, trajectory.frame, fixed)
        regions.append([index, x0, y0, x1, y1])
    members = [trajectory.row for trajectory in rows]
    sent = isegm_frame.points_of(points, [trajectory.positive for trajectory in rows])
    refined = model.network.refine(
        torch.cat(inputs),
        sent.to(pixels.device),
        layers[members],
        logits[members],
        torch.tensor(regions, dtype=torch.float32, device=pixels.device),
    )["instances_refined"]
    for trajectory, answer in zip(rows, refined):  # noqa: B905
        top, bottom, left, right = trajectory.focus
        size = (bottom - top, right - left)
        inside = _resize(answer[None], size)[0, 0]
        mask_logits[trajectory.row, top:bottom, left:right] = inside


def _resize(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return torch.nn.functional.interpolate(
        maps, size, mode="bilinear", align_corners=True
    )
