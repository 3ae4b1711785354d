"""Decodes image files with OpenCV, and says in words why one cannot be decoded."""

import math
import os
import re
import sys
import tempfile
import threading
from typing import IO

import cv2
import numpy as np

from rclicks_jax import errors, file_signatures
from rclicks_jax.ops import image_headers

# OpenCV's own limit, CV_IO_MAX_IMAGE_PIXELS.
MAX_PIXELS = 2**30
# What the libraries inside OpenCV write to standard error; `damaged` is in the lines
# by which they say that they made up what is missing.
_DECODERS_LINE = re.compile(
    r"(?P<damaged>Corrupt JPEG data: .*|Premature end of JPEG file|.*TIFF_Error.*"
    r"|.*JPEGLib: (Corrupt JPEG data|Premature end).*)"
    r"|.* global (grfmt|loadsave).*|libpng (error|warning): .*|> .*|\s*"
)
# What samples of TIFFs are that are not `Header.unsigned`.
SIGNED = " that may be negative or fractions"
_MOST_CHANNELS = 4
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0x(..)")
_stderr_lock = threading.Lock()


def decode(encoded: bytes, flags: int) -> np.ndarray | None:
    """Decodes an image with OpenCV; None if it cannot.

    Raises:
        DataError: There is not enough memory.
    """
    data = np.frombuffer(encoded, np.uint8)
    try:
        return cv2.imdecode(data, flags) if data.size else None
    except (cv2.error, MemoryError) as error:
        if isinstance(error, MemoryError) or "Insufficient memory" in str(error):
            raise errors.DataError(_no_memory(encoded)) from error
        return None


def _no_memory(encoded: bytes) -> str:
    header = image_headers.header(encoded)
    size = "many" if header is None else f"{header.shape[0]}x{header.shape[1]}"
    return (
        f"has {size} pixels, for which this machine has not enough memory left. Make "
        "it smaller, or use a machine with more."
    )


def decode_strictly(encoded: bytes, flags: int) -> tuple[np.ndarray | None, bool]:
    """Decodes an image with OpenCV and reads the complaints of its decoders.

    OpenCV fills what is missing of a JPEG, and of some TIFFs, with grey, and returns
    the image as if it were whole. Only a line on standard error says so; the other
    libraries here say nothing. Lines that other threads write meanwhile are kept, and
    are written afterwards.

    Returns:
        The image, None if it cannot be decoded, and whether a part of it is made up.

    Raises:
        DataError: There is not enough memory.
    """
    with _stderr_lock, _unnamed_file() as kept:
        try:
            stderr = os.dup(2)
        except OSError:  # A process without standard error.
            return decode(encoded, flags), False
        try:
            os.dup2(kept.fileno(), 2)
            image = decode(encoded, flags)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            lines = kept.read().decode(errors="replace").splitlines()
            matches = [_DECODERS_LINE.fullmatch(line) for line in lines]
            for line, match in zip(lines, matches, strict=True):
                if match is None:
                    print(line, file=sys.stderr)
    complaints = [match["damaged"] for match in matches if match and match["damaged"]]
    return image, any(not _is_padding(encoded, text) for text in complaints)


def _unnamed_file() -> IO[bytes]:
    """Opens a file in memory where there are such; no disk is too full for it."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("rclicks_stderr"), "w+b")
    return tempfile.TemporaryFile()


def _is_padding(encoded: bytes, complaint: str) -> bool:
    """Tells whether superfluous bytes of a JPEG only fill it up: all are the same."""
    match = _EXTRANEOUS.search(complaint)
    if match is None:
        return False
    count, marker = int(match.group(1)), bytes((0xFF, int(match.group(2), 16)))
    return any(bytes((fill,)) * count + marker in encoded for fill in range(256))


def checked_header(encoded: bytes, name: str) -> image_headers.Header | None:
    """Reads the header of an image, and refuses more pixels than are decoded.

    Args:
        encoded: Content of the file.
        name: Name of the file in errors.

    Returns:
        The header; None if it has none that Pillow knows.

    Raises:
        DataError: The image is too large.
    """
    header = image_headers.header(encoded)
    if header is not None and math.prod(header.shape) > MAX_PIXELS:
        raise errors.DataError(f"{name} {why_unreadable(encoded)}")
    return header


def why_unreadable(encoded: bytes) -> str:
    """Says why an image cannot be decoded, as the end of a sentence.

    Args:
        encoded: Content of the file.
    """
    mistaken = file_signatures.mistaken(encoded[: file_signatures.HEAD])
    if mistaken:
        return f"is {mistaken}."
    header = image_headers.header(encoded)
    if header is None:
        return (
            f"is no image that OpenCV can read ({len(encoded)} bytes): of another "
            "kind, such as TGA, or truncated. Save it as PNG, or download it again."
        )
    height, width = header.shape
    if height * width > MAX_PIXELS:
        return (
            f"has too many pixels: {height}x{width}. At most {MAX_PIXELS} can be read. "
            "Make it smaller or cut it into parts."
        )
    if header.bits > 16 or not header.unsigned:
        return (
            f"has {header.bits}-bit samples{'' if header.unsigned else SIGNED}. "
            "Photographs have 8 or 16 bits; convert it."
        )
    if header.samples > _MOST_CHANNELS:
        return (
            f"has {header.samples} channels; at most {_MOST_CHANNELS} can be read. "
            "Save it as RGB."
        )
    if header.kind == "TIFF" and image_headers.is_whole(encoded):
        return (
            "is a whole TIFF, but of a kind that OpenCV cannot read, by its "
            "compression or its small tiles. Save it as PNG."
        )
    return (
        "ends early or is damaged: the file may be truncated. Copy or download it "
        "again."
    )
