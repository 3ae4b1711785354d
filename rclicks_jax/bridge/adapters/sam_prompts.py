"""Clicks and mask prompts in the format of the SAM family, for many trajectories.

The mask prompt is the network's own last low-resolution answer. The original drops it
when its padded list of clicks has two entries: at the first click, and at the second if
that one is negative. The switch `drop_mask_prompt` of the protocol says whether it is
dropped at such a second click.

Source: emb-ai/rclicks, isegm/isegm/model/is_sam_model.py, is_sam2_model.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch

from rclicks_jax.bridge.adapter import Clicks

# Has `low_res`, the last answers of the network: logits, `f32[t r c]`.
State = dict[str, torch.Tensor]


class Prompts(NamedTuple):
    """Prompts of trajectories that can share a pass.

    All have the same number of clicks, and either all or none have a mask prompt.

    Attributes:
        rows: Numbers of the trajectories in the batch, `i64[n]`.
        xy: Clicks in pixels of the photograph, in the order they were made,
            `f32[n k 2]`.
        labels: 1 for the object, 0 for the background, `i64[n k]`.
        low_res: Mask prompts, logits, `f32[n r c]`; or None.
    """

    rows: np.ndarray
    xy: np.ndarray
    labels: np.ndarray
    low_res: torch.Tensor | None


def predict(
    decode: Callable[[Prompts], torch.Tensor],
    clicks: Clicks,
    state: State | None,
    drop_mask_prompt: bool,
    batch: int,
) -> torch.Tensor:
    """Answers every trajectory of a batch; trajectories of one kind share passes.

    Args:
        decode: A pass of the network on at most `batch` trajectories; it returns logits
            of low resolution, `f32[n r c]`.
        clicks: All clicks so far of each trajectory.
        state: State after the click before, with `low_res`, `f32[t r c]`; None at the
            first click.
        drop_mask_prompt: The switch of the protocol.
        batch: Most trajectories in a pass.

    Returns:
        Logits of low resolution, `f32[t r c]`.
    """
    rows, parts = [], []
    with torch.inference_mode():
        for prompts in _kinds(clicks, state, drop_mask_prompt, batch):
            rows.extend(prompts.rows)
            parts.append(decode(prompts))
        return torch.cat(parts)[np.argsort(rows)]


def drops_mask(positive: np.ndarray, drop_mask_prompt: bool) -> bool:
    """Tells whether a trajectory gets no mask prompt; its clicks are `bool[k]`."""
    return drop_mask_prompt and max(positive.sum(), (~positive).sum()) == 1


def _kinds(
    clicks: Clicks,
    state: State | None,
    drop_mask_prompt: bool,
    batch: int,
) -> Iterator[Prompts]:
    # Padding tokens take part in attention, so the clicks of a pass cannot be padded.
    kinds: dict[tuple[int, bool], list[int]] = {}
    for row, count in enumerate(clicks.count.tolist()):
        masked = not drops_mask(clicks.positive[row, :count], drop_mask_prompt)
        kinds.setdefault((count, masked and state is not None), []).append(row)
    for (count, masked), members in kinds.items():
        for start in range(0, len(members), batch):
            rows = np.array(members[start : start + batch])
            yield Prompts(
                rows,
                clicks.yx[rows, :count, ::-1].astype(np.float32),
                clicks.positive[rows, :count].astype(np.int64),
                state["low_res"][rows] if masked and state is not None else None,
            )
