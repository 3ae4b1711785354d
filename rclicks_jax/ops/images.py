"""Image files to arrays, and images as networks take them."""

from collections.abc import Sequence

import cv2
import numpy as np

from rclicks_jax import errors
from rclicks_jax.ops import letterbox

IMAGE_MEAN = np.array((0.485, 0.456, 0.406), np.float32)
IMAGE_STD = np.array((0.229, 0.224, 0.225), np.float32)


def decode_image(encoded: bytes, name: str) -> np.ndarray:
    """Decodes an image file of any kind OpenCV reads; grey becomes RGB.

    Args:
        encoded: Content of the file.
        name: What an error calls it.

    Returns:
        `u8[h w 3]`, RGB.

    Raises:
        DataError: It is empty, truncated or no image.
    """
    return np.ascontiguousarray(_decode(encoded, name, cv2.IMREAD_COLOR)[..., ::-1])


def decode_mask(encoded: bytes, name: str) -> np.ndarray:
    """Decodes a mask file as it is stored, but for an alpha channel, which is dropped.

    Returns:
        `u8[h w]`, `u16[h w]`, or `u8[h w 3]` in OpenCV's order of channels.

    Raises:
        DataError: It is empty, truncated or no image.
    """
    mask = _decode(encoded, name, cv2.IMREAD_UNCHANGED)
    return mask[..., :3] if mask.ndim == 3 else mask


def _decode(encoded: bytes, name: str, flags: int) -> np.ndarray:
    data = np.frombuffer(encoded, np.uint8)
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error:
        image = None
    if image is None:
        raise errors.DataError(
            f"{name} is no image that OpenCV can read ({len(encoded)} bytes); "
            "it may be truncated. Copy or download it again."
        )
    _check_complete(encoded, name)
    return image


def _check_complete(encoded: bytes, name: str) -> None:
    """OpenCV fills the missing rows of a truncated file with grey and says nothing."""
    if encoded.startswith(b"\xff\xd8"):
        complete = b"\xff\xd9" in encoded[-4096:]
    elif encoded.startswith(b"\x89PNG"):
        complete = b"IEND" in encoded[-4096:]
    else:
        return
    if not complete:
        raise errors.DataError(
            f"{name} ends early ({len(encoded)} bytes): the file is truncated. "
            "Copy or download it again."
        )


def encode_png(image: np.ndarray) -> bytes:
    """Encodes `u8[h w]`, `u16[h w]` or RGB `u8[h w 3]` without loss."""
    stored = image[..., ::-1] if image.ndim == 3 else image
    return cv2.imencode(".png", stored)[1].tobytes()


def encode_mask(mask: np.ndarray) -> bytes:
    """Encodes `bool[h w]` as a PNG of 0 and 255."""
    return encode_png(mask.astype(np.uint8) * 255)


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
        box: Of its shape.

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
