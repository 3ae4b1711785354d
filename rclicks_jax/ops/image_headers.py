"""What an image file says of itself.

OpenCV decodes, so that photographs are those of the original; Pillow reads what OpenCV
does not tell: the kind of file, palettes, EXIF, pages.
"""

import contextlib
import dataclasses
import io
import struct
import warnings
from collections.abc import Iterator

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
_JPEG_IN_TIFF = (6, 7)
# Pages of a TIFF that are a smaller copy or a transparency of another one.
_NO_PAGE_OF_ITS_OWN = 1 | 4
_DEEP_MODES = {"I": 32, "F": 32}


@dataclasses.dataclass(frozen=True)
class Header:
    """What an image file says of itself.

    Attributes:
        kind: `JPEG`, `PNG`, `BMP`, `WEBP`, `TIFF` or `GIF`.
        shape: Height and width of the stored pixels.
        turn: EXIF's orientation, 1 to 8; 1 for none.
        mode: Pillow's mode, such as `L`, `RGB` or `P`.
        bits: Of a stored sample.
        pages: Pages or frames.
        lossy: Whether stored values need not be those that were meant.
        white_is_zero: Whether it is a bilevel TIFF that shows 0 as white.
        software: What wrote it, if it says so.
        samples: Channels that a TIFF stores of a pixel; 1 for other kinds.
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
            with reader(io.BytesIO(encoded)) as image:
                yield image
        except Exception as error:
            # Pillow raises whatever its readers meet.
            raise errors.DataError(f"damaged: {error}") from error


def header(encoded: bytes) -> Header | None:
    """Reads the header of an image file; None if it has none that Pillow knows.

    Args:
        encoded: Content of the file.
    """
    try:
        with _opened(encoded) as image:
            kind = str(image.format)
            tags = getattr(image, "tag_v2", {})
            return Header(
                kind=kind,
                shape=_stored_shape(image),
                turn=_turn(image),
                mode=image.mode,
                bits=_bits(encoded, image),
                pages=_pages(image),
                lossy=kind == "JPEG"
                or (kind == "WEBP" and b"VP8 " in _riff_parts(encoded))
                or tags.get(_COMPRESSION) in _JPEG_IN_TIFF,
                white_is_zero=image.mode == "1" and tags.get(_PHOTOMETRIC) == 0,
                software=str(tags.get(_SOFTWARE, "")),
                samples=tags.get(_SAMPLES, 1),
            )
    except errors.DataError:
        return None


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


def _stored_shape(image: Image.Image) -> tuple[int, int]:
    tags = getattr(image, "tag_v2", None)
    if tags is not None:  # Pillow tells the size that a TIFF has once it is turned.
        return int(tags[_HEIGHT]), int(tags[_WIDTH])
    return image.height, image.width


def _turn(image: Image.Image) -> int:
    """Reads EXIF alone: OpenCV does not read the XMP that Pillow falls back on."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
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


def _bits(encoded: bytes, image: ImageFile.ImageFile) -> int:
    if image.format == "PNG":
        return encoded[24]
    tags = getattr(image, "tag_v2", None)
    if tags is not None:
        return max(tags.get(_BITS, (1,)))
    return _DEEP_MODES.get(image.mode, 8)


def _pages(image: ImageFile.ImageFile) -> int:
    count = getattr(image, "n_frames", 1)
    if image.format != "TIFF" or count == 1:
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
    found = header(encoded)
    if found is None or found.turn == 1:
        return None
    if found.kind == "PNG":  # Its EXIF has a checksum.
        return None
    for order in ("<", ">"):
        entry = struct.pack(f"{order}HHIHH", _ORIENTATION, 3, 1, found.turn, 0)
        upright = struct.pack(f"{order}HHIHH", _ORIENTATION, 3, 1, 1, 0)
        changed = encoded.replace(entry, upright, 1)
        after = header(changed)
        if changed != encoded and after is not None and after.turn == 1:
            return changed
    return None
