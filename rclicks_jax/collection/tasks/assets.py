"""Pictures for browsers: made anew from pixels, named by the study's secret."""

import hashlib
import math

import cv2
import numpy as np

from rclicks_jax import errors, files
from rclicks_jax.collection import words
from rclicks_jax.collection.study import study_files, tokens
from rclicks_jax.collection.tasks import display
from rclicks_jax.ops import images
from rclicks_jax.settings.collection import DisplaySettings, LimitSettings


def encode(image: np.ndarray, settings: DisplaySettings) -> bytes:
    """Encodes a picture for browsers.

    It has the pixels alone: no EXIF, no place, no name.

    Args:
        image: RGB, `u8[h w 3]`; shrunk if it is larger than the settings allow.
        settings: Longest side and quality.

    Returns:
        A WebP file.
    """
    shape = images.limited_shape(image.shape, settings.longest_side)
    if shape != image.shape[:2]:
        image = cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_WEBP_QUALITY, settings.quality]
    return cv2.imencode(".webp", image[..., ::-1], quality)[1].tobytes()


def store(study: study_files.Study, content: bytes) -> str:
    """Writes a picture unless it is there; returns its id.

    The id is made of the content and the secret: nobody guesses it, and it never stands
    for another content, so browsers may keep the picture for ever.
    """
    digest = hashlib.sha256(content).hexdigest()
    asset_id = tokens.keyed(study.secret, "asset", digest)
    path = study.asset(asset_id)
    if not path.exists():
        files.write_output(path, content)
    return asset_id


def store_targets(
    study: study_files.Study, image: np.ndarray, region: np.ndarray
) -> dict[words.Mode, str]:
    """Writes the pictures of a target in the display modes of a study.

    Args:
        study: The study.
        image: The photograph, RGB, `u8[h w 3]`.
        region: What is to be clicked, `bool[h w]`.

    Returns:
        Their ids by display mode.
    """
    settings = study.config.display
    return {
        mode: store(
            study, encode(display.picture(mode, image, region, settings), settings)
        )
        for mode in words.MODES
        if mode in settings.modes and mode != words.TEXT_MODE
    }


def decode(encoded: bytes, name: str, limits: LimitSettings) -> np.ndarray:
    """Decodes a photograph, turned as the readers of data turn it.

    Args:
        encoded: Content of the file.
        name: Name of the file in errors.
        limits: Its most pixels; more are refused before anything is decoded.

    Returns:
        RGB, `u8[h w 3]`.

    Raises:
        DataError: It is no photograph, or too large.
    """
    # Pillow is needed for the header alone.
    from rclicks_jax.ops import image_headers

    header = image_headers.header(encoded)
    if header is not None and math.prod(header.shape) > limits.pixels:
        raise errors.DataError(
            f"{name} has {header.shape[0]}x{header.shape[1]} pixels, more than "
            f"[limits] pixels = {limits.pixels} allows."
        )
    return images.decode_image(encoded, name)
