"""Reads mask files, with all properties that are needed to find their meaning."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import files
from rclicks_jax.ops import decoding, image_headers, images

# Factor by which decoders multiply grey images of so many bits, so that white is 255.
_SPREAD = {1: 255, 2: 85, 4: 17}


@dataclasses.dataclass(frozen=True)
class MaskFile:
    """A decoded mask file.

    Attributes:
        pixels: Pixels as OpenCV reads them, without alpha: `[h w]`, or `[h w 3]` in
            OpenCV's order of channels; colours are looked up in palettes.
        alpha: The alpha channel, `[h w]`; None without one.
        indices: Indices of an indexed image, `u8[h w]`; None for any other.
        palette: Colours of the indices, RGB `u8[n 3]`.
        spread: Factor by which a grey image of 1, 2 or 4 bits was multiplied; 1 for any
            other.
        header: The header of the file; None if its format is unknown.
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
        """Whether the file was compressed with loss, so that values may differ."""
        return self.header is not None and self.header.lossy

    @property
    def pages(self) -> int:
        """Number of its pages or frames."""
        return 1 if self.header is None else self.header.pages

    @property
    def turned(self) -> bool:
        """Whether the file's own EXIF tag has turned it."""
        return self.header is not None and self.header.turn != 1


def read(
    path: pathlib.Path, name: str = "", shapes: Sequence[tuple[int, int]] = ()
) -> MaskFile:
    """Reads a mask file.

    Args:
        path: Path of the file.
        name: Name of the file in messages; its path if empty.
        shapes: Heights and widths that it may have, turned or not; the last one is used
            in messages; empty for any. An image of another size is not decoded, since a
            small file may hold a thousand million pixels.

    Raises:
        DataError: The file is missing, damaged, too large, of another size, or not an
            image.
    """
    return parse(files.read(path, name), name or str(path), shapes)


def parse(
    encoded: bytes, name: str, shapes: Sequence[tuple[int, int]] = ()
) -> MaskFile:
    """Reads a mask from the content of a file; see `read`.

    Raises:
        DataError: As in `read`.
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
    """Raises `DataError` if the decoder lost channels of a TIFF, maybe the mask."""
    channels = stored.shape[2] if stored.ndim == 3 else 1
    if header is not None and header.samples > channels:
        raise errors.DataError(
            f"{name} has {header.samples} channels, of which {channels} can be read; "
            "which one is meant cannot be told. Save the mask as a grey image."
        )
