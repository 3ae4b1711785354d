import cv2
import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.ops import images, letterbox

PHOTO = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)


def encoded(kind, array=PHOTO):
    return cv2.imencode(kind, array[..., ::-1])[1].tobytes()


@pytest.mark.parametrize("kind", [".png", ".bmp", ".webp"])
def test_lossless_files_come_back_as_rgb(kind):
    flags = [cv2.IMWRITE_WEBP_QUALITY, 101] if kind == ".webp" else []
    data = cv2.imencode(kind, PHOTO[..., ::-1], flags)[1].tobytes()
    np.testing.assert_array_equal(images.decode_image(data, "x"), PHOTO)


def test_grey_becomes_rgb():
    data = cv2.imencode(".png", PHOTO[..., 0])[1].tobytes()
    decoded = images.decode_image(data, "x")
    np.testing.assert_array_equal(decoded, np.repeat(PHOTO[..., :1], 3, axis=2))


@pytest.mark.parametrize("kind", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_named(kind, share):
    data = encoded(kind)
    with pytest.raises(errors.DataError, match=r"photo\.x"):
        images.decode_image(data[: int(share * len(data))], "photo.x")


@pytest.mark.parametrize("data", [b"", b"not an image", b"\xff\xd8\xff"])
def test_what_is_no_image_is_named(data):
    with pytest.raises(errors.DataError, match="no image that OpenCV can read"):
        images.decode_image(data, "photo")


def test_masks_are_read_as_they_are_but_for_alpha():
    mask = np.array([[0, 128, 255]], np.uint8)
    np.testing.assert_array_equal(
        images.decode_mask(images.encode_png(mask), "m"), mask
    )
    with_alpha = np.dstack([mask, mask, mask, np.full_like(mask, 255)])
    data = cv2.imencode(".png", with_alpha)[1].tobytes()
    assert images.decode_mask(data, "m").shape == (1, 3, 3)


@pytest.mark.parametrize(
    ("shape", "longest", "expected"),
    [
        ((100, 200), 2048, (100, 200)),
        ((3000, 1000), 2048, (2048, 683)),
        ((1000, 3000), 2048, (683, 2048)),
        ((4000, 3), 100, (100, 1)),
    ],
)
def test_sides_are_limited_as_in_tetris(shape, longest, expected):
    assert images.limited_shape(shape, longest) == expected


def test_normalising_the_square_equals_normalising_first():
    box = letterbox.fit(PHOTO.shape, 24)
    first = (PHOTO.astype(np.float32) / 255 - images.IMAGE_MEAN) / images.IMAGE_STD
    square = images.normalised_square(PHOTO, box)
    np.testing.assert_allclose(square, letterbox.place(first, box), atol=2e-6)
