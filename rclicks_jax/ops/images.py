"""Image files to arrays, and images as networks take them."""

from collections.abc import Sequence

import cv2
import numpy as np

from rclicks_jax import errors
from rclicks_jax.ops import decoding, letterbox

IMAGE_MEAN = np.array((0.485, 0.456, 0.406), np.float32)
IMAGE_STD = np.array((0.229, 0.224, 0.225), np.float32)


def decode_image(encoded: bytes, name: str) -> np.ndarray:
    """Decodes an image file of any kind OpenCV reads; grey becomes RGB.

    An image is turned as its EXIF says. What a damaged file lacks may be made up:
    `decode_whole` finds that, and takes longer.

    Args:
        encoded: Content of the file.
        name: Name of the file in errors.

    Returns:
        `u8[h w 3]`, RGB.

    Raises:
        DataError: It is empty, truncated, too large or no image.
    """
    return _decode(encoded, name, cv2.IMREAD_COLOR_RGB)


def decode_whole(encoded: bytes, name: str) -> np.ndarray:
    """Decodes an image as `decode_image` does, and refuses it where data is missing.

    Returns:
        `u8[h w 3]`, RGB.

    Raises:
        DataError: As `decode_image`, or a part of the image is lost.
    """
    return _decode_whole(encoded, name, cv2.IMREAD_COLOR_RGB)


def decode_mask(encoded: bytes, name: str) -> np.ndarray:
    """Decodes a mask file as it is stored, but for an alpha channel, which is dropped.

    Returns:
        `u8[h w]`, `u16[h w]`, or `u8[h w 3]` in OpenCV's order of channels; 32-bit
        numbers where a TIFF holds them.

    Raises:
        DataError: It is empty, truncated, too large or no image.
    """
    mask = _decode(encoded, name, cv2.IMREAD_UNCHANGED)
    return mask[..., :3] if mask.ndim == 3 else mask


def decode_stored(encoded: bytes, name: str) -> np.ndarray:
    """Decodes an image as it is stored, an alpha channel and depth included.

    Returns:
        `[h w]`, or `[h w 3]` or `[h w 4]` in OpenCV's order of channels, of the file's
        own numbers.

    Raises:
        DataError: It is empty, too large or no image, or a part of it is lost.
    """
    return _decode_whole(encoded, name, cv2.IMREAD_UNCHANGED)


def decode_unturned(encoded: bytes, name: str) -> np.ndarray:
    """Decodes an image as `decode_image` does, but does not turn it; TIFFs are turned.

    Returns:
        `u8[h w 3]`, RGB.

    Raises:
        DataError: As `decode_image`.
    """
    return _decode(encoded, name, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)


def decode_deep(encoded: bytes, name: str) -> np.ndarray:
    """Decodes an image as `decode_image` does, but in all bits of its samples.

    Returns:
        `u8[h w 3]` or `u16[h w 3]`, RGB.

    Raises:
        DataError: As `decode_image`.
    """
    image = _decode(encoded, name, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    return image[..., ::-1]


def _decode(encoded: bytes, name: str, flags: int) -> np.ndarray:
    try:
        image = decoding.decode(encoded, flags)
    except errors.DataError as error:
        raise errors.DataError(f"{name} {error}") from error
    if image is None:
        raise errors.DataError(f"{name} {decoding.why_unreadable(encoded)}")
    return image


def _decode_whole(encoded: bytes, name: str, flags: int) -> np.ndarray:
    try:
        image, damaged = decoding.decode_strictly(encoded, flags)
    except errors.DataError as error:
        raise errors.DataError(f"{name} {error}") from error
    if image is None:
        raise errors.DataError(f"{name} {decoding.why_unreadable(encoded)}")
    if damaged:
        raise errors.DataError(
            f"{name} is damaged or truncated, so that a part of its picture is lost. "
            "Copy or download it again."
        )
    return image


def turned(image: np.ndarray, turn: int) -> np.ndarray:
    """Turns stored pixels as EXIF's orientation says they are to be shown.

    Args:
        image: `[h w ...]`.
        turn: 1 to 8.

    Source: EXIF 2.3, tag 0x0112.
    """
    if turn > 4:
        image = np.swapaxes(image, 0, 1)
    flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    return np.flip(image, flips[turn]) if turn in flips else image


def turned_back(image: np.ndarray, turn: int) -> np.ndarray:
    """Undoes `turned`."""
    return turned(image, {6: 8, 8: 6}.get(turn, turn))


def encode_png(image: np.ndarray) -> bytes:
    """Encodes `u8[h w]`, `u16[h w]` or RGB `u8[h w 3]` without loss."""
    stored = image[..., ::-1] if image.ndim == 3 else image
    return cv2.imencode(".png", stored)[1].tobytes()


def resize_image(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resizes `u8[h w 3]` bilinearly to a height and width, unless it has them."""
    if shape == image.shape[:2]:
        return image
    return cv2.resize(image, shape[::-1], interpolation=cv2.INTER_LINEAR)


def limited_shape(shape: Sequence[int], longest: int) -> tuple[int, int]:
    """Returns the shape an image has once its longest side is at most `longest`.

    Args:
        shape: Height and width come first.
        longest: Pixels.

    Source: emb-ai/rclicks, isegm/isegm/data/datasets, TETRIS.
    """
    height, width = shape[:2]
    if height > width:
        new_height = min(height, longest)
        return new_height, max(1, int(width / height * new_height + 0.5))
    new_width = min(width, longest)
    return max(1, int(height / width * new_width + 0.5)), new_width


def normalised_square(image: np.ndarray, box: letterbox.Letterbox) -> np.ndarray:
    """Letterboxes an image as networks take it.

    Args:
        image: `u8[h w 3]`, RGB.
        box: The letterbox of the image's shape.

    Returns:
        `f32[size size 3]`, normalised with ImageNet's mean and deviation; the padding
        is 0, which is the mean colour.
    """
    y0, y1, x0, x1 = box.box
    square = letterbox.place(image.astype(np.float32), box)
    # Resizing is linear, so normalising the small result equals normalising first.
    inner = square[y0:y1, x0:x1]
    square[y0:y1, x0:x1] = (inner / 255 - IMAGE_MEAN) / IMAGE_STD
    return square
