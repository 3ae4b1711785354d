"""Reads photographs: whole, in 8 bits, in the frame of their masks."""

import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data.raw import files
from rclicks_jax.ops import decoding, image_headers, images

SCALED = "photographs store fewer than 16 bits in 16 and are scaled by the bits in use"
PAGES = "photographs have several pages or frames; the first is used"
TRANSPARENT = "photographs are partly transparent; the transparency is dropped"
FURTHER = (
    "photographs have a channel beside red, green and blue that is no transparency; it "
    "is not read"
)
NOT_TURNED = (
    "photographs are used as they are stored, not as their EXIF tag turns them, "
    "because their annotations are"
)
TURNED = "photographs are turned as their EXIF tag says, as their annotations are"
TAKEN_AS_TURNED = (
    "photographs are turned as their EXIF tag says; it cannot be told whether the "
    "published masks are"
)
_DEPTHS = (8, 10, 12, 14, 16)


@dataclasses.dataclass(frozen=True)
class Photograph:
    """A photograph that was decoded once as a check.

    Attributes:
        encoded: File content that `images.decode_image` decodes to the pixels to use.
        shape: Height and width of these pixels.
        turn: EXIF's orientation, 1 to 8, by which they are turned; 1 for none.
        notes: Kinds of notes on what was decided while it was read.
    """

    encoded: bytes
    shape: tuple[int, int]
    turn: int = 1
    notes: tuple[str, ...] = ()

    @property
    def stored_shape(self) -> tuple[int, int]:
        """Height and width of the stored pixels, before EXIF turns them."""
        height, width = self.shape
        return (width, height) if self.turn > 4 else (height, width)


def read(path: pathlib.Path, name: str = "") -> Photograph:
    """Reads a photograph and decodes all of it.

    Args:
        path: Path of the file.
        name: Name of the file in messages; its path if empty.

    Raises:
        DataError: The file is missing, damaged, too large or not a photograph.
    """
    return parse(files.read(path, name), name or str(path))


def parse(encoded: bytes, name: str) -> Photograph:
    """Reads a photograph from the content of a file; see `read`.

    Raises:
        DataError: As in `read`.
    """
    header = decoding.checked_header(encoded, name)
    pixels = images.decode_whole(encoded, name)
    shape = pixels.shape[:2]
    if header is None:
        return _of_other_kind(encoded, shape, name)
    _check_colours(header, name)
    turn = _obeyed(header, pixels, encoded, name)
    notes = []
    if header.pages > 1:
        notes.append(PAGES)
    if header.samples == 4 and header.colours == 3 and not header.alpha:
        notes.append(FURTHER)
    if header.mode in ("RGBA", "LA", "PA"):
        alpha = _alpha(header, encoded, name)
        if alpha is not None and not _is_full(alpha):
            notes.append(TRANSPARENT)
            if header.alpha == image_headers.NOT_MULTIPLIED and header.bits == 8:
                encoded = images.encode_png(_opened(encoded, name)[..., :3])
    if header.bits == 16:
        deep = images.decode_deep(encoded, name)
        scaled = _in_8_bits(deep)
        if scaled is None and TRANSPARENT in notes and deep.dtype == np.uint16:
            encoded = images.encode_png((deep >> 8).astype(np.uint8))
        if scaled is not None:
            encoded = images.encode_png(scaled)
            notes.append(SCALED)
    return Photograph(encoded, shape, turn, tuple(notes))


def _of_other_kind(encoded: bytes, shape: tuple[int, int], name: str) -> Photograph:
    """Reads a photograph of a format that only OpenCV knows, such as PPM or JPEG 2000.

    Raises:
        DataError: Its samples do not have 8 or 16 bits.
    """
    deep = images.decode_deep(encoded, name)
    if deep.dtype not in (np.uint8, np.uint16):
        raise errors.DataError(
            f"{name} has {8 * deep.itemsize}-bit samples{decoding.SIGNED}. Photographs "
            "have 8 or 16 bits; convert it."
        )
    scaled = _in_8_bits(deep)
    if scaled is None:
        return Photograph(encoded, shape)
    return Photograph(images.encode_png(scaled), shape, notes=(SCALED,))


def _check_colours(header: image_headers.Header, name: str) -> None:
    """Raises `DataError` for TIFFs that OpenCV reads in a wrong way."""
    if not header.unsigned:
        raise errors.DataError(
            f"{name} has {header.bits}-bit samples{decoding.SIGNED}. "
            "Photographs have 8 or 16 bits; convert it."
        )
    if not header.colours:
        raise errors.DataError(
            f"{name} is a TIFF whose colours are neither grey, RGB, YCbCr nor CMYK, "
            "such as Lab. Save it as RGB."
        )
    if header.colours == 1 and header.samples > 1 and header.mode != "LA":
        raise errors.DataError(
            f"{name} has {header.samples} channels of grey, of which one can be read; "
            "which one is meant cannot be told. Save it as RGB, or as grey."
        )


def _alpha(
    header: image_headers.Header, encoded: bytes, name: str
) -> np.ndarray | None:
    """Returns the alpha channel of a photograph, `[h w]`; None if there is none."""
    if header.kind == "TIFF":
        return _opened(encoded, name)[..., 3]
    stored = images.decode_stored(encoded, name)
    is_rgba = stored.ndim == 3 and stored.shape[2] == 4
    return stored[..., 3] if is_rgba else None


def _opened(encoded: bytes, name: str) -> np.ndarray:
    try:
        return image_headers.without_alpha(encoded)
    except errors.DataError as error:
        raise errors.DataError(f"{name} is {error}") from error


def _obeyed(
    header: image_headers.Header, shown: np.ndarray, encoded: bytes, name: str
) -> int:
    """Returns the turn that OpenCV has made: it ignores tags of odd types."""
    if header.turn == 1 or header.kind == "TIFF":
        return header.turn
    stored = images.decode_unturned(encoded, name)
    return 1 if np.array_equal(stored, shown) else header.turn


def _is_full(alpha: np.ndarray) -> bool:
    return bool((alpha == np.iinfo(alpha.dtype).max).all())


def _in_8_bits(deep: np.ndarray) -> np.ndarray | None:
    """Scales a photograph of 16 bits by the bits in use; None if all are in use.

    Cameras and microscopes store 10, 12 or 14 bits in 16. The depth is the smallest
    that holds the brightest sample; the lowest bits are dropped.

    Args:
        deep: The photograph, `u16[h w 3]`; for `u8[h w 3]` the result is None.
    """
    bits = next(depth for depth in _DEPTHS if int(deep.max()) < 2**depth)
    if deep.dtype != np.uint16 or bits == _DEPTHS[-1]:
        return None
    return (deep >> (bits - 8)).astype(np.uint8)


def in_frame_of(
    photo: Photograph, shapes: Iterable[tuple[int, int]], *, turned: bool = False
) -> Photograph:
    """Returns the photograph in the frame of its annotations.

    A photograph with an EXIF tag that turns it has two frames: the stored pixels, which
    many annotation tools use, and the turned image of viewers. The size of annotations
    shows their frame, unless the photograph is square or turned by 180 degrees.

    Args:
        photo: The photograph from `read`, turned by its tag.
        shapes: Height and width of each of its annotations.
        turned: Whether the annotations are known to be in the turned frame.

    Returns:
        The photograph as it is, or with `encoded` and `shape` of its stored pixels. If
        the annotations have neither size, it stays as it is.

    Raises:
        DataError: The tag turns the photograph and the frame of the annotations is not
            clear.
    """
    if photo.turn == 1:
        return photo
    sizes = set(shapes)
    if turned or (photo.shape != photo.stored_shape and photo.shape in sizes):
        return dataclasses.replace(photo, notes=(*photo.notes, TURNED))
    if photo.stored_shape not in sizes:
        return photo
    if photo.shape == photo.stored_shape:
        raise errors.DataError(
            f"the EXIF tag of the photograph turns it (orientation {photo.turn}), and "
            "its annotations have no tag; with this turn and size it cannot be told "
            "whether they fit the stored pixels or the turned ones. Turn the pixels "
            "(`mogrify -auto-orient FILE`) if they fit what a viewer shows, or delete "
            "the tag (`exiftool -Orientation= FILE`) if they do not."
        )
    return dataclasses.replace(
        photo,
        encoded=_stored(photo),
        shape=photo.stored_shape,
        turn=1,
        notes=(*photo.notes, NOT_TURNED),
    )


def _stored(photo: Photograph) -> bytes:
    """Returns the content of a file with the stored pixels and no tag that turns."""
    upright = image_headers.without_turn(photo.encoded)
    if upright is not None:
        return upright
    pixels = images.decode_image(photo.encoded, "the photograph")
    return images.encode_png(images.turned_back(pixels, photo.turn))
