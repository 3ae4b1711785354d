"""One frame for a photograph and its annotations in COCO files.

Cameras store photographs as the sensor lies and say in EXIF how to turn them. Programs
that draw annotations obey that, or do not. The size that the annotations' file gives
tells which: where it does not, the image is refused.
"""

import cv2
import numpy as np

from rclicks_jax import errors
from rclicks_jax.ops import images

TURNED_BACK = "photographs are not turned as EXIF says: their annotations are not"


def in_frame(
    encoded: bytes, name: str, declared: tuple[int, int] | None
) -> tuple[bytes, tuple[int, int], bool]:
    """Brings a photograph into the frame of its annotations.

    Args:
        encoded: Content of the file.
        name: What an error calls it.
        declared: Height and width of the annotations' frame; None if unknown.

    Returns:
        A file whose image lies in that frame, its height and width, and whether EXIF
        is not obeyed.

    Raises:
        DataError: It is no image, is of another size, or which way it lies cannot be
            told.
    """
    shown = images.decode_image(encoded, name)
    stored = _stored(encoded)
    is_turned = stored.shape != shown.shape or not np.array_equal(stored, shown)
    sides, stored_sides = shown.shape[:2], stored.shape[:2]
    if declared not in (None, sides, stored_sides):
        seen = _size(sides)
        if is_turned and stored_sides != sides:
            seen = f"{_size(stored_sides)}, and {seen} once turned as its EXIF says"
        raise errors.DataError(
            f"{name} is {seen}, but its annotations are of an image of "
            f"{_size(declared)} (width x height)"
        )
    if not is_turned or (declared == sides and sides != stored_sides):
        return encoded, sides, False
    if declared == stored_sides and sides != stored_sides:
        return images.encode_png(stored), stored_sides, True
    raise errors.DataError(
        f"{name} is to be turned as its EXIF says, and the annotations' file does not "
        "tell whether they are of the turned photograph"
        f"{' (it has no width and height)' if declared is None else ''}: save the "
        "photograph without EXIF, as it lay when it was annotated"
    )


def _stored(encoded: bytes) -> np.ndarray:
    """Decodes an image that `decode_image` can decode, as it is stored: `u8[h w 3]`."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    decoded = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1])


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
