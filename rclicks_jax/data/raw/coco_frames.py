"""One frame for a photograph and its annotations in a COCO file.

Cameras store photographs as the sensor lies and say in EXIF how to turn them. Programs
that draw annotations obey that, or do not. The size that the annotations' file gives
tells which: where it does not, the image is refused.
"""

import pathlib

from rclicks_jax import errors
from rclicks_jax.data.raw import files, photographs
from rclicks_jax.ops import decoding


def read(
    path: pathlib.Path, declared: tuple[int, int] | None
) -> photographs.Photograph:
    """Reads a photograph and brings it into the frame of its annotations.

    Args:
        path: Of the file.
        declared: Height and width of the annotations' frame; None if unknown.

    Raises:
        DataError: It cannot be read, is of another size, or which way it lies cannot be
            told.
    """
    encoded = files.read(path)
    header = decoding.checked_header(encoded, str(path))
    if header is not None:
        # Before a small file is decoded to a thousand million pixels.
        _check_size(header.shown_shape, header.shape, declared)
    return in_frame(photographs.parse(encoded, str(path)), declared)


def in_frame(
    photo: photographs.Photograph, declared: tuple[int, int] | None
) -> photographs.Photograph:
    """Brings a photograph into the frame of its annotations.

    Args:
        photo: As it was read.
        declared: Height and width of the annotations' frame; None if unknown.

    Raises:
        DataError: It is of another size, or which way it lies cannot be told.
    """
    if declared is None and photo.turn != 1:
        raise errors.DataError(
            "the EXIF tag of the photograph turns it, and the file of annotations, "
            "which gives the image no width and height, does not tell whether they "
            "are of the turned photograph. Write both into the file."
        )
    _check_size(photo.shape, photo.stored_shape, declared)
    return photographs.in_frame_of(photo, [] if declared is None else [declared])


def _check_size(
    shape: tuple[int, int], stored: tuple[int, int], declared: tuple[int, int] | None
) -> None:
    """Raises `DataError` if a photograph has the size in neither way it may lie."""
    if declared not in (None, shape, stored):
        seen = _size(shape)
        if shape != stored:
            seen = f"{_size(stored)}, and {seen} once turned by EXIF"
        raise errors.DataError(
            f"the photograph is {seen}, but its annotations are of an image of "
            f"{_size(declared)} pixels (width x height)"
        )


def _size(shape: tuple[int, int] | None) -> str:
    return "" if shape is None else f"{shape[1]}x{shape[0]}"
