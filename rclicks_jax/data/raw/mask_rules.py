"""What the mask files of a user's own folder mean, told from what is in them.

Masks come as grey images, with palettes, in colours, in an alpha channel, saved with
loss, resized, with void borders. Where a file can be read in one way only, it is, and a
note says what was decided; where it cannot, it is refused.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data.raw import BACKGROUND, IGNORE, OBJECT
from rclicks_jax.data.raw.mask_files import MaskFile
from rclicks_jax.ops import masks

ALPHA = "masks are in the alpha channel; the colour is the same everywhere"
ALPHA_DROPPED = "masks have an alpha channel, which is not used"
AS_WRITTEN = "bilevel TIFFs of tifffile are read as the array that was written"
AS_SHOWN = "bilevel TIFFs store white as 0; what is shown white is the object"
BLACK_GROUND = "palettes have their black at another index than 0; black is the ground"
CUT = "masks have soft edges or many values and are cut at half of their range"
CUT_LOSSY = "masks were saved with loss (JPEG) and are cut at half of their range"
EVERYWHERE = "an object touches all four borders; is it the ground?"
FULL = "label images have no 0: every pixel belongs to an object"
MANY = "label images have more than 64 objects"
NEGATIVE = "values below 0 are read as void and ignored"
NOT_VOID = "the label 255 is read as an object, not as void"
SEVERAL = (
    "masks have several values; all that is not 0 is one object (in labels/ each value "
    "would be one)"
)
TRIMAP = "masks of 0, 128 and 255 are read as trimaps; 128 is ignored"
VOID_255 = "255 beside small labels is read as void and ignored"
VOID_COLOUR = "the border colour of PASCAL VOC is read as void and ignored"

MANY_LABELS = 64
_VOC_BORDER = (224, 224, 192)
# 255 is void beside labels below this: evenly spread greys of objects are above.
_SMALL = 100
_TRIMAPS = ({127, 255}, {128, 255})
# Below this range noise of JPEG cannot be told from a mask.
_LEAST_RANGE = 64
# So many labels are needed before they are called noise.
_FEW = 8


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a mask file holds.

    Attributes:
        objects: Masks of objects, `u8[h w]` of `OBJECT`, `IGNORE` and `BACKGROUND`, by
            the id that tells them apart.
        notes: What was decided, as kinds of notes.
    """

    objects: dict[str, np.ndarray]
    notes: tuple[str, ...] = ()


# Reads the objects of a mask file, given the height and width of their photograph.
MaskRule = Callable[[MaskFile, tuple[int, int]], Reading]


class _Labels:
    """Pixels of a mask file by what they belong to.

    Attributes:
        ids: `i64[h w]`, 0 for the ground.
        brightness: `[h w]` to cut soft masks; None for indices.
        coloured: Whether brightness is that of colours.
        counts: Pixels of each id.
        void: Ids that are to be ignored.
        notes: What was decided so far.
        fractions: Whether the file holds fractions, of which ids are the ranks.
    """

    def __init__(
        self,
        ids: np.ndarray,
        brightness: np.ndarray | None,
        notes: list[str],
        *,
        coloured: bool = False,
        fractions: bool = False,
    ) -> None:
        self.ids = ids
        self.brightness = brightness
        self.counts = _counts(ids)
        self.void: set[int] = set()
        self.notes = notes
        self.coloured = coloured
        self.fractions = fractions

    @property
    def has_ground(self) -> bool:
        """Whether a pixel is 0."""
        return 0 in self.counts

    def objects(self) -> list[int]:
        """Returns the ids that are neither ground nor void."""
        return [i for i in self.counts if i and i not in self.void]

    def as_mask(self, chosen: np.ndarray) -> np.ndarray:
        """Returns a mask of pixels, with the void ignored."""
        mask = np.where(chosen, OBJECT, BACKGROUND).astype(np.uint8)
        if self.void:
            mask[np.isin(self.ids, list(self.void))] = IGNORE
        return mask


def _counts(ids: np.ndarray) -> dict[int, int]:
    if ids.min() >= 0 and ids.max() < 2**16:  # Much faster than sorting.
        counts = np.bincount(ids.ravel())
        return {int(i): int(counts[i]) for i in np.flatnonzero(counts)}
    values, counts = np.unique(ids, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def one_object(file: MaskFile, shape: tuple[int, int]) -> Reading:
    """Reads one object: what is not the ground.

    Raises:
        DataError: It cannot be told which pixels are meant.
    """
    del shape
    labels = _labels(file)
    exact = not file.lossy or len(labels.counts) == 1
    if exact:
        _find_void(labels)
        _find_trimap(labels)
    objects = labels.objects()
    if exact and len(objects) > 1 and labels.has_ground:
        exact = _are_labels(labels, objects)
        if exact:
            labels.notes.append(SEVERAL)
    elif len(objects) > 1:
        exact = False
    if exact:
        chosen = np.isin(labels.ids, objects)
    elif labels.brightness is None or (
        # Every colour is bright somewhere: their ground is not simply the darker one.
        labels.coloured and labels.brightness.min() >= _LEAST_RANGE
    ):
        raise errors.DataError(_NO_GROUND)
    else:
        chosen = _cut(labels.brightness, labels.has_ground)
        labels.notes.append(CUT_LOSSY if file.lossy else CUT)
    return _reading({"": labels.as_mask(chosen)}, labels.notes)


def each_label(file: MaskFile, shape: tuple[int, int]) -> Reading:
    """Reads the objects of a label image: each value but the ground's and void.

    Raises:
        DataError: It cannot be told which pixels belong to which object.
    """
    del shape
    if file.lossy:
        raise errors.DataError(
            "is a label image saved with loss (JPEG), which mixes the labels. Save "
            "label images as PNG, from the source."
        )
    labels = _labels(file)
    if labels.fractions:
        raise errors.DataError(
            "has fractions, and labels are whole numbers. Save label images as PNG."
        )
    _find_void(labels)
    objects = labels.objects()
    if len(objects) >= _FEW and not _are_labels(labels, objects, most=len(objects)):
        raise errors.DataError(
            "has values that lie along edges only: it was saved with loss (JPEG) or "
            "resized with interpolation. Save label images as PNG, and resize them "
            "with nearest neighbour."
        )
    if not labels.has_ground and objects:
        if _WHITE in objects and masks.touches_all_sides(labels.ids == _WHITE):
            raise errors.DataError(_NO_GROUND)
        labels.notes.append(FULL)
    if len(objects) > MANY_LABELS:
        labels.notes.append(MANY)
    if 255 in objects and len(objects) > 1:
        labels.notes.append(NOT_VOID)
    found = {str(i): labels.as_mask(labels.ids == i) for i in objects}
    return _reading(found, labels.notes)


def soft(file: MaskFile) -> np.ndarray:
    """Reads a soft mask in 8 bits.

    Returns:
        `u8[h w]`, 255 for the object; masks of 0 and 1 and of 16 bits are scaled to it.

    Raises:
        DataError: Its numbers are no shares.
    """
    mask = file.pixels if file.pixels.ndim == 2 else file.pixels[..., -1]
    if mask.dtype == np.uint16:
        mask = np.rint(mask / 257)
    elif mask.max() <= 1:
        mask = np.rint(mask * 255.0)
    if not (np.isfinite(mask).all() and mask.min() >= 0 and mask.max() <= 255):
        raise errors.DataError(
            "the previous mask has numbers outside of 0 to 1 and of 0 to 255."
        )
    return mask.astype(np.uint8)


def _reading(objects: dict[str, np.ndarray], notes: list[str]) -> Reading:
    if any(masks.touches_all_sides(mask == OBJECT) for mask in objects.values()):
        notes = [*notes, EVERYWHERE]
    return Reading(objects, tuple(notes))


_NO_GROUND = (
    "has no pixel of 0 (black), so that its ground cannot be told from its objects. "
    "Save it with 0 as ground."
)
# White by `masks.colour_ids`.
_WHITE = 0xFFFFFF


def _labels(file: MaskFile) -> _Labels:
    """Finds the numbers by which a mask file tells objects apart.

    Raises:
        DataError: It is of an unknown kind, has several pages, or numbers that are no
            labels.
    """
    if file.header is None:
        raise errors.DataError(
            "is an image of a kind that is not read as a mask. Save it as PNG."
        )
    if file.pages > 1:
        raise errors.DataError(
            f"has {file.pages} pages or frames; which one is meant cannot be told. "
            "Save each object's mask as a file of its own (masks/STEM/OBJECT.png)."
        )
    if file.indices is not None and file.palette is not None:
        return _of_palette(file, file.indices, file.palette)
    pixels, notes = _alpha_or_colour(file)
    if pixels.ndim == 3:
        if not (pixels == pixels[..., :1]).all():
            return _of_colours(pixels, notes)
        pixels = pixels[..., 0]
    if file.header.white_is_zero:
        written = "tifffile" in file.header.software
        notes.append(AS_WRITTEN if written else AS_SHOWN)
        pixels = 255 - pixels if written else pixels
    return _of_greys(pixels, file.spread, notes)


def _of_greys(pixels: np.ndarray, spread: int, notes: list[str]) -> _Labels:
    if not np.isfinite(pixels).all():
        raise errors.DataError("has values that are no numbers (NaN or infinity).")
    if (np.round(pixels) != pixels).any():
        values, ranks = np.unique(pixels, return_inverse=True)
        ids = ranks.reshape(pixels.shape).astype(np.int64) + (values[0] > 0)
        return _Labels(ids, pixels, notes, fractions=True)
    ids = pixels.astype(np.int64)
    if spread > 1 and not (ids % spread).any():
        ids //= spread
    labels = _Labels(ids, pixels, notes)
    labels.void = {i for i in labels.counts if i < 0}
    if labels.void:
        notes.append(NEGATIVE)
    return labels


def _of_colours(pixels_bgr: np.ndarray, notes: list[str]) -> _Labels:
    if pixels_bgr.dtype == np.uint8:
        ids = masks.colour_ids(pixels_bgr).astype(np.int64)
    else:
        blue, green, red = np.moveaxis(pixels_bgr.astype(np.int64), -1, 0)
        ids = (blue << 32) + (green << 16) + red
    red, green, blue = _VOC_BORDER
    labels = _Labels(ids, pixels_bgr.max(axis=2), notes, coloured=True)
    _note_border(labels, {blue * 65536 + green * 256 + red})
    return labels


def _of_palette(file: MaskFile, indices: np.ndarray, palette: np.ndarray) -> _Labels:
    """Tells objects by index, or by grey where a palette only shortens a grey image."""
    used = np.unique(indices)
    known = used[used < len(palette)]
    colours = palette[known]
    black = known[~colours.any(axis=1)]
    notes: list[str] = []
    if 0 in known and palette[0].any() and len(black):
        raise errors.DataError(
            f"has a palette whose index 0 is not black and whose index {black[0]} is: "
            "which of them is the ground cannot be told. Save it as grey, with 0 as "
            "ground."
        )
    grey = (colours == colours[:, :1]).all() and len(known) == len(used)
    greys = colours[:, 0].astype(np.int64)
    if grey and len(set(greys.tolist())) == len(used) and not _is_ramp(known, greys):
        labels = _of_greys(palette[indices, 0], 1, notes)
    else:
        ids = indices.astype(np.int64)
        if 0 not in used and len(black) == 1:
            ids[indices == black[0]] = 0
            notes.append(BLACK_GROUND)
        labels = _Labels(ids, None, notes)
    border = known[(colours == _VOC_BORDER).all(axis=1)]
    _note_border(labels, set(border.tolist()) - {0})
    return labels


def _is_ramp(indices: np.ndarray, greys: np.ndarray) -> bool:
    """Tells whether greys only show the indices, each so many times as bright."""
    step = int(greys[-1]) // max(1, int(indices[-1]))
    return bool(step > 0 and (greys == indices * step).all())


def _note_border(labels: _Labels, border: set[int]) -> None:
    """Ignores the border colour of VOC, unless nothing else is an object."""
    found = border & set(labels.objects())
    if found and len(labels.objects()) > len(found):
        labels.void |= found
        labels.notes.append(VOID_COLOUR)


def _alpha_or_colour(file: MaskFile) -> tuple[np.ndarray, list[str]]:
    """Returns the channels that hold the mask."""
    colour, alpha = file.pixels, file.alpha
    if alpha is None or (alpha == alpha[0, 0]).all():
        return colour, []
    if (colour == colour[0, 0]).all():
        return alpha, [ALPHA]
    some = colour.any(axis=2)
    opaque = alpha > np.iinfo(alpha.dtype).max // 2
    if not (some & opaque).any():
        raise errors.DataError(
            "has an alpha channel that hides all that its colours mark: which of them "
            "is the mask cannot be told. Save it as grey, without alpha."
        )
    return colour, [] if (some == opaque).all() else [ALPHA_DROPPED]


def _find_void(labels: _Labels) -> None:
    """Ignores 255 beside small labels, as VOC and others mark what is not labelled."""
    others = [i for i in labels.objects() if i != 255]
    if 255 not in labels.objects() or not others or max(others) >= _SMALL:
        return
    if _are_labels(labels, others):
        labels.void.add(255)
        labels.notes.append(VOID_255)


def _find_trimap(labels: _Labels) -> None:
    objects = labels.objects()
    if labels.brightness is None or set(objects) not in _TRIMAPS:
        return
    if labels.has_ground and _are_labels(labels, objects):
        labels.void.add(min(objects))
        labels.notes.append(TRIMAP)


def _are_labels(labels: _Labels, objects: list[int], most: int = MANY_LABELS) -> bool:
    """Tells labels from what blurring, resizing or JPEG leaves between values.

    Args:
        labels: Of the file.
        objects: Ids to judge; the largest of several is an object in any case.
        most: More ids than that are no labels.
    """
    if labels.brightness is None:
        return True
    if len(objects) > most:
        return False
    largest = max(objects, key=labels.counts.__getitem__)
    rest = [i for i in objects if i != largest] or objects
    between = masks.between_labels(labels.ids) & np.isin(labels.ids, rest)
    return 2 * int(between.sum()) <= sum(labels.counts[i] for i in rest)


def _cut(brightness: np.ndarray, has_ground: bool) -> np.ndarray:
    """Cuts a soft mask at half of its range.

    Raises:
        DataError: It is not bright enough to tell object and ground apart, or most of
            it is neither.
    """
    values = brightness.astype(np.float64)
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
    return 2 * values > low + high
