"""Pictures inside pages: data URIs of limited length."""

import base64
from collections.abc import Sequence

import cv2
import numpy as np

_QUALITIES = (75, 60, 45, 30)


# OpenCV takes more than 100 for "without loss".
LOSSLESS = 101


def photo_uri(picture: np.ndarray, longest: int) -> str:
    """Encodes `u8[h w 3]` or `u8[h w 4]` as a data URI of limited length."""
    return within(picture, longest, _QUALITIES)


def within(
    picture: np.ndarray,
    longest: int,
    qualities: Sequence[int],
    resized: int = cv2.INTER_AREA,
) -> str:
    """Encodes a picture as a data URI of limited length: worse, then smaller.

    Args:
        picture: `u8[h w 3]` or `u8[h w 4]`.
        longest: Characters.
        qualities: Of WebP, best first.
        resized: How it is made smaller.

    Returns:
        The URI; empty if even a small picture needs more.
    """
    while True:
        for quality in qualities:
            uri = to_data_uri(picture, quality)
            if len(uri) <= longest:
                return uri
        height, width = picture.shape[:2]
        if max(height, width) < 64:
            return ""
        size = (max(1, width // 2), max(1, height // 2))
        picture = cv2.resize(picture, size, interpolation=resized)


def to_data_uri(picture: np.ndarray, quality: int) -> str:
    """Encodes `u8[h w 3]` or `u8[h w 4]`, red first, as a WebP that stands in a page.

    Args:
        picture: The picture.
        quality: 1 to 100; more keeps every bit.
    """
    order = [2, 1, 0, 3][: picture.shape[2]]
    stored = np.ascontiguousarray(picture[..., order])
    webp = cv2.imencode(".webp", stored, [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
    return "data:image/webp;base64," + base64.b64encode(webp.tobytes()).decode()
