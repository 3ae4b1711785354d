"""Converts mask files of a user's folder to labels: 0 for the ground.

An object has its own grey, index of a palette, colour or alpha value; some of these
values mean void.
"""

from collections.abc import Collection

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data.raw import BACKGROUND, IGNORE, OBJECT
from rclicks_jax.data.raw.mask_files import MaskFile
from rclicks_jax.ops import masks

ALPHA = "masks are in the alpha channel; the colour is the same everywhere"
ALPHA_DROPPED = "masks have an alpha channel, which is not used"
CUT_OUT = "masks are photographs that were cut out; their alpha channel is the mask"
AS_WRITTEN = "bilevel TIFFs of tifffile are read as the array that was written"
AS_SHOWN = "bilevel TIFFs store white as 0; what is shown white is the object"
BLACK_GROUND = "palettes have their black at another index than 0; black is the ground"
NEGATIVE = "values below 0 are read as void and ignored"
TRIMAP = "masks of 0, 128 and 255 are read as trimaps; 128 is ignored"
VOID_255 = "255 beside small labels is read as void and ignored"
VOID_65535 = "65535 beside small labels is read as void and ignored"
VOID_COLOUR = "the border colour of PASCAL VOC is read as void and ignored"

# More different values than this in masks/ are not taken for labels.
MANY_LABELS = 64
_VOC_BORDER = (224, 224, 192)
# 255 is void if all other labels are below this; evenly spread greys would be above.
_SMALL = 100
_TRIMAPS = ({127, 255}, {128, 255})
# Number of pixels that are counted at once, to save memory.
_AT_ONCE = 2**20


class Labels:
    """The labels of the pixels of a mask file.

    Attributes:
        ids: Label of each pixel, whole numbers, `[h w]`, 0 for the ground.
        brightness: Brightness by which soft masks are cut, `[h w]`; None if it has no
            meaning.
        coloured: Whether the brightness is that of colours.
        counts: Number of pixels of each id.
        void: Ids that are ignored.
        notes: Notes on what was decided so far.
        fractions: Whether the file holds fractions; ids are then their ranks.
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
        """Returns the mask of chosen pixels `bool[h w]`, with void as `IGNORE`."""
        mask = np.where(chosen, np.uint8(OBJECT), np.uint8(BACKGROUND))
        if self.void:
            mask[among(self.ids, self.void)] = IGNORE
        return mask


def _counts(ids: np.ndarray) -> dict[int, int]:
    if ids.dtype.kind == "u" and ids.dtype.itemsize <= 2:
        counts = np.zeros(256**ids.dtype.itemsize, np.int64)
        for rows in np.array_split(ids, max(1, ids.size // _AT_ONCE)):
            counts += np.bincount(rows.ravel(), minlength=counts.size)
        return {int(i): int(counts[i]) for i in np.flatnonzero(counts)}
    values, counts = np.unique(ids, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def among(ids: np.ndarray, chosen: Collection[int]) -> np.ndarray:
    """Tells which pixels have one of the chosen ids, `bool[h w]`."""
    if ids.dtype.kind == "u" and ids.dtype.itemsize <= 2:
        table = np.zeros(256**ids.dtype.itemsize, bool)
        table[list(chosen)] = True
        return table[ids]
    return np.isin(ids, list(chosen))


def channels_of(file: MaskFile) -> tuple[np.ndarray, list[str]]:
    """Returns the channels of a file that hold its mask, and notes.

    Raises:
        DataError: The file is of an unknown kind, has several pages, or has an alpha
            channel that hides the mask.
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
    pixels, notes = _alpha_or_colour(file)
    if file.header.white_is_zero:
        written = "tifffile" in file.header.software
        notes.append(AS_WRITTEN if written else AS_SHOWN)
        pixels = 255 - pixels if written else pixels
    return pixels, notes


def labels_of(file: MaskFile) -> Labels:
    """Returns the labels of a mask file.

    Raises:
        DataError: As in `channels_of`; or its values cannot be labels.
    """
    pixels, notes = channels_of(file)
    if file.indices is not None and file.palette is not None:
        return _of_palette(file.indices, file.palette)
    if pixels.ndim == 3:
        if not (pixels == pixels[..., :1]).all():
            return _of_colours(pixels, notes)
        pixels = pixels[..., 0]
    return _of_greys(pixels, file.spread, notes)


def _of_greys(pixels: np.ndarray, spread: int, notes: list[str]) -> Labels:
    ids = pixels
    if pixels.dtype.kind == "f":
        if not np.isfinite(pixels).all():
            raise errors.DataError("has values that are no numbers (NaN or infinity).")
        if (np.round(pixels) != pixels).any():
            values, ranks = np.unique(pixels, return_inverse=True)
            ids = ranks.reshape(pixels.shape) + (values[0] > 0)
            return Labels(ids, pixels, notes, fractions=True)
        ids = pixels.astype(np.int64)
    if spread > 1 and not (ids % spread).any():
        ids = ids // spread
    labels = Labels(ids, pixels, notes)
    labels.void = {i for i in labels.counts if i < 0}
    if labels.void:
        notes.append(NEGATIVE)
    return labels


def _of_colours(pixels_bgr: np.ndarray, notes: list[str]) -> Labels:
    if pixels_bgr.dtype == np.uint16 and not (pixels_bgr % 257).any():
        # Programs save 8 bits as 16 bits in this way; the colours are the same.
        pixels_bgr = (pixels_bgr // 257).astype(np.uint8)
    if pixels_bgr.dtype == np.uint8:
        ids = masks.colour_ids(pixels_bgr)
    else:
        blue, green, red = np.moveaxis(pixels_bgr.astype(np.int64), -1, 0)
        ids = (blue << 32) + (green << 16) + red
    red, green, blue = _VOC_BORDER
    labels = Labels(ids, pixels_bgr.max(axis=2), notes, coloured=True)
    _note_border(labels, {blue * 65536 + green * 256 + red})
    return labels


def _of_palette(indices: np.ndarray, palette: np.ndarray) -> Labels:
    """Labels by index; by grey if the palette only compresses a grey image."""
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
    all_known = len(known) == len(used)
    grey = all_known and (colours == colours[:, :1]).all()
    greys = colours[:, 0].astype(np.int64)
    if grey and len(set(greys.tolist())) == len(used) and not _is_ramp(known, greys):
        labels = _of_greys(palette[indices, 0], 1, notes)
    else:
        ids = indices.copy()
        if 0 not in used and len(black) == 1:
            ids[indices == black[0]] = 0
            notes.append(BLACK_GROUND)
        # Brightness shows soft edges only if the ground is black.
        is_dark = all_known and not palette[0].any()
        brightness = palette.max(axis=1)[indices] if is_dark else None
        labels = Labels(ids, brightness, notes, coloured=not grey)
    border = known[(colours == _VOC_BORDER).all(axis=1)]
    _note_border(labels, set(border.tolist()) - {0})
    return labels


def _is_ramp(indices: np.ndarray, greys: np.ndarray) -> bool:
    """Tells whether greys are the indices times one number."""
    step = int(greys[-1]) // max(1, int(indices[-1]))
    return bool(step > 0 and (greys == indices * step).all())


def _note_border(labels: Labels, border: set[int]) -> None:
    """Marks the border colour of VOC as void, unless there is no other object."""
    border_ids = border & set(labels.objects())
    if border_ids and len(labels.objects()) > len(border_ids):
        labels.void |= border_ids
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
    if not (some & ~opaque).any() and _is_photograph(colour[opaque]):
        return alpha, [CUT_OUT]
    return colour, [] if (some == opaque).all() else [ALPHA_DROPPED]


def _is_photograph(colours: np.ndarray) -> bool:
    """Tells whether pixels `[n 3]` have hues, and more colours than labels have."""
    hued = (colours != colours[:, :1]).any()
    return bool(hued) and len(np.unique(colours, axis=0)) > MANY_LABELS


def find_void(labels: Labels) -> None:
    """Marks 255, or 65535 in 16 bits, as void if all other labels are small.

    VOC and other datasets mark void in this way.
    """
    for value, note in ((255, VOID_255), (65535, VOID_65535)):
        others = [i for i in labels.objects() if i != value]
        if value not in labels.objects() or not others or max(others) >= _SMALL:
            continue
        if are_labels(labels, others):
            labels.void.add(value)
            labels.notes.append(note)


def find_trimap(labels: Labels) -> None:
    """Marks the middle of three values as void if it is not only an edge."""
    objects = labels.objects()
    if labels.brightness is None or set(objects) not in _TRIMAPS:
        return
    if labels.has_ground and are_labels(labels, objects):
        labels.void.add(min(objects))
        labels.notes.append(TRIMAP)


def are_labels(labels: Labels, objects: list[int], most: int = MANY_LABELS) -> bool:
    """Tells whether values are labels, not traces of blurring, resizing or JPEG.

    Args:
        labels: The labels of the file.
        objects: Ids to judge; the largest of several is an object in any case.
        most: Largest number of ids that may be labels.
    """
    if len(objects) > most:
        return False
    largest = max(objects, key=labels.counts.__getitem__)
    rest = [i for i in objects if i != largest] or objects
    between = count_between(labels)
    pixels = sum(labels.counts[i] for i in rest)
    return 2 * sum(between.get(i, 0) for i in rest) <= pixels


def count_between(labels: Labels) -> dict[int, int]:
    """Counts the pixels of each id that lie between others, as resizing makes them."""
    return _counts(labels.ids[masks.between_labels(labels.ids)])
