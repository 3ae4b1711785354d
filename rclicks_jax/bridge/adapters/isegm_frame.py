"""How RITM and its descendants look at a photograph: zoom, flip, previous answer.

A pass sees a crop around the last answer and the positive clicks, with the last
probabilities as a fourth channel. The crop is kept until a positive click leaves it or
it fits too badly. The logits of the crop and of its mirror image are averaged.

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

# `f32[n c h w]` and points `f32[n 2k 3]` to logits `f32[n 1 h w]`.
Forward = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
# What was seen, unmirrored, its points and mean logits to the logits that count.
Finish = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
State = dict[str, torch.Tensor]


class Frame(NamedTuple):
    """How a method looks at photographs.

    Attributes:
        crops: How crops are chosen; None for the whole photograph at every click.
        target: What crops are resized to: their longer side, or height and width, or
            None to leave them.
        fixed: Height and width of every pass, crop or not; None to leave it.
        flip: Whether a mirrored pass is averaged in.
        sees_previous: Whether the last probabilities are a fourth channel.
        empty_mask_keeps_crop: Of the protocol; of effect where `crops` leaves some
            clicks without one (`whole_first`).
        batch: Trajectories in a pass.
    """

    crops: isegm_crops.Rule | None
    target: int | tuple[int, int] | None
    fixed: tuple[int, int] | None = None
    flip: bool = True
    sees_previous: bool = True
    empty_mask_keeps_crop: bool = PAPER.empty_mask_keeps_crop
    batch: int = 16


class Model(NamedTuple):
    """A network and how it looks at photographs."""

    network: options_lib.Network
    frame: Frame
    device: torch.device = torch.device("cpu")


class Pass(NamedTuple):
    """What one trajectory sends through the network.

    Attributes:
        row: Its number in the batch.
        seen: Top, bottom, left and right of what the network sees, all included.
        placed: Of where its answer goes; not `seen` where the original errs.
        size: Height and width of the pass.
        points: Clicks within it, `f64[k 2]`.
        positive: `bool[k]`.
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
        network: Called with several trajectories of one size.
        frame: How the method looks at photographs.
        pixels: The photograph, `f32[3 h w]`.
        clicks: All clicks so far of each trajectory.
        state: What this returned for the click before; None at the first.
        finish: What is done to logits after the mirrored pass is averaged in.

    Returns:
        Probabilities, `f32[t h w]`, and the state: they, and `crop`, `i64[t 4]`.
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


def _passes(
    frame: Frame, pixels: torch.Tensor, clicks: Clicks, state: State
) -> tuple[list[Pass], torch.Tensor]:
    """Returns what each trajectory sends, and the crops that are kept, `i64[t 4]`."""
    height, width = pixels.shape[1:]
    whole = (0, height - 1, 0, width - 1)
    boxes = isegm_crops.boxes_of(frame.crops, state["probabilities"])
    kept = state["crop"].clone()
    passes = []
    for row, count in enumerate(clicks.count.tolist()):
        yx, positive = clicks.yx[row, :count], clicks.positive[row, :count]
        old = tuple(kept[row].tolist()) if kept[row, 0] >= 0 else None
        crop, zooms = isegm_crops.choose(
            frame.crops, boxes[row], yx, positive, old, whole
        )
        seen = crop if zooms and crop else whole
        # Without a mask to zoom to, the original looks at the whole photograph and
        # yet puts the answer where the last crop was.
        errs = frame.empty_mask_keeps_crop and crop and not zooms
        placed = crop if errs and crop else seen
        kept[row] = torch.tensor(crop if crop else (-1,) * 4)
        size, points = _transformed(frame, seen, zooms, yx)
        passes.append(Pass(row, seen, placed, size, points, positive))
    return passes, kept


def _transformed(
    frame: Frame, seen: tuple[int, int, int, int], zooms: bool, yx: np.ndarray
) -> tuple[tuple[int, int], np.ndarray]:
    """Returns the size of a pass and the clicks in it, as the original rounds them."""
    size, points = _size_of(seen), yx.astype(np.float64)
    if zooms:
        target = _zoomed(size, frame.target)
        points = np.array(target) * (points - [seen[0], seen[2]]) / np.array(size)
        size = target
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
    one: Pass,
    frame: Frame,
    pixels: torch.Tensor,
    state: State,
    size: tuple[int, int],
) -> torch.Tensor:
    """Returns what a pass sees, `f32[1 c h w]`."""
    top, bottom, left, right = one.seen
    inside = (..., slice(top, bottom + 1), slice(left, right + 1))
    layers = [pixels[inside]]
    if frame.sees_previous:
        layers.append(state["probabilities"][one.row][inside][None])
    return _resize(torch.cat(layers)[None], size)


def _answer(
    network: Forward,
    frame: Frame,
    inputs: torch.Tensor,
    part: list[Pass],
    finish: Finish | None,
) -> torch.Tensor:
    """Returns probabilities of passes of one size, `f32[n 1 h w]`."""
    points = [one.points for one in part]
    count, width = len(part), inputs.shape[3]
    if frame.flip:
        inputs = torch.cat([inputs, inputs.flip(3)])
        points += [
            np.stack([one[:, 0], width - one[:, 1] - 1], axis=1) for one in points
        ]
    positive = [one.positive for one in part] * (2 if frame.flip else 1)
    sent = points_of(points, positive).to(inputs.device)
    logits = _resize(network(inputs, sent), (inputs.shape[2], width))
    if frame.flip:
        straight, mirrored = logits.chunk(2)
        logits = 0.5 * (straight + mirrored.flip(3))
    if finish:
        logits = finish(inputs[:count], sent[:count], logits)
    return torch.sigmoid(logits)


def _place(
    answer: torch.Tensor, one: Pass, frame: Frame, probabilities: torch.Tensor
) -> None:
    """Puts the answer of a pass, `f32[1 h w]`, into a map, `f32[h w]`."""
    answer = answer[None]
    if frame.fixed:
        # First back to what was seen, which matters where the answer is misplaced.
        answer = _resize(answer, _size_of(one.seen))
    top, bottom, left, right = one.placed
    inside = _resize(answer, _size_of(one.placed))[0, 0]
    probabilities[top : bottom + 1, left : right + 1] = inside


def points_of(points: list[np.ndarray], positive: list[np.ndarray]) -> torch.Tensor:
    """Returns clicks as the networks take them: positive ones first, then negative.

    Args:
        points: Points of each trajectory, `f64[k 2]`.
        positive: `bool[k]`.

    Returns:
        Rows, columns and numbers of clicks, -1 where there is none, `f32[n 2m 3]`.
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
