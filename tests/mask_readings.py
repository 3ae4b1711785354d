"""Mask files of a user's folder, written and read by several tests."""

import cv2
import numpy as np
from helpers import disk

from rclicks_jax.data.raw import OBJECT, mask_files, mask_rules

SHAPE = (48, 64)
DISK = disk(SHAPE, (24, 30), 14)
# Three objects of 60 pixels on the ground.
THREE = np.zeros(SHAPE, np.uint8)
THREE[4:10, 4:14], THREE[20:26, 30:40], THREE[36:42, 50:60] = 1, 2, 3
VOC = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0)}
DAVIS = [VOC[i] for i in range(4)]


def png_of(array):
    """Returns a PNG of `u8`, `u16` or BGR(A) pixels."""
    return cv2.imencode(".png", np.ascontiguousarray(array))[1].tobytes()


def one(encoded):
    """Returns the mask and the notes of a file in masks/."""
    reading = mask_rules.one_object(mask_files.parse(encoded, "m"), SHAPE)
    (mask,) = reading.objects.values()
    return mask, set(reading.notes)


def each(encoded):
    """Returns the masks and the notes of a file in labels/."""
    reading = mask_rules.each_label(mask_files.parse(encoded, "m"), SHAPE)
    return reading.objects, set(reading.notes)


def assert_three(objects, ids=("1", "2", "3")):
    assert tuple(objects) == ids
    for number, mask in enumerate(objects.values(), 1):
        np.testing.assert_array_equal(mask == OBJECT, number == THREE)


def assert_mask(found, expected, *notes):
    mask, said = found
    np.testing.assert_array_equal(mask == OBJECT, expected)
    assert said == set(notes)
