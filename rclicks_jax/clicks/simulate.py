"""Click maps and sampled clicks for the user's own arrays, which are checked.

In three lines:

    model = simulate.load_model("runs/clickability/model")
    click_map = simulate.click_map(model, image, target)
    clicks_yx = simulate.sample_clicks(click_map, target, 20)
"""

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from rclicks_jax import distributed, errors
from rclicks_jax.clicks import click_models, groups, sampling
from rclicks_jax.networks import infer
from rclicks_jax.ops import buckets, distance, masks
from rclicks_jax.settings import protocols
from rclicks_jax.types import ClickQuery

_MASK = "bool; integers of 0 and 1, or of 0 and 255; or floats in [0, 1]"


def load_model(
    spec: str | os.PathLike[str],
    *,
    batch: int = 1,
    devices: int = 1,
    precision: str = infer.AUTO,
) -> click_models.ClickModel:
    """Loads a click model.

    Compiled programs are kept on disk, so only the very first call is slow. The network
    runs on JAX's default device: the first GPU or TPU, or the CPU. To use another
    device, load the model within `with jax.default_device(device):`.

    Args:
        spec: A model folder; `DT` or `UD`; `toy`, a small network that is trained on
            the sample dataset on first use and says nothing about people; or another
            spec of `click_models`.
        batch: Number of maps in one pass of the network on each device. A pass costs
            the same for any smaller number of maps, so 1 is best for single maps, and 8
            or more for `click_maps` of many objects on a GPU or TPU; 0 lets the device
            decide. With another batch, maps can differ by rounding (2.5e-7).
        devices: Devices of this machine among which maps are divided; 0 for all. Their
            number changes no bit of a map.
        precision: Precision of the network: `float32`, `bfloat16`, or `auto`, which is
            float32 on CPU and bfloat16 on accelerators.

    Raises:
        RClicksError: The model does not exist or cannot be read; there are fewer
            devices, or they cannot hold the batch.
    """
    for name, value in (("batch", batch), ("devices", devices)):
        if not isinstance(value, int) or value < 0:
            raise errors.BadValueError(name, repr(value), "a whole number from 0")
    distributed.use_compilation_cache()
    return click_models.load(
        os.fspath(spec), batch=batch, devices=devices, precision=precision
    )


def click_map(
    model: click_models.ClickModel,
    image: ArrayLike,
    target: ArrayLike,
    error: ArrayLike | None = None,
) -> np.ndarray:
    """Returns a density over the pixels of where people would click next.

    Args:
        model: A click model from `load_model`.
        image: The image, RGB `u8[h w 3]`, or grey `u8[h w]`.
        target: The object to segment, a mask `[h w]`: bool; integers of 0 and 1, or of
            0 and 255; or floats in [0, 1].
        error: The region that the click shall mend, a mask like `target`: missed
            target, or wrong foreground. None for the first click, which shall mend all
            of the target.

    Returns:
        The density, `f32[h w]`, non-negative, of any sum, not masked to the region.

    Raises:
        BadValueError: An array cannot be used; the message says why.
        DataError: The model returned values that are not a density.
    """
    queries = [query(image, target, error)]
    (density,) = click_models.maps_of(_checked(model), queries)
    return density


def click_maps(
    model: click_models.ClickModel,
    images: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    errors: Sequence[ArrayLike | None] | None = None,
) -> list[np.ndarray]:
    """Returns `click_map` for each of several objects; images may differ in shape.

    If several objects are on one image, pass the same array each time: it is then
    prepared once.
    """
    errors = [None] * len(images) if errors is None else errors
    queries = [query(*arrays) for arrays in zip(images, targets, errors, strict=True)]
    return click_models.maps_of(_checked(model), queries)


def sample_clicks(
    click_map: ArrayLike,
    error: ArrayLike,
    count: int,
    *,
    group: int | None = None,
    seed: int = 0,
    name: str = "",
    protocol: str = "paper",
) -> np.ndarray:
    """Draws clicks from a click map, within the error region.

    The same arguments give the same clicks on every machine, and close maps give nearly
    the same clicks: the share that differs is at most twice the total variation of the
    distributions. A smaller `count` gives the first of the clicks of a larger one. If
    the map has no mass in the region,
    clicks fall on its deepest pixel (`paper`) or anywhere in it (`strict`).

    Args:
        click_map: The click map, non-negative, `f32[h w]`, of any sum.
        error: Region in which clicks may fall, a mask as in `click_map`; a soft mask
            weighs the map. For a first click it is the target.
        count: Number of clicks, which are independent of each other.
        group: A clicking group, from 1, unlikely places, to 10, the likeliest; None for
            the whole distribution.
        seed: Seed of the draws, 0 to 2^32 - 1.
        name: Name of the object; objects with different names have different draws.
        protocol: Protocol by which groups are cut: `paper` or `strict`.

    Returns:
        Position `(y, x)` of each click, `i32[count 2]`.

    Raises:
        BadValueError: A value is not allowed; the message says which are.
    """
    density = _density(click_map)
    region = _mask("error", error, density.shape)
    number = _group_number(group)
    if not isinstance(count, int | np.integer) or count < 0:
        raise errors.BadValueError("count", repr(count), "a whole number from 0")
    sampling.check_seed(seed)
    rules = protocols.protocol(protocol)
    levels = drawable_levels(density, region, rules)
    return draw(
        levels, region, number, int(count), seed=seed, name=name, protocol=rules
    )


def drawable_levels(
    click_map: np.ndarray, error: np.ndarray, protocol: protocols.Protocol
) -> np.ndarray:
    """Returns the levels from which clicks in an error region are drawn.

    Args:
        click_map: The click map, `f32[h w]`.
        error: The error region, `bool[h w]`, or soft `f32[h w]`, which weighs the map.
        protocol: Protocol, whose `empty_map` applies to a map without mass there.

    Returns:
        The levels, `u16[h w]`; the probability of a pixel is its level over the sum of
        all levels.
    """
    weighed = click_map if error.dtype == bool else click_map * error
    return groups.drawable(weighed, error > 0, empty_map=protocol.empty_map)


def draw(
    levels: np.ndarray,
    error: np.ndarray,
    group: int,
    count: int,
    *,
    seed: int,
    name: str,
    protocol: protocols.Protocol,
) -> np.ndarray:
    """Draws clicks from the levels of a map; `sample_clicks` says more.

    If the name is `DATASET/INSTANCE`, the first click is that of the group in a
    benchmark.

    Args:
        levels: The levels from `drawable_levels`.
        error: The same region, with at least one pixel above 0.
        group: Number of the group, 1..10, or `groups.WHOLE`.
        count: Number of clicks.
        seed: Seed of the draws.
        name: Name of the object.
        protocol: Protocol by which groups are cut.

    Returns:
        Position `(y, x)` of each click, `i32[count 2]`.
    """
    box = masks.bounding_box(levels > 0)
    if box is None:
        region = error > 0
        _, deepest = distance.deepest_pixel(region, region)
        return np.tile(np.array(deepest, np.int32), (count, 1))
    # A program is compiled for each length, so lengths come in buckets.
    length = buckets.bucket_length(count)
    stream = np.array([group], np.int32)
    bits = sampling.random_bits(seed, name, stream, 0, length)[0, :count]
    inside = levels[box[0] : box[1], box[2] : box[3]]
    numbers = np.full(count, group, np.int32)
    part = sampling.Draw(inside, box[0], box[2], numbers, bits)
    pixels = sampling.draw_on_host(part, cut=protocol.group_cut)
    ys, xs = np.divmod(pixels, np.int32(inside.shape[1]))
    return np.stack([ys + np.int32(box[0]), xs + np.int32(box[2])], axis=-1)


def query(
    image: ArrayLike, target: ArrayLike, error: ArrayLike | None = None
) -> ClickQuery:
    """Checks arrays as in `click_map`, and returns them as a query for click models.

    Raises:
        BadValueError: An array cannot be used; the message says why.
    """
    picture = rgb_image(image)
    shape = picture.shape[:2]
    gt_mask = _mask("target", target, shape)
    error_mask = gt_mask if error is None else _mask("error", error, shape)
    return ClickQuery(picture, gt_mask, error_mask)


def _checked(model: click_models.ClickModel) -> click_models.ClickModel:
    """Returns the model; refuses the spec of a model and anything else."""
    if isinstance(model, str | os.PathLike):
        raise errors.BadValueError(
            "model",
            f"the text {os.fspath(model)!r}",
            f"what load_click_model returns: load_click_model({os.fspath(model)!r})",
        )
    if not callable(model):
        raise errors.BadValueError(
            "model", f"a {type(model).__name__}", "what load_click_model returns"
        )
    return model


def _group_number(group: int | None) -> int:
    if group is None:
        return groups.WHOLE
    if group not in range(1, groups.GROUP_COUNT + 1):
        raise errors.BadValueError("group", group, "1 to 10, or None for all of them")
    return int(group)


def rgb_image(image: ArrayLike) -> np.ndarray:
    """Checks an image; returns it as RGB `u8[h w 3]`.

    Args:
        image: RGB `u8[h w 3]`, or grey `u8[h w]`.

    Raises:
        BadValueError: It is something else.
    """
    array = np.asarray(image)
    allowed = "u8[h w 3], RGB in 0..255, or grey u8[h w]"
    if array.dtype != np.uint8:
        raise errors.BadValueError("image", f"values of type {array.dtype}", allowed)
    if array.ndim == 2:
        array = np.stack([array] * 3, axis=-1)
    if array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise errors.BadValueError("image", f"shape {array.shape}", allowed)
    return np.ascontiguousarray(array)


def hard_mask(what: str, given: ArrayLike, *, may_be_empty: bool = False) -> np.ndarray:
    """Checks a mask that is not soft; returns it as `bool[h w]`.

    Args:
        what: What an error calls it.
        given: Bool, or integers of 0 and 1 or of 0 and 255, `[h w]`.
        may_be_empty: Whether a mask without a pixel is allowed.

    Raises:
        BadValueError: It is something else.
    """
    array = np.asarray(given)
    if array.ndim != 2 or array.dtype.kind not in "biu":
        got = f"{array.dtype} of shape {array.shape}"
        allowed = "[h w] of bool, or of integers 0 and 1 or 0 and 255"
        raise errors.BadValueError(what, got, allowed)
    if may_be_empty and not array.any():
        return np.zeros(array.shape, bool)
    return _mask(what, array, array.shape)


def _mask(what: str, given: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Checks a mask; returns `bool[h w]`, or `f32[h w]` if it is soft."""
    array = np.asarray(given)
    if array.shape != shape:
        of_image = f"the shape of the image or click map, {shape}"
        raise errors.BadValueError(what, f"shape {array.shape}", of_image)
    if array.dtype.kind in "iu":
        values = np.unique(array).tolist()
        if not {*values} <= {0, 1} and not {*values} <= {0, 255}:
            shown = ", ".join(map(str, values[:5]))
            got = f"integers {shown}{', ...' if len(values) > 5 else ''}"
            raise errors.BadValueError(what, got, f"{_MASK}; of labels: labels == id")
        array = array > 0
    elif array.dtype.kind == "f":
        # This refuses NaN too.
        if not ((array >= 0) & (array <= 1)).all():
            raise errors.BadValueError(what, _range_of(array), _MASK)
        array = array.astype(np.float32)
    elif array.dtype != bool:
        raise errors.BadValueError(what, f"values of type {array.dtype}", _MASK)
    if not (array > 0).any():
        raise errors.BadValueError(what, "no pixel", "a mask of at least one pixel")
    return np.ascontiguousarray(array)


def _density(click_map: ArrayLike) -> np.ndarray:
    array = np.asarray(click_map)
    allowed = "f32[h w], finite and not negative"
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        got = f"{array.dtype} of shape {array.shape}"
        raise errors.BadValueError("click_map", got, allowed)
    if not (np.isfinite(array) & (array >= 0)).all():
        raise errors.BadValueError("click_map", _range_of(array), allowed)
    return array.astype(np.float32)


def _range_of(array: np.ndarray) -> str:
    if np.isnan(array).any():
        return f"{int(np.isnan(array).sum())} values that are no numbers"
    return f"values in {array.min():g}..{array.max():g}"
