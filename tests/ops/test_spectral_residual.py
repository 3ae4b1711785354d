import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import disk
from scipy import ndimage

from rclicks_jax.ops import spectral_residual


def slow(grey):
    """Returns the saliency of a small grey image, by another Fourier transform."""
    height, width = grey.shape
    y, x = np.arange(height), np.arange(width)
    rows = np.exp(-2j * np.pi * np.outer(y, y) / height)
    columns = np.exp(-2j * np.pi * np.outer(x, x) / width)
    spectrum = rows @ grey @ columns
    logarithm = np.log(abs(spectrum) + 1e-3)
    residual = logarithm - ndimage.uniform_filter(logarithm, 3, mode="nearest")
    unusual = np.exp(residual) * spectrum / abs(spectrum)
    back = rows.conj() @ unusual @ columns.conj() / (height * width)
    return ndimage.gaussian_filter(abs(back) ** 2, 2.5, mode="constant", truncate=4)


def test_it_is_what_the_paper_defines():
    grey = np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)
    made = spectral_residual.saliency(np.repeat(grey[..., None], 3, axis=-1))
    expected = slow(grey.astype(float))
    np.testing.assert_allclose(made, expected, rtol=2e-3, atol=1e-4 * expected.max())


@pytest.mark.parametrize("shape", [(240, 320), (320, 240), (61, 47)])
def test_an_odd_one_out_stands_out(shape):
    rows, columns = np.indices(shape)
    stripes = np.uint8(100) + 40 * ((rows + columns) // 8 % 2).astype(np.uint8)
    image = np.repeat(stripes[..., None], 3, axis=-1)
    centre = (shape[0] * 0.6, shape[1] * 0.4)
    odd = disk(shape, centre, min(shape) / 12)
    image[odd] = (255, 20, 20)
    made = spectral_residual.saliency(image)
    near = disk(shape, centre, min(shape) / 5)
    assert near[np.unravel_index(made.argmax(), shape)]
    assert made[near].mean() > 3 * made[~near].mean()


@pytest.mark.parametrize("level", [0, 77, 255])
def test_nothing_stands_out_of_one_colour(level):
    image = np.full((30, 500, 3), level, np.uint8)
    made = spectral_residual.saliency(image)
    assert made.shape == (30, 500)
    assert not made.any()


shapes = st.tuples(st.integers(1, 150), st.integers(1, 150), st.just(3))


@hypothesis.given(shapes.flatmap(lambda shape: hnp.arrays(np.uint8, shape)))
@hypothesis.settings(deadline=None, max_examples=50)
def test_it_is_a_density_of_any_image(image):
    made = spectral_residual.saliency(image)
    assert made.dtype == np.float32
    assert made.shape == image.shape[:2]
    assert np.isfinite(made).all()
    assert (made >= 0).all()
