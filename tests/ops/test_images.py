import os

import cv2
import image_bytes
import numpy as np
import pytest
from PIL import Image

from rclicks_jax import errors
from rclicks_jax.ops import decoding, image_headers, images, letterbox

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


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "photo is empty"),
        (b"not an image", "photo is no image that OpenCV can read"),
        (b"\xff\xd8\xff", "photo is no image that OpenCV can read"),
        (b"<!DOCTYPE html><html></html>", "photo is a web page"),
    ],
)
def test_what_is_no_image_is_named(data, reason):
    with pytest.raises(errors.DataError, match=reason):
        images.decode_image(data, "photo")


def saved(kind, **options):
    return image_bytes.saved(PHOTO, kind, **options)


LOSSLESS = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}, "BMP": {}}


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_a_cut_jpeg_with_an_end_marker_is_not_whole(progressive, share, capfd):
    data = saved("JPEG", progressive=progressive)
    images.decode_whole(data, "photo")
    cut = data[: int(share * len(data))] + b"\xff\xd9"
    with pytest.raises(errors.DataError, match="photo is damaged or truncated"):
        images.decode_whole(cut, "photo")
    assert capfd.readouterr().err == ""


def test_a_jpeg_with_zeros_in_the_middle_is_not_whole():
    data = saved("JPEG", quality=95)
    middle = len(data) // 2
    broken = data[:middle] + bytes(200) + data[middle + 200 :]
    with pytest.raises(errors.DataError, match="damaged"):
        images.decode_whole(broken, "photo")


@pytest.mark.parametrize("kind", ["JPEG", *LOSSLESS])
@pytest.mark.parametrize("tail", [b"MotionPhoto_Data" * 999, bytes(5000), b"\xff\xd9x"])
def test_bytes_behind_the_end_of_an_image_are_nothing(kind, tail):
    data = saved(kind, **LOSSLESS.get(kind, {}))
    expected = images.decode_image(data, "photo")
    for decode in (images.decode_image, images.decode_whole):
        np.testing.assert_array_equal(decode(data + tail, "photo"), expected)


def test_a_jpeg_that_is_filled_up_before_its_end_is_whole():
    data = saved("JPEG")
    filled = data[:-2] + bytes(300) + data[-2:]
    np.testing.assert_array_equal(
        images.decode_whole(filled, "photo"), images.decode_image(data, "photo")
    )


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_a_cut_file_of_any_kind_is_refused(kind, share, capfd):
    data = saved(kind, **LOSSLESS[kind])
    with pytest.raises(errors.DataError, match=r"photo .*truncated"):
        images.decode_whole(data[: int(share * len(data))], "photo")
    assert capfd.readouterr().err == ""


def test_lines_of_others_on_standard_error_are_kept(capfd, monkeypatch):
    def decode(encoded, flags):
        os.write(2, b"line of another thread\nCorrupt JPEG data: bad Huffman code\n")
        return PHOTO

    monkeypatch.setattr(decoding, "decode", decode)
    with pytest.raises(errors.DataError, match="damaged"):
        images.decode_whole(b"anything", "photo")
    assert capfd.readouterr().err == "line of another thread\n"


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_the_turn_of_exif_is_opencvs_and_can_be_undone(kind, turn):
    exif = Image.Exif()
    exif[0x112] = turn
    data = saved(kind, exif=exif, **LOSSLESS[kind])
    header = image_headers.header(data)
    assert (header.turn, header.shape) == (turn, PHOTO.shape[:2])
    shown = images.decode_image(data, "photo")
    np.testing.assert_array_equal(shown, images.turned(PHOTO, turn))
    np.testing.assert_array_equal(images.turned_back(shown, turn), PHOTO)


@pytest.mark.parametrize("shape", [(60_000, 60_000), (2**15, 2**15 + 1)])
def test_too_many_pixels_are_named_before_any_is_decoded(shape):
    data = image_bytes.png(np.zeros((1, 1), int), 8, claimed=shape)
    with pytest.raises(errors.DataError) as caught:
        images.decode_image(data, "photo")
    height, width = shape
    assert f"photo has too many pixels: {height}x{width}" in str(caught.value)
    assert str(2**30) in str(caught.value)


@pytest.mark.parametrize("error", [MemoryError(), cv2.error("Insufficient memory")])
def test_an_image_beyond_the_memory_is_a_sentence(monkeypatch, error):
    data = saved("PNG")

    def imdecode(data, flags):
        raise error

    monkeypatch.setattr(cv2, "imdecode", imdecode)
    with pytest.raises(errors.DataError, match="photo has 37x53 pixels, for which"):
        images.decode_whole(data, "photo")


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
