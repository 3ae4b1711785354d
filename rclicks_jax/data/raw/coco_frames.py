"""One frame for a photograph and its annotations in a COCO file.

Cameras store photographs as the sensor lies and say in EXIF how to turn them. Programs
that draw annotations obey that, or do not. The size that the annotations' file gives
tells which: where it does not, the image is refused.
"""

from rclicks_jax import errors
from rclicks_jax.data.raw import photographs


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
    if declared not in (None, photo.shape, photo.stored_shape):
        seen = _size(photo.shape)
        if photo.shape != photo.stored_shape:
            seen = f"{_size(photo.stored_shape)}, and {seen} once turned by EXIF"
        raise errors.DataError(
            f"the photograph is {seen}, but its annotations are of an image of "
            f"{_size(declared)} pixels (width x height)"
        )
    return photographs.in_frame_of(photo, [] if declared is None else [declared])


def _size(shape: tuple[int, int] | None) -> str:
    return "" if shape is None else f"{shape[1]}x{shape[0]}"
