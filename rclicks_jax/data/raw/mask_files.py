"""Mask files as they are stored, with what is needed to tell what they mean."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import files
from rclicks_jax.ops import decoding, image_headers, images

# What decoders multiply grey images of so many bits by, so that white is 255.
_SPREAD = {1: 255, 2: 85, 4: 17}


@dataclasses.dataclass(frozen=True)
class MaskFile:
    """A mask file that was decoded; all its pixels are there.

    Attributes:
        pixels: As OpenCV reads it, without alpha: `[h w]`, or `[h w 3]` in its order
            of channels; colours are looked up in palettes.
        alpha: Its alpha channel, `[h w]`; None without one.
        indices: Of an indexed image, `u8[h w]`; None for any other.
        palette: Their colours, RGB `u8[n 3]`.
        spread: What a grey image of 1, 2 or 4 bits was multiplied by; 1 for any other.
        header: What the file says of itself; None if that is not known.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    indices: np.ndarray | None = None
    palette: np.ndarray | None = None
    spread: int = 1
    header: image_headers.Header | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.pixels.shape[:2]
        return height, width

    @property
    def lossy(self) -> bool:
        """Whether values may differ a little from those that were meant."""
        return self.header is not None and self.header.lossy

    @property
    def pages(self) -> int:
        """Number of its pages or frames."""
        return 1 if self.header is None else self.header.pages

    @property
    def turned(self) -> bool:
        """Whether an EXIF tag of its own turned it."""
        return self.header is not None and self.header.turn != 1


def read(
    path: pathlib.Path, name: str = "", shapes: Sequence[tuple[int, int]] = ()
) -> MaskFile:
    """Reads a mask file.

    Args:
        path: Of the file.
        name: What an error calls it; its path if empty.
        shapes: Heights and widths that it may have, turned or not, the last one as an
            error gives it; empty for any. A small file of another size may be a picture
            of a thousand million pixels, which is not decoded.

    Raises:
        DataError: There is none, it is damaged, too large, of no such size or no image.
    """
    return parse(files.read(path, name), name or str(path), shapes)


def parse(
    encoded: bytes, name: str, shapes: Sequence[tuple[int, int]] = ()
) -> MaskFile:
    """Does the same with the content of a file.

    Raises:
        DataError: As `read`.
    """
    header = decoding.checked_header(encoded, name)
    if header and shapes and sorted(header.shape) not in map(sorted, shapes):
        raise errors.DataError(raw.other_size(header.shown_shape, shapes[-1]))
    stored = _decoded(encoded, header, name)
    _check_channels(stored, header, name)
    alpha, indices, palette = None, None, None
    if stored.ndim == 3 and stored.shape[2] == 4:
        stored, alpha = stored[..., :3], stored[..., 3]
    if header is None:
        return MaskFile(stored, alpha)
    if header.mode in ("P", "PA"):
        try:
            indices, palette = image_headers.palette_indices(encoded)
        except errors.DataError as error:
            raise errors.DataError(f"{name} is {error}") from error
    if header.turn != 1 and header.kind != "TIFF":  # Decoders turn a TIFF at once.
        turn = functools.partial(images.turned, turn=header.turn)
        stored = turn(stored)
        alpha = None if alpha is None else turn(alpha)
        indices = None if indices is None else turn(indices)
    spread = 1
    if header.kind in ("PNG", "TIFF") and header.mode in ("L", "1"):
        spread = _SPREAD.get(header.bits, 1)
    return MaskFile(stored, alpha, indices, palette, spread, header)


def _decoded(
    encoded: bytes, header: image_headers.Header | None, name: str
) -> np.ndarray:
    stored = images.decode_stored(encoded, name)
    if (
        header is None
        or header.alpha != image_headers.NOT_MULTIPLIED
        or stored.dtype != np.uint8
        or stored.ndim != 3
    ):
        return stored
    return image_headers.without_alpha(encoded)[..., [2, 1, 0, 3]]


def _check_channels(
    stored: np.ndarray, header: image_headers.Header | None, name: str
) -> None:
    """Raises `DataError` if channels of a TIFF were lost: one may be the mask."""
    channels = stored.shape[2] if stored.ndim == 3 else 1
    if header is not None and header.samples > channels:
        raise errors.DataError(
            f"{name} has {header.samples} channels, of which {channels} can be read; "
            "which one is meant cannot be told. Save the mask as a grey image."
        )
