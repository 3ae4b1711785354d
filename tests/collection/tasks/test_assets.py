import dataclasses
import io

import cv2
import numpy as np
import pytest
from helpers import disk
from PIL import Image

from rclicks_jax import errors
from rclicks_jax.collection import words
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.tasks import assets
from rclicks_jax.ops import images
from rclicks_jax.settings.collection import (
    CollectionConfig,
    DisplaySettings,
    LimitSettings,
)

LIMITS = LimitSettings()


@pytest.fixture
def study(tmp_path):
    display = DisplaySettings(modes=words.MODES)
    return study_files.create(tmp_path / "s", CollectionConfig(display=display))


def with_exif(turn):
    """Returns a JPEG with a place and a turn, whose corners differ."""
    image = np.zeros((16, 24, 3), np.uint8)
    image[:8, :12] = 255
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010E] = "a secret place"
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("turn", range(1, 9))
def test_photographs_are_turned_as_our_readers_turn_them(turn):
    image = assets.decode(with_exif(turn), "photo", LIMITS)
    made = assets.encode(image, DisplaySettings(quality=100))
    shown = cv2.imdecode(np.frombuffer(made, np.uint8), cv2.IMREAD_COLOR_RGB)
    expected = images.decode_image(with_exif(turn), "photo")
    assert shown.shape == expected.shape
    assert abs(shown.astype(int) - expected).max() < 40


def test_pictures_have_no_exif():
    image = assets.decode(with_exif(6), "photo", LIMITS)
    made = assets.encode(image, DisplaySettings())
    assert b"secret" not in made
    assert not Image.open(io.BytesIO(made)).getexif()


def test_a_photograph_with_too_many_pixels_is_refused_before_it_is_decoded():
    limits = dataclasses.replace(LIMITS, pixels=16 * 24 - 1)
    with pytest.raises(errors.DataError, match="16x24 pixels"):
        assets.decode(with_exif(1), "photo", limits)


def test_a_decompression_bomb_is_refused_by_its_header():
    bomb = with_exif(1).replace(b"\x00\x10\x00\x18", b"\xff\xff\xff\xff", 1)
    with pytest.raises(errors.DataError, match="pixels"):
        assets.decode(bomb, "photo", LIMITS)


def test_a_large_picture_is_shrunk_to_its_longest_side():
    made = assets.encode(np.zeros((50, 200, 3), np.uint8), DisplaySettings(
        longest_side=100))  # fmt: skip
    assert Image.open(io.BytesIO(made)).size == (100, 25)


def test_each_mode_with_a_picture_has_a_file_and_its_name_says_nothing(study):
    image = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    targets = assets.store_targets(study, image, disk((30, 40), (12, 15), 6))
    assert set(targets) == set(words.MODES) - {words.TEXT_MODE}
    assert len(set(targets.values())) == len(targets)
    for mode, asset_id in targets.items():
        assert study.asset(asset_id).stat().st_size
        assert mode.casefold() not in asset_id.casefold()


def test_the_same_picture_has_the_same_name_in_one_study_only(study, tmp_path):
    other = study_files.create(tmp_path / "other", CollectionConfig())
    assert assets.store(study, b"x") == assets.store(study, b"x")
    assert assets.store(study, b"x") != assets.store(other, b"x")
    assert assets.store(study, b"x") != assets.store(study, b"y")
