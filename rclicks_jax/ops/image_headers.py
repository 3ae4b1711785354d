"""Headers of image files.

OpenCV decodes, so that photographs are those of the original; Pillow reads what OpenCV
does not tell: the kind of file, palettes, EXIF, pages.
"""

import contextlib
import dataclasses
import io
import struct
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from rclicks_jax import errors

# Pillow's classes and not `Image.open`, which warns of large photographs.
_READERS: dict[bytes, type[ImageFile.ImageFile]] = {
    b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
    b"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
    b"BM": BmpImagePlugin.BmpImageFile,
    b"RIFF": WebPImagePlugin.WebPImageFile,
    b"II*\0": TiffImagePlugin.TiffImageFile,
    b"MM\0*": TiffImagePlugin.TiffImageFile,
    b"II+\0": TiffImagePlugin.TiffImageFile,
    b"MM\0+": TiffImagePlugin.TiffImageFile,
    b"GIF8": GifImagePlugin.GifImageFile,
}
# Tags of TIFF and EXIF.
_SUBFILE_TYPE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION = 254, 256, 257, 258, 259
_PHOTOMETRIC, _ORIENTATION, _SAMPLES, _SOFTWARE = 262, 274, 277, 305
_EXTRA_SAMPLES, _SAMPLE_FORMAT = 338, 339
# What a TIFF's colours are, and of how many channels; others are read wrongly.
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}
_JPEG_IN_TIFF = (6, 7)
# `Header.alpha` of colours that are as they are where the image is opaque.
NOT_MULTIPLIED = 2
_limit_lock = threading.Lock()
# Pages of a TIFF that are a smaller copy or a transparency of another one.
_NO_PAGE_OF_ITS_OWN = 1 | 4
_DEEP_MODES = {"I": 32, "F": 32}


@dataclasses.dataclass(frozen=True)
class Header:
    """Properties of an image file, as its header gives them.

    Attributes:
        kind: `JPEG`, `PNG`, `BMP`, `WEBP`, `TIFF` or `GIF`.
        shape: Height and width of the stored pixels.
        turn: EXIF's orientation, 1 to 8; 1 for none.
        mode: Pillow's mode, such as `L`, `RGB` or `P`.
        bits: Bits of a stored sample.
        pages: Pages or frames.
        lossy: Whether the compression may have changed values.
        white_is_zero: Whether it is a bilevel TIFF that shows 0 as white.
        software: Name of the program that wrote it; empty if it is not given.
        samples: Channels that a TIFF stores of a pixel; 1 for other kinds.
        colours: How many of them are grey or colours; 0 for colours that are not read.
        alpha: What a TIFF's first further channel is, as its tag says: 1 for alpha that
            colours are multiplied by, 2 for any other, 0 for something else.
        unsigned: Whether samples are whole numbers that cannot be negative.
    """

    kind: str
    shape: tuple[int, int]
    turn: int
    mode: str
    bits: int
    pages: int
    lossy: bool
    white_is_zero: bool = False
    software: str = ""
    samples: int = 1
    colours: int = 1
    alpha: int = 0
    unsigned: bool = True

    @property
    def shown_shape(self) -> tuple[int, int]:
        """Height and width of the pixels once they are turned as EXIF says."""
        height, width = self.shape
        return (width, height) if self.turn > 4 else (height, width)


@contextlib.contextmanager
def _opened(encoded: bytes) -> Iterator[ImageFile.ImageFile]:
    """Opens an image with Pillow.

    Raises:
        DataError: It is of no known kind, or its header makes no sense.
    """
    reader = next((r for head, r in _READERS.items() if encoded.startswith(head)), None)
    if reader is None:
        raise errors.DataError("no image of a known kind")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with _read_at_any_size(reader, encoded) as image:
                yield image
        except Exception as error:
            # Pillow raises whatever its readers meet.
            raise errors.DataError(f"damaged: {error}") from error


def _read_at_any_size(
    reader: type[ImageFile.ImageFile], encoded: bytes
) -> ImageFile.ImageFile:
    """Opens an image that may be larger than what Pillow takes for an attack.

    Its WebP reader refuses such ones by itself; what is too large is said elsewhere.
    """
    with _limit_lock:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return reader(io.BytesIO(encoded))
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def header(encoded: bytes) -> Header | None:
    """Reads the header of an image file; None if it has none that Pillow knows.

    Args:
        encoded: Content of the file.
    """
    try:
        with _opened(encoded) as image:
            if isinstance(image, TiffImagePlugin.TiffImageFile):
                first_page = _of_tags(image.tag_v2)
                white_is_zero = image.mode == "1" and image.tag_v2[_PHOTOMETRIC] == 0
                return dataclasses.replace(
                    first_page,
                    mode=image.mode,
                    pages=_pages(image),
                    white_is_zero=white_is_zero,
                )
            kind = str(image.format)
            is_lossy_webp = kind == "WEBP" and b"VP8 " in _riff_parts(encoded)
            return Header(
                kind=kind,
                shape=(image.height, image.width),
                turn=_turn(image),
                mode=image.mode,
                bits=encoded[24] if kind == "PNG" else _DEEP_MODES.get(image.mode, 8),
                pages=getattr(image, "n_frames", 1),
                lossy=kind == "JPEG" or is_lossy_webp,
            )
    except errors.DataError:
        return _of_unknown_mode(encoded)


def _of_tags(tags: Any) -> Header:
    """Returns what the tags of a TIFF say of its first page."""
    turn = tags.get(_ORIENTATION, 1)
    formats = tags.get(_SAMPLE_FORMAT, (1,))
    formats = formats if isinstance(formats, tuple) else (formats,)
    bits = tags.get(_BITS, (1,))
    extra = tags.get(_EXTRA_SAMPLES, (0,))
    return Header(
        kind="TIFF",
        # Pillow's size is the one that a TIFF has once it is turned.
        shape=(int(tags[_HEIGHT]), int(tags[_WIDTH])),
        turn=turn if turn in range(1, 9) else 1,
        mode="",
        bits=max(bits) if isinstance(bits, tuple) else bits,
        pages=1,
        lossy=tags.get(_COMPRESSION) in _JPEG_IN_TIFF,
        software=str(tags.get(_SOFTWARE, "")),
        samples=tags.get(_SAMPLES, 1),
        colours=_COLOURS.get(tags.get(_PHOTOMETRIC, 1), 0),
        alpha=(extra if isinstance(extra, tuple) else (extra,))[0],
        unsigned=set(formats) <= {1, 4},
    )


def _of_unknown_mode(encoded: bytes) -> Header | None:
    """Reads the tags of a TIFF whose pixels Pillow does not know; None for the rest."""
    if _READERS.get(encoded[:4]) is not TiffImagePlugin.TiffImageFile:
        return None
    stream = io.BytesIO(encoded)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # BigTIFF has a longer head.
            head = stream.read(16 if 43 in encoded[2:4] else 8)
            tags = TiffImagePlugin.ImageFileDirectory_v2(head)
            stream.seek(tags.next)
            tags.load(stream)
            return _of_tags(tags)
        except Exception:
            # Pillow raises whatever it meets in a file that makes no sense.
            return None


def without_alpha(encoded: bytes) -> np.ndarray:
    """Decodes an image without multiplying its colours by its alpha channel.

    OpenCV multiplies those of TIFFs, so that what is transparent becomes black.

    Returns:
        `u8[h w 4]`, RGBA, turned as a TIFF says.

    Raises:
        DataError: It is damaged.
    """
    with _opened(encoded) as image:
        image.load()
        return np.array(image.convert("RGBA"))


def is_whole(encoded: bytes) -> bool:
    """Tells whether Pillow can decode all of an image.

    Args:
        encoded: Content of the file.
    """
    try:
        with _opened(encoded) as image:
            image.load()
    except errors.DataError:
        return False
    return True


def _turn(image: Image.Image) -> int:
    """Reads EXIF alone: OpenCV does not read the XMP that Pillow falls back on."""
    tags = Image.Exif()
    try:
        tags.load(image.info.get("exif", b""))
    except Exception:
        # Pillow raises whatever it meets; OpenCV does not obey such a tag.
        return 1
    turn = tags.get(_ORIENTATION, 1)
    return turn if turn in range(1, 9) else 1


def _riff_parts(encoded: bytes) -> set[bytes]:
    """Returns the names of the parts of a WebP file."""
    names, place = set(), 12
    while place + 8 <= len(encoded):
        names.add(encoded[place : place + 4])
        size = int.from_bytes(encoded[place + 4 : place + 8], "little")
        place += 8 + size + size % 2
    return names


def _pages(image: ImageFile.ImageFile) -> int:
    """Counts the pages of a TIFF, without smaller copies."""
    count = getattr(image, "n_frames", 1)
    if count == 1:
        return count
    own = 0
    for number in range(count):
        image.seek(number)
        kind = getattr(image, "tag_v2", {}).get(_SUBFILE_TYPE, 0)
        own += not kind & _NO_PAGE_OF_ITS_OWN
    image.seek(0)
    return max(own, 1)


def palette_indices(encoded: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Reads an indexed image without looking its colours up.

    Args:
        encoded: Content of a file whose `Header.mode` is `P` or `PA`.

    Returns:
        Indices, `u8[h w]`, and colours, RGB `u8[n 3]`, which may be fewer than indices.

    Raises:
        DataError: It is damaged.
    """
    with _opened(encoded) as image:
        # A GIF's palette is at hand once it is decoded.
        image.load()
        colours = np.reshape(image.getpalette("RGB") or [], (-1, 3))
        return np.array(image.getchannel(0)), colours.astype(np.uint8)


def without_turn(encoded: bytes) -> bytes | None:
    """Returns the file with EXIF's orientation set to "not turned".

    Args:
        encoded: Content of the file.

    Returns:
        The file with the same pixels; None if its kind does not allow it.
    """
    before = header(encoded)
    if before is None or before.turn == 1:
        return None
    if before.kind == "PNG":  # Its EXIF has a checksum.
        return None
    for order in ("<", ">"):
        entry = struct.pack(f"{order}HHIHH", _ORIENTATION, 3, 1, before.turn, 0)
        upright = struct.pack(f"{order}HHIHH", _ORIENTATION, 3, 1, 1, 0)
        changed = encoded.replace(entry, upright, 1)
        after = header(changed)
        if changed != encoded and after is not None and after.turn == 1:
            return changed
    return None
