"""Brings a photograph and its annotations in a COCO file into one frame.

Cameras store photographs in the orientation of the sensor, and EXIF says how to turn
them. Programs for annotations obey EXIF or not. The size of the image in the file of
annotations shows which; if it does not, the image is refused.
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
        path: Path of the photograph.
        declared: Height and width of the frame of annotations; None if unknown.

    Raises:
        DataError: The photograph cannot be read, has another size, or its orientation
            is not clear.
    """
    encoded = files.read(path)
    header = decoding.checked_header(encoded, str(path))
    if header is not None:
        # This comes before decoding: a small file may hold a thousand million pixels.
        _check_size(header.shown_shape, header.shape, declared)
    return in_frame(photographs.parse(encoded, str(path)), declared)


def in_frame(
    photo: photographs.Photograph, declared: tuple[int, int] | None
) -> photographs.Photograph:
    """Brings a photograph into the frame of its annotations.

    Args:
        photo: The photograph as it was read.
        declared: Height and width of the frame of annotations; None if unknown.

    Raises:
        DataError: The photograph has another size, or its orientation is not clear.
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
    """Raises `DataError` unless a photograph has the declared size, turned or not."""
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
