import hypothesis
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

from rclicks_jax.ops import letterbox, resize, taps

SIZE = 64
sides = st.integers(1, 200)
# For small images OpenCV computes places in single precision, which changes weights.
ROUNDING = 2.5e-5
WAYS = [resize.resample_by_gathers, resize.resample_by_products, resize.resample]


@pytest.mark.parametrize("way", WAYS)
@hypothesis.given(sides, sides, st.integers(0, 2**32 - 1))
@hypothesis.settings(deadline=None, max_examples=25)
def test_a_device_places_as_opencv_does(way, height, width, seed):
    image = np.random.default_rng(seed).random((height, width), dtype=np.float32)
    box = letterbox.fit(image.shape, SIZE)
    padded = np.full((200, 200), 9, np.float32)
    padded[:height, :width] = image
    ours = np.asarray(way(padded, taps.place(box)))
    np.testing.assert_allclose(ours, letterbox.place(image, box), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("way", WAYS)
@hypothesis.given(sides, sides, st.integers(0, 2**32 - 1))
@hypothesis.settings(deadline=None, max_examples=25)
def test_a_device_restores_as_opencv_does(way, height, width, seed):
    square = np.random.default_rng(seed).random((SIZE, SIZE), dtype=np.float32)
    box = letterbox.fit((height, width), SIZE)
    ours = np.asarray(way(square, taps.restore(box, (200, 200))))
    expected = letterbox.restore(square, box)
    np.testing.assert_allclose(ours[:height, :width], expected, rtol=0, atol=ROUNDING)
    assert not ours[height:].any()
    assert not ours[:, width:].any()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(480, 640), (640, 427), (101, 350), (416, 416)])
def test_photographs_are_equal_to_the_last_bits(way, shape):
    random = np.random.default_rng(0)
    image = random.random(shape, dtype=np.float32)
    square = random.random((416, 416), dtype=np.float32)
    box = letterbox.fit(shape, 416)
    placed = np.asarray(way(image, taps.place(box)))
    restored = np.asarray(way(square, taps.restore(box, shape)))
    for ours, theirs in (
        (placed, letterbox.place(image, box)),
        (restored, letterbox.restore(square, box)),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-7)


def test_beyond_an_image_is_nothing_whatever_the_square_holds():
    square = np.full((SIZE, SIZE), np.nan, np.float32)
    box = letterbox.fit((30, 60), SIZE)
    restored = np.asarray(resize.resample(square, taps.restore(box, (40, 80))))
    assert np.isnan(restored[:30, :60]).all()
    assert not restored[30:].any()
    assert not restored[:, 60:].any()


def test_one_program_serves_all_sizes_of_a_static_shape():
    traced = []

    @jax.jit
    def place(image, axes):
        traced.append(image.shape)
        return resize.resample(image, axes)

    image = np.zeros((128, 128), np.float32)
    for shape in ((128, 128), (50, 128), (128, 7), (1, 1)):
        place(image, taps.place(letterbox.fit(shape, SIZE)))
    assert len(traced) == 1
