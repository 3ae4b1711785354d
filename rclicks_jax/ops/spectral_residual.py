"""Spectral residual saliency: what is unusual in the spectrum of a small grey image.

Source: Hou and Zhang, Saliency Detection: A Spectral Residual Approach, CVPR 2007. The
authors' size, 3x3 average and deviation of the Gaussian are kept.
"""

import cv2
import numpy as np

# Longest side of the image whose spectrum is taken, and the deviation in its pixels.
SIDE = 64
SIGMA = 2.5
_AVERAGE = (3, 3)
# Keeps the logarithm of frequencies that do not occur; levels lie in [0, 255].
_LEAST = 1e-3


def saliency(image: np.ndarray) -> np.ndarray:
    """Returns how much each pixel stands out.

    Args:
        image: `u8[h w 3]`, RGB.

    Returns:
        `f32[h w]`, non-negative, of any sum; all zero where the image has one colour.
    """
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Averaging first, as shrinking alone would pick single pixels of a photograph.
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, small, interpolation=method)
    grey = cv2.cvtColor(resized, cv2.COLOR_RGB2GRAY).astype(np.float64)
    if np.ptp(grey) == 0:
        return np.zeros((height, width), np.float32)
    spectrum = np.fft.fft2(grey)
    logarithm = np.log(np.abs(spectrum) + _LEAST)
    average = cv2.blur(logarithm, _AVERAGE, borderType=cv2.BORDER_REPLICATE)
    unusual = np.exp(logarithm - average + 1j * np.angle(spectrum))
    energy = np.abs(np.fft.ifft2(unusual)) ** 2
    smooth = cv2.GaussianBlur(
        energy.astype(np.float32), (0, 0), SIGMA, borderType=cv2.BORDER_CONSTANT
    )
    return cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
