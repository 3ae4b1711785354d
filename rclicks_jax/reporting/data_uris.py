"""Pictures inside pages: data URIs of limited length."""

import base64
from collections.abc import Sequence

import cv2
import numpy as np

_QUALITIES = (75, 60, 45, 30)
# OpenCV writes WebP without loss for any quality above 100.
LOSSLESS = 101


def photo_uri(picture: np.ndarray, longest: int) -> str:
    """Encodes a photograph `u8[h w 3]` or `u8[h w 4]` as a URI of limited length."""
    return encode_within(picture, longest, _QUALITIES)


def encode_within(
    picture: np.ndarray,
    longest: int,
    qualities: Sequence[int],
    resized: int = cv2.INTER_AREA,
) -> str:
    """Encodes a picture as a data URI of limited length.

    First the quality is lowered, then the picture is made smaller.

    Args:
        picture: `u8[h w 3]` or `u8[h w 4]`.
        longest: Largest number of characters.
        qualities: Qualities of WebP to try, best first.
        resized: OpenCV's interpolation for making it smaller.

    Returns:
        The URI; empty if even a small picture needs more characters.
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
    """Encodes a picture, red first, as a WebP inside a data URI.

    Args:
        picture: `u8[h w 3]` or `u8[h w 4]`.
        quality: Quality, 1 to 100; above 100 the picture is kept without loss.
    """
    order = [2, 1, 0, 3][: picture.shape[2]]
    stored = np.ascontiguousarray(picture[..., order])
    webp = cv2.imencode(".webp", stored, [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
    return "data:image/webp;base64," + base64.b64encode(webp.tobytes()).decode()
