"""Masks and outlines are seen on a photograph of any colour."""

import re

import numpy as np
import pytest
from helpers import disk

from rclicks_jax.reporting import overlays
from rclicks_jax.reporting.layers import Layers

SHAPE = (60, 80)
MASK = disk(SHAPE, (30, 40), 15)


def composed(photo, layer):
    strength = layer[..., 3:] / 255
    return photo * (1 - strength) + layer[..., :3] * strength


@pytest.mark.parametrize(
    "colour",
    [*overlays._MASKS, (200, 30, 30), (0, 0, 0), (255, 255, 255), (0, 158, 115),
     (0, 114, 178), (128, 128, 128)],
)  # fmt: skip
def test_a_mask_is_seen_on_an_object_of_its_own_colour(colour):
    photo = np.full((*SHAPE, 3), colour, np.uint8)
    chosen = overlays.mask_colour(photo, [MASK])
    drawn = composed(photo, overlays.mask_layer(MASK, chosen))
    inside = np.abs(drawn[30, 40] - photo[30, 40]).sum()
    assert inside > 60
    # From inside to outside: tint, a line of its colour, a black one, the photograph.
    row = overlays.mask_layer(MASK, chosen)[30, 55:62]
    assert [tuple(pixel) for pixel in row.tolist()] == [
        (*chosen, 115),
        *[(*chosen, 255)] * 2,
        *[(0, 0, 0, 255)] * 2,
        *[(0, 0, 0, 0)] * 2,
    ]


def test_a_map_over_a_photograph_is_as_strong_as_it_is_high():
    values = np.array([[0, 64, 255]], np.uint8)
    layer = overlays.heat_layer(values)
    assert layer[0, :, 3].tolist() == [0, round(255 * (64 / 255) ** 0.7), 255]


def test_an_outline_is_closed_around_its_mask_and_never_longer_than_allowed():
    path = overlays.outline_path(MASK, 10_000)
    numbers = np.array(re.findall(r"[\d.]+", path), float).reshape(-1, 2)
    assert path.startswith("M")
    assert path.count("Z") == 1
    assert numbers.min(axis=0).tolist() == [25.5, 15.5]
    assert numbers.max(axis=0).tolist() == [55.5, 45.5]
    noise = np.random.default_rng(0).random((200, 300)) > 0.5
    assert len(overlays.outline_path(noise, 5_000)) <= 5_000


def test_a_target_that_pictures_are_too_small_for_is_drawn_nevertheless():
    layers = Layers(
        "one", 0.1, np.zeros((*SHAPE, 3), np.uint8), np.zeros(SHAPE, bool), None, {}
    )
    assert overlays.window(layers, []).target.shape[1] == 640
