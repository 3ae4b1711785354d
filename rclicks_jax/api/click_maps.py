"""Where people click: click models, click maps, and clicks drawn from them."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rclicks_jax import errors
from rclicks_jax.api import arguments
from rclicks_jax.clicks import click_models, error_masks, simulate, strategies

ClickModel = click_models.ClickModel


class ErrorRegion(NamedTuple):
    """The region that the next click is to mend.

    Attributes:
        mask: Its pixels, `bool[h w]`; at least one is true.
        positive: True if it is missed target, so that the click says "object here";
            False if it is wrong foreground.
    """

    mask: NDArray[np.bool_]
    positive: bool


def load_click_model(
    spec: str | os.PathLike[str],
    *,
    batch: int = 1,
    devices: int = 1,
    precision: str = "auto",
) -> ClickModel:
    """Loads a model of where people click.

    Args:
        spec: A model folder, which `rclicks-convert` makes of the published weights;
            `DT` (deep inside the region is likely) or `UD` (all of it alike); `SI` or
            `SM` with a saliency model; or `toy`, a small network that is trained on
            the sample dataset on first use and says nothing about people.
        batch: Maps in one pass of a network on each device. 1 is best for `click_map`;
            8 or more for `click_map_batch` on a GPU or TPU; 0 lets the device decide.
            Another batch changes maps by rounding (2.5e-7).
        devices: GPUs or TPUs of this machine among which `click_map_batch` divides
            maps; 0 for all. Their number changes no bit of a map.
        precision: Precision of a network: `float32`, `bfloat16`, or `auto`, which is
            float32 on CPU and bfloat16 on accelerators.

    Raises:
        RClicksError: There is no such model, or it cannot be read.

    Examples:
        >>> import rclicks_jax
        >>> rclicks_jax.load_click_model("DT")
        <click model DT>
    """
    arguments.check_text("spec", spec, "a model folder, or text such as 'DT'")
    return simulate.load_model(spec, batch=batch, devices=devices, precision=precision)


def error_region(target: ArrayLike, previous_mask: ArrayLike) -> ErrorRegion:
    """Returns the region that the next click of a benchmark would mend.

    It is all of the missed target or all of the wrong foreground, whichever has the
    pixel that lies deeper inside it.

    Args:
        target: The object to segment, a mask `[h w]`: bool, or integers of 0 and 1 or
            of 0 and 255.
        previous_mask: What is segmented so far, a mask like `target`; may be empty.

    Raises:
        RClicksError: A mask cannot be used, or `previous_mask` equals `target`.

    Examples:
        >>> import numpy as np, rclicks_jax
        >>> target = np.zeros((40, 60), bool)
        >>> target[10:30, 10:50] = True
        >>> previous_mask = target.copy()
        >>> previous_mask[:, 30:] = False
        >>> region = rclicks_jax.error_region(target, previous_mask)
        >>> int(region.mask.sum()), region.positive
        (400, True)
    """
    gt_mask = simulate.hard_mask("target", target)
    prev_mask = simulate.hard_mask("previous_mask", previous_mask, may_be_empty=True)
    if prev_mask.shape != gt_mask.shape:
        raise errors.BadValueError(
            "previous_mask",
            f"shape {prev_mask.shape}",
            f"that of target, {gt_mask.shape}",
        )
    wrong = error_masks.of_arrays(gt_mask, prev_mask, None)
    if not any(mask.any() for mask in wrong):
        raise errors.BadValueError(
            "previous_mask", "a mask equal to target", "one with an error to mend"
        )
    click = strategies.baseline_click(wrong, np.zeros((0, 2), np.int32))
    return ErrorRegion(click.error_mask.unpack(), click.positive)


def click_map(
    model: ClickModel,
    image: ArrayLike,
    target: ArrayLike,
    previous_mask: ArrayLike | None = None,
) -> NDArray[np.float32]:
    """Returns where people would click next, as a density over the pixels.

    Args:
        model: A model from `load_click_model`.
        image: RGB `u8[h w 3]`, or grey `u8[h w]`.
        target: The object to segment, a mask `[h w]`: bool, or integers of 0 and 1 or
            of 0 and 255.
        previous_mask: What is segmented so far, a mask like `target`; None before the
            first click. The map is then about `error_region(target, previous_mask)`.

    Returns:
        `f32[h w]`, not negative, of any sum, and not cut to the error region.

    Raises:
        RClicksError: An array cannot be used, or the model gave no density.

    Examples:
        >>> import numpy as np, rclicks_jax
        >>> image = np.zeros((40, 60, 3), np.uint8)
        >>> target = np.zeros((40, 60), bool)
        >>> target[10:30, 10:50] = True
        >>> model = rclicks_jax.load_click_model("DT")
        >>> click_map = rclicks_jax.click_map(model, image, target)
        >>> click_map.shape, click_map.dtype.name, float(click_map[20, 30])
        ((40, 60), 'float32', 1.0)
    """
    return simulate.click_map(model, image, target, _error(target, previous_mask))


def click_map_batch(
    model: ClickModel,
    images: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    previous_masks: Sequence[ArrayLike | None] | None = None,
) -> list[NDArray[np.float32]]:
    """Returns `click_map` of each of several objects; the images may differ in shape.

    Args:
        model: A model from `load_click_model`, best with `batch=0`.
        images: An image for each object. Give an image of several objects as the same
            array each time: it is then prepared once.
        targets: A target for each object.
        previous_masks: A previous mask, or None, for each object; None for no one.

    Raises:
        RClicksError: An array cannot be used, or the model gave no density.

    Examples:
        >>> import numpy as np, rclicks_jax
        >>> image = np.zeros((40, 60, 3), np.uint8)
        >>> left, right = np.zeros((2, 40, 60), bool)
        >>> left[10:30, 5:25] = right[10:30, 35:55] = True
        >>> model = rclicks_jax.load_click_model("UD", batch=0)
        >>> maps = rclicks_jax.click_map_batch(model, [image, image], [left, right])
        >>> [int(click_map.sum()) for click_map in maps]
        [400, 400]
    """
    if previous_masks is None:
        return simulate.click_maps(model, images, targets)
    regions = [
        _error(target, previous_mask)
        for target, previous_mask in zip(targets, previous_masks, strict=True)
    ]
    return simulate.click_maps(model, images, targets, regions)


def sample_clicks(
    click_map: ArrayLike,
    region: ArrayLike,
    count: int,
    *,
    group: int | None = None,
    seed: int = 0,
    name: str = "",
    protocol: str = "paper",
) -> NDArray[np.int32]:
    """Draws clicks from a click map, within the region that is to be mended.

    The same arguments give the same clicks everywhere, and fewer clicks are the first
    of more. Without mass in the region, they fall on its deepest pixel (`paper`) or
    anywhere in it (`strict`).

    Args:
        click_map: Density `f32[h w]`, not negative, of any sum.
        region: Where a click may fall, a mask `[h w]`: the target for a first click,
            later `error_region(...).mask`. A soft one, in [0, 1], weighs the map.
        count: Number of clicks, each drawn independently.
        group: Clicking group, from 1, unlikely places, to 10, the likeliest; None for
            the whole distribution.
        seed: Seed of the draws, 0 to 2^32 - 1.
        name: Name of the object, so that objects have draws of their own.
        protocol: How groups are cut: `paper` or `strict`.

    Returns:
        `(y, x)` of each click, pixels from the top left, `i32[count 2]`.

    Raises:
        RClicksError: A value is not allowed; the message says which are.

    Examples:
        >>> import numpy as np, rclicks_jax
        >>> target = np.zeros((40, 60), bool)
        >>> target[10:30, 10:50] = True
        >>> click_map = target.astype(np.float32)
        >>> clicks = rclicks_jax.sample_clicks(click_map, target, 5, group=10)
        >>> clicks.shape, bool(target[tuple(clicks.T)].all())
        ((5, 2), True)
    """
    return simulate.sample_clicks(
        click_map,
        region,
        count,
        group=group,
        seed=seed,
        name=name,
        protocol=protocol,
    )


def _error(
    target: ArrayLike, previous_mask: ArrayLike | None
) -> NDArray[np.bool_] | None:
    return None if previous_mask is None else error_region(target, previous_mask).mask
