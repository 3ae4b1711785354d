"""The passes of RITM and its descendants over a photograph: zoom, flip, last answer.

A pass sees a crop around the last answer and the positive clicks. The last
probabilities are its fourth channel. The crop is kept until a positive click falls
outside of it or it overlaps too little with the new crop. The logits of the crop and of
its mirror image are averaged.

Source: emb-ai/rclicks, isegm/isegm/inference/predictors/base.py and transforms/.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import isegm_crops
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.switches import PAPER

# From inputs, `f32[n c h w]`, and points, `f32[n 2k 3]`, to logits, `f32[n 1 h w]`.
Forward = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
# From the unmirrored inputs, their points and the mean logits to the final logits.
Finish = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
State = dict[str, torch.Tensor]


class Frame(NamedTuple):
    """How a method prepares the input of a pass.

    Attributes:
        crops: Rule that chooses crops; None for the whole photograph at every click.
        target: Size that crops are resized to: the longer side, or height and width;
            None for no resizing.
        fixed: Height and width that the input of every pass is resized to, crop or
            not; None for no resizing.
        flip: Whether the logits of a mirrored pass are averaged in.
        sees_previous: Whether the last probabilities are a fourth channel.
        empty_mask_keeps_crop: Switch of the protocol. It has an effect if some clicks
            see the whole photograph (`whole_first` of `crops`).
        batch: Most trajectories in a pass.
    """

    crops: isegm_crops.Rule | None
    target: int | tuple[int, int] | None
    fixed: tuple[int, int] | None = None
    flip: bool = True
    sees_previous: bool = True
    empty_mask_keeps_crop: bool = PAPER.empty_mask_keeps_crop
    batch: int = 16


class Model(NamedTuple):
    """A network, the frame of its passes, and its device."""

    network: options_lib.Network
    frame: Frame
    device: torch.device = torch.device("cpu")


class Pass(NamedTuple):
    """What one trajectory sends through the network.

    Attributes:
        row: Number of the trajectory in the batch.
        seen: Box that the network sees: top, bottom, left and right, all included.
        placed: Box that the answer is put into. It differs from `seen` where the
            original has an error (`empty_mask_keeps_crop`).
        size: Height and width of the network's input.
        points: Clicks in pixels of the input, `f64[k 2]`.
        positive: Which clicks are on the object, `bool[k]`.
    """

    row: int
    seen: tuple[int, int, int, int]
    placed: tuple[int, int, int, int]
    size: tuple[int, int]
    points: np.ndarray
    positive: np.ndarray


def encode(model: Model, image: np.ndarray) -> torch.Tensor:
    """Returns the photograph, `f32[3 h w]`; each click has its own pass over it."""
    return to_pixels(image, model.device)


def to_pixels(image: np.ndarray, device: torch.device) -> torch.Tensor:
    """Returns a photograph, `u8[h w 3]`, as `f32[3 h w]` in [0, 1]."""
    return torch.from_numpy(np.array(image)).to(device).permute(2, 0, 1).float() / 255


def predict(
    network: Forward,
    frame: Frame,
    pixels: torch.Tensor,
    clicks: Clicks,
    state: State | None,
    finish: Finish | None = None,
) -> tuple[torch.Tensor, State]:
    """Answers the newest click of each trajectory.

    Args:
        network: Called with inputs of several trajectories, all of one size.
        frame: How the method prepares its inputs.
        pixels: The photograph, `f32[3 h w]`.
        clicks: All clicks so far of each trajectory.
        state: State that was returned for the click before; None at the first click.
        finish: Changes the logits after the mirrored pass was averaged in.

    Returns:
        Probabilities, `f32[t h w]`, and the new state: `probabilities`, and `crop`,
        `i64[t 4]`.
    """
    with torch.inference_mode():
        if state is None:
            state = begin(pixels, len(clicks.count))
        passes, crops = _passes(frame, pixels, clicks, state)
        groups: dict[tuple[int, int], list[Pass]] = {}
        for each_pass in passes:
            groups.setdefault(each_pass.size, []).append(each_pass)
        probabilities = torch.zeros_like(state["probabilities"])
        for size, members in groups.items():
            for start in range(0, len(members), frame.batch):
                part = members[start : start + frame.batch]
                inputs = [
                    _seen(each_pass, frame, pixels, state, size) for each_pass in part
                ]
                answers = _answer(network, frame, torch.cat(inputs), part, finish)
                for each_pass, answer in zip(part, answers):  # noqa: B905
                    _place(answer, each_pass, frame, probabilities[each_pass.row])
    return probabilities, {"probabilities": probabilities, "crop": crops}


def begin(pixels: torch.Tensor, count: int) -> State:
    """Returns the state of trajectories before their first click."""
    height, width = pixels.shape[1:]
    return {
        "probabilities": pixels.new_zeros((count, height, width)),
        "crop": torch.full((count, 4), -1),
    }


def boxes_of(
    rule: isegm_crops.Rule | None, probabilities: torch.Tensor
) -> list[isegm_crops.Box | None]:
    """Returns the box around the object in each map, `f32[t h w]`; None if empty."""
    if rule is None:
        return [None] * len(probabilities)
    inside = probabilities > rule.threshold
    rows, columns = inside.any(dim=2).cpu().numpy(), inside.any(dim=1).cpu().numpy()
    boxes: list[isegm_crops.Box | None] = []
    for row, column in zip(rows, columns):  # noqa: B905
        y, x = np.flatnonzero(row), np.flatnonzero(column)
        full = (int(y[0]), int(y[-1]), int(x[0]), int(x[-1])) if len(y) else None
        boxes.append(full)
    return boxes


def _passes(
    frame: Frame, pixels: torch.Tensor, clicks: Clicks, state: State
) -> tuple[list[Pass], torch.Tensor]:
    """Returns the pass of each trajectory, and the crops to keep, `i64[t 4]`."""
    height, width = pixels.shape[1:]
    whole = (0, height - 1, 0, width - 1)
    boxes = boxes_of(frame.crops, state["probabilities"])
    crops = state["crop"].clone()
    passes = []
    for row, count in enumerate(clicks.count.tolist()):
        yx, positive = clicks.yx[row, :count], clicks.positive[row, :count]
        old = tuple(crops[row].tolist()) if crops[row, 0] >= 0 else None
        crop, zooms = isegm_crops.choose(
            frame.crops, boxes[row], yx, positive, old, whole
        )
        seen = crop if zooms and crop else whole
        # Without a mask to zoom to, the original sends the whole photograph through
        # the network, but puts the answer where the last crop was.
        errs = frame.empty_mask_keeps_crop and crop and not zooms
        placed = crop if errs and crop else seen
        crops[row] = torch.tensor(crop if crop else (-1,) * 4)
        size, points = _transformed(frame, seen, zooms, yx)
        passes.append(Pass(row, seen, placed, size, points, positive))
    return passes, crops


def _transformed(
    frame: Frame, seen: tuple[int, int, int, int], zooms: bool, yx: np.ndarray
) -> tuple[tuple[int, int], np.ndarray]:
    """Returns the size of a pass and its clicks, rounded as in the original."""
    size, points = _size_of(seen), yx.astype(np.float64)
    if zooms:
        size = _zoomed(size, frame.target)
        points = isegm_crops.points_in(seen, size, points)
    if frame.fixed:
        points = points * (np.array(frame.fixed) / np.array(size))
        size = frame.fixed
    return size, points


def _zoomed(
    size: tuple[int, int], target: int | tuple[int, int] | None
) -> tuple[int, int]:
    if target is None:
        return size
    if isinstance(target, tuple):
        return target
    scale = target / max(size)
    return (round(size[0] * scale), round(size[1] * scale))


def _seen(
    trajectory_pass: Pass,
    frame: Frame,
    pixels: torch.Tensor,
    state: State,
    size: tuple[int, int],
) -> torch.Tensor:
    """Returns the input of a pass, `f32[1 c h w]`."""
    top, bottom, left, right = trajectory_pass.seen
    inside = (..., slice(top, bottom + 1), slice(left, right + 1))
    layers = [pixels[inside]]
    if frame.sees_previous:
        layers.append(state["probabilities"][trajectory_pass.row][inside][None])
    return _resize(torch.cat(layers)[None], size)


def _answer(
    network: Forward,
    frame: Frame,
    inputs: torch.Tensor,
    part: list[Pass],
    finish: Finish | None,
) -> torch.Tensor:
    """Returns probabilities of passes of one size, `f32[n 1 h w]`."""
    points = [each_pass.points for each_pass in part]
    count, width = len(part), inputs.shape[3]
    if frame.flip:
        inputs = torch.cat([inputs, inputs.flip(3)])
        points += [np.stack([yx[:, 0], width - yx[:, 1] - 1], axis=1) for yx in points]
    positive = [each_pass.positive for each_pass in part] * (2 if frame.flip else 1)
    sent = points_of(points, positive).to(inputs.device)
    logits = _resize(network(inputs, sent), (inputs.shape[2], width))
    if frame.flip:
        straight, mirrored = logits.chunk(2)
        logits = 0.5 * (straight + mirrored.flip(3))
    if finish:
        logits = finish(inputs[:count], sent[:count], logits)
    return torch.sigmoid(logits)


def _place(
    answer: torch.Tensor,
    trajectory_pass: Pass,
    frame: Frame,
    probabilities: torch.Tensor,
) -> None:
    """Puts the answer of a pass, `f32[1 h w]`, into a map, `f32[h w]`."""
    answer = answer[None]
    if frame.fixed:
        # First back to the size of the box that was seen, as in the original. This
        # makes a difference where the answer is put into another box.
        answer = _resize(answer, _size_of(trajectory_pass.seen))
    top, bottom, left, right = trajectory_pass.placed
    inside = _resize(answer, _size_of(trajectory_pass.placed))[0, 0]
    probabilities[top : bottom + 1, left : right + 1] = inside


def points_of(points: list[np.ndarray], positive: list[np.ndarray]) -> torch.Tensor:
    """Returns clicks in the networks' format: first the positive, then the negative.

    Args:
        points: Clicks of each trajectory, `f64[k 2]`.
        positive: Which clicks of each trajectory are on the object, `bool[k]`.

    Returns:
        Row, column and number of each click, -1 in unused slots, `f32[n 2m 3]`. `m` is
        the largest count of positive or of negative clicks.
    """
    most = max(1, *(int(max(on.sum(), (~on).sum())) for on in positive))
    slots = np.full((len(points), 2, most, 3), -1.0)
    for index, (yx, on) in enumerate(zip(points, positive)):  # noqa: B905
        for side, members in enumerate((np.flatnonzero(on), np.flatnonzero(~on))):
            slots[index, side, : len(members), :2] = yx[members]
            slots[index, side, : len(members), 2] = members
    return torch.from_numpy(slots.reshape(len(points), 2 * most, 3).astype(np.float32))


def _size_of(box: tuple[int, int, int, int]) -> tuple[int, int]:
    return (box[1] - box[0] + 1, box[3] - box[2] + 1)


def _resize(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    if tuple(maps.shape[2:]) == tuple(size):
        return maps
    return functional.interpolate(maps, size, mode="bilinear", align_corners=True)
