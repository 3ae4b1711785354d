"""Rules that find the meaning of mask files in a user's own folder from their content.

Masks come as grey images, with palettes, in colours, in an alpha channel, saved with
loss, resized, with void borders. If a file has only one possible meaning, it is read
so, and a note says what was decided; otherwise it is refused.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data.raw import BACKGROUND, OBJECT, mask_labels
from rclicks_jax.data.raw.mask_files import MaskFile
from rclicks_jax.data.raw.mask_labels import MANY_LABELS
from rclicks_jax.ops import masks

CUT = "masks have soft edges or many values and are cut at half of their range"
CUT_LOSSY = "masks were saved with loss (as by JPEG) and are cut at half of their range"
EDGES = "label images have labels along the edges of others only; were they resized?"
EVERYWHERE = "an object touches all four borders; is it the ground?"
FULL = "label images have no 0: every pixel belongs to an object"
MANY = "label images have more than 64 objects"
NOT_VOID = "the label 255 is read as an object, not as void"
NOT_GROUND = "white is read as an object of its own, not as ground or void"
SEVERAL = (
    "masks have several values; all that is not 0 is one object (in labels/ each value "
    "would be one)"
)

# In a smaller range of values, a mask cannot be told from noise of JPEG.
_LEAST_RANGE = 64
# Fewer labels than this are never taken for noise.
_FEW = 8


@dataclasses.dataclass(frozen=True)
class Reading:
    """The objects of a mask file.

    Attributes:
        objects: Masks `u8[h w]` of `OBJECT`, `IGNORE` and `BACKGROUND`, by the id of
            the object in the file. A mask may be made at each access.
        notes: Kinds of notes on what was decided.
    """

    objects: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()


# Reads the objects of a mask file, given the height and width of their photograph.
MaskRule = Callable[[MaskFile, tuple[int, int]], Reading]


def one_object(file: MaskFile, shape: tuple[int, int]) -> Reading:
    """Reads one object: all pixels that are not the ground.

    Raises:
        DataError: The object cannot be told from the ground.
    """
    del shape
    labels = mask_labels.labels_of(file)
    exact = not file.lossy or len(labels.counts) == 1
    if exact:
        mask_labels.find_void(labels)
        mask_labels.find_trimap(labels)
    objects = labels.objects()
    if exact and len(objects) > 1 and labels.has_ground:
        exact = mask_labels.are_labels(labels, objects)
        if exact:
            labels.notes.append(SEVERAL)
    elif len(objects) > 1:
        exact = False
    if exact:
        chosen = mask_labels.among(labels.ids, objects)
    elif labels.has_ground and labels.brightness is None:
        raise errors.DataError(_NEITHER)
    elif labels.brightness is None or (
        # If all colours are bright, the darker one need not be the ground.
        labels.coloured and labels.brightness.min() >= _LEAST_RANGE
    ):
        raise errors.DataError(_NO_GROUND)
    else:
        chosen = _cut(labels.brightness, labels.has_ground)
        labels.notes.append(CUT_LOSSY if file.lossy else CUT)
    mask = labels.as_mask(chosen)
    if masks.touches_all_sides(mask == OBJECT):
        labels.notes.append(EVERYWHERE)
    return Reading({"": mask}, tuple(labels.notes))


def each_label(file: MaskFile, shape: tuple[int, int]) -> Reading:
    """Reads the objects of a label image: each value except ground and void.

    Raises:
        DataError: Labels cannot be told from noise, or objects from the ground.
    """
    del shape
    if file.lossy:
        raise errors.DataError(
            "is a label image saved with loss (JPEG), which mixes the labels. Save "
            "label images as PNG, from the source."
        )
    labels = mask_labels.labels_of(file)
    if labels.fractions:
        raise errors.DataError(
            "has fractions, and labels are whole numbers. Save label images as PNG."
        )
    mask_labels.find_void(labels)
    objects = labels.objects()
    if len(objects) >= _FEW and not mask_labels.are_labels(
        labels, objects, most=len(objects)
    ):
        raise errors.DataError(
            "has values that lie along edges only: it was saved with loss (JPEG) or "
            "resized with interpolation. Save label images as PNG, and resize them "
            "with nearest neighbour."
        )
    if len(objects) > 1:
        between = mask_labels.count_between(labels)
        if any(2 * between.get(i, 0) > labels.counts[i] for i in objects):
            labels.notes.append(EDGES)
    if not labels.has_ground and objects:
        # A single label may fill the image; beside others, white is the ground.
        for white in (_WHITE, 255, 65535):
            among = white in objects and (white == _WHITE or len(objects) > 1)
            if among and masks.touches_all_sides(labels.ids == white):
                raise errors.DataError(_NO_GROUND)
        labels.notes.append(FULL)
    if len(objects) > MANY_LABELS:
        labels.notes.append(MANY)
    if len(objects) > 1:
        labels.notes += [NOT_VOID] * (255 in objects) + [NOT_GROUND] * (
            _WHITE in objects
        )
    if not masks.labels_on_all_sides(labels.ids).isdisjoint(objects):
        labels.notes.append(EVERYWHERE)
    return Reading(_LabelMasks(labels), tuple(labels.notes))


class _LabelMasks(Mapping[str, np.ndarray]):
    """Masks of the labels of an image, each made at access to save memory."""

    def __init__(self, labels: mask_labels.Labels) -> None:
        self._labels = labels
        self._ids = {str(i): i for i in labels.objects()}

    def __getitem__(self, key: str) -> np.ndarray:
        return self._labels.as_mask(self._labels.ids == self._ids[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def soft(file: MaskFile) -> np.ndarray:
    """Reads a soft mask as 8 bits.

    If a file has a single value beside 0, that value is the object, whatever it is.

    Returns:
        The mask, `u8[h w]`, 255 for the object; shares and values of 16 bits are
        scaled.

    Raises:
        DataError: Its values are not shares, or their meaning is not clear.
    """
    try:
        mask = _soft_levels(file)
    except errors.DataError as error:
        raise errors.DataError(f"the previous mask {error}") from error
    if not np.isfinite(mask).all() or mask.min() < 0:
        raise errors.DataError(_NO_SHARES)
    values = np.unique(mask)
    if len(values) == 2 and not values[0]:
        return np.where(mask > 0, np.uint8(OBJECT), np.uint8(BACKGROUND))
    if mask.max() <= 1:
        mask = np.rint(mask * 255.0)
    elif mask.dtype == np.uint16 and mask.max() > OBJECT:
        mask = np.rint(mask / 257)
    if mask.max() > OBJECT:
        raise errors.DataError(_NO_SHARES)
    return mask.astype(np.uint8)


def _soft_levels(file: MaskFile) -> np.ndarray:
    """Returns the values of a soft mask: greys, alpha, or the only colour.

    Raises:
        DataError: The file has several pages, or several colours.
    """
    pixels, _ = mask_labels.channels_of(file)
    if file.indices is not None and len(np.unique(file.indices)) <= 2:
        return file.indices
    if pixels.ndim == 3:
        if (pixels == pixels[..., :1]).all():
            return pixels[..., 0]
        colours = np.unique(pixels[pixels.any(axis=2)], axis=0)
        if len(colours) > 1:
            raise errors.DataError(
                "has several colours; its levels must be greys. Save it as grey."
            )
        return pixels.max(axis=2)
    return pixels


_NO_SHARES = "the previous mask has numbers outside of 0 to 1 and of 0 to 255."
_NEITHER = (
    "has values that are neither labels nor a mask with soft edges. Save it as PNG, "
    "with 0 as ground and 255 as object."
)
_NO_GROUND = (
    "has no pixel of 0 (black), so that its ground cannot be told from its objects. "
    "Save it with 0 as ground."
)
# White by `masks.colour_ids`.
_WHITE = 0xFFFFFF


def _cut(brightness: np.ndarray, has_ground: bool) -> np.ndarray:
    """Cuts a soft mask at half of its range.

    Raises:
        DataError: Object and ground are too similar, most pixels are neither, or the
            mask has several levels.
    """
    values = brightness.astype(np.float32 if brightness.itemsize < 4 else np.float64)
    low, high = values.min(), values.max()
    whole = np.issubdtype(brightness.dtype, np.integer)
    if whole and high - low < _LEAST_RANGE:
        raise errors.DataError(
            f"has values from {low:g} to {high:g} that are neither labels nor a mask "
            "with soft edges. Save it as PNG with 0 as ground and 255 as object."
            if has_ground
            else _NO_GROUND
        )
    middle = (values > low + (high - low) / 8) & (values < high - (high - low) / 8)
    if 2 * middle.sum() > middle.size:
        raise errors.DataError(
            "is no mask: most of its pixels are neither dark nor bright. Is it a "
            "photograph?"
        )
    bright = 2 * values > low + high
    level = _level(values, middle & (masks.local_range(values) < (high - low) / 16))
    if level is not None and level[1] * 10 > bright.sum():
        raise errors.DataError(
            f"has several levels of grey, one of them around {level[0]:g}; saved so, "
            "levels cannot be told from soft edges. Save each object's mask as a file "
            "of its own (masks/STEM/OBJECT.png), or label images as PNG in labels/."
        )
    return bright


def _level(values: np.ndarray, even: np.ndarray) -> tuple[float, int] | None:
    """Finds a grey that even areas have in common, unlike the greys of a slope.

    Args:
        values: The values, `f32[h w]`.
        even: Pixels of even areas, `bool[h w]`.

    Returns:
        The grey and the number of even pixels; None if they have no grey in common.
    """
    if not even.any():
        return None
    greys = values[even]
    step = (values.max() - values.min()) / 16
    counts, edges = np.histogram(
        greys, bins=np.arange(values.min(), values.max(), step)
    )
    most = int(counts.argmax())
    if 10 * counts[most] < 3 * greys.size:
        return None
    return float(edges[most] + step / 2), int(greys.size)
