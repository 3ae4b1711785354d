"""Synthetic tasks of later rounds, made of the targets of first clicks.

Where a dataset has first clicks alone, a click model never sees an error mask that
differs from the target, yet has to serve rounds 2 to 20. These tasks fill the gap:
previous masks by `distortions`, clicks by `clicks`. No person clicked
there; whatever is trained on them says so.
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
    """Chooses which targets get which distortions.

    Args:
        names: Click set ids of the first clicks.
        share: Of all examples that shall be synthetic, in [0, 1).
        kinds: Distortions, keys of `distortions.KINDS`.

    Returns:
        Positions in `names`, and a distortion for each; a pure function of the names.

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
    """Makes a task of a later round; None if the distortion leaves too small an error.

    Args:
        example: A task of first clicks.
        kind: A key of `distortions.KINDS`.
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
