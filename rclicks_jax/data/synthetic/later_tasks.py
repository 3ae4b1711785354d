"""Synthetic tasks of later rounds, made from the targets of first clicks.

If a dataset has only first clicks, a click model never sees an error mask that differs
from the target, but needs to predict rounds 2 to 20. These tasks fill the gap: previous
masks come from `distortions`, clicks from `clicks`. No person made these clicks; models
that are trained on them say so.
"""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from rclicks_jax import errors, hashing
from rclicks_jax.data.synthetic import clicks as synthetic_clicks
from rclicks_jax.data.synthetic import distortions
from rclicks_jax.types import ClickExample

T = TypeVar("T")
CLICKS = 16


def plan(
    names: Sequence[str], share: float, kinds: Sequence[str]
) -> list[tuple[int, str]]:
    """Chooses targets and distortions for synthetic tasks.

    Args:
        names: Click set ids of the first clicks.
        share: Share of synthetic examples among all examples, in [0, 1).
        kinds: The distortions, keys of `distortions.KINDS`.

    Returns:
        Positions in `names`, with a distortion each; they depend on the names alone.

    Raises:
        BadValueError: A distortion is unknown, or there are too few targets for the
            share.
    """
    unknown = sorted(set(kinds) - set(distortions.KINDS))
    if unknown:
        raise errors.BadValueError(
            "--config.later_kinds", ", ".join(unknown), ", ".join(distortions.KINDS)
        )
    most = len(set(kinds)) / (1 + len(set(kinds)))
    if not 0 <= share <= most:
        raise errors.BadValueError(
            "--config.later_share",
            share,
            f"from 0 to {most:.2f} with {len(set(kinds))} distortions",
        )
    count = round(len(names) * share / (1 - share))
    pairs = [(index, kind) for index in range(len(names)) for kind in kinds]
    pairs.sort(key=lambda pair: hashing.stable_hash(f"{names[pair[0]]}/{pair[1]}"))
    return sorted(pairs[:count])


def make(example: ClickExample, kind: str) -> ClickExample | None:
    """Makes a task of a later round; None if the error would be too small.

    Args:
        example: A task of first clicks.
        kind: The distortion, a key of `distortions.KINDS`.
    """
    name = f"{example.click_set_id}_synthetic-{kind}"
    seed = hashing.stable_hash(f"{example.dataset}/{name}")
    generator = np.random.Generator(np.random.Philox(seed))
    target = example.gt_mask
    prev_mask = distortions.distort(kind, target, (), generator)
    if prev_mask is None:
        return None
    click_type = distortions.KINDS[kind]
    region = prev_mask & ~target if click_type == "fp" else target & ~prev_mask
    contrast = synthetic_clicks.contrast_of(example.image)
    return dataclasses.replace(
        example,
        click_set_id=f"{name}_{click_type}",
        click_type=click_type,
        mask_source=f"synthetic-{kind}",
        input_device=synthetic_clicks.INPUT_DEVICE,
        prev_mask=prev_mask.astype(np.float32),
        clicks_yx=synthetic_clicks.draw(contrast, region, CLICKS, generator),
    )
