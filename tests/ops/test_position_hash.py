import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from rclicks_jax.ops import position_hash


def pixel_words(key, shape, first=(0, 0)):
    ys, xs = (
        np.arange(start, start + size, dtype=np.uint32)
        for start, size in zip(first, shape, strict=True)
    )
    halves = np.array(key, np.uint32)
    rows = position_hash.line_words(halves[:1], ys)
    columns = position_hash.line_words(halves[1:], xs)
    return position_hash.pixel_words(rows[:, None], columns), rows


def test_words_are_the_same_in_every_release():
    words, _ = pixel_words((0x01234567, 0x89ABCDEF), (2, 3))
    assert words.tolist() == [
        [3431673370, 1547873434, 396917205],
        [1524174366, 3629517518, 535548991],
    ]


def test_numpy_and_jax_have_the_same_words():
    for words in (np.arange(5000, dtype=np.uint32), np.array([2**32 - 1], np.uint32)):
        ours = position_hash.mix(words)
        assert ours.dtype == np.uint32
        np.testing.assert_array_equal(ours, position_hash.mix(jnp.asarray(words)))


@pytest.mark.parametrize("seed", range(3))
def test_words_are_uniform_and_independent_of_their_neighbours(seed):
    key = np.random.default_rng(seed).integers(0, 2**32, 2)
    words, _ = pixel_words(key, (512, 512))
    high = (words >> 28).astype(int)
    assert stats.chisquare(np.bincount(high.ravel(), minlength=16)).pvalue > 1e-4
    others, _ = pixel_words(key ^ [0, 1], (512, 512))
    for dy, dx in ((0, 1), (1, 0), (1, 1), (0, 16), (256, 0)):
        pairs = 16 * high + np.roll(high, (dy, dx), (0, 1))
        counts = np.bincount(pairs.ravel(), minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-4
    pairs = 16 * high + (others >> 28)
    assert stats.chisquare(np.bincount(pairs.ravel(), minlength=256)).pvalue > 1e-4


def test_the_least_words_are_anywhere():
    rows, columns = np.zeros(16, int), np.zeros(16, int)
    keys = np.random.default_rng(5).integers(0, 2**32, (4000, 2))
    for key in keys:
        words, _ = pixel_words(key, (16, 16))
        y, x = divmod(int(words.argmin()), 16)
        rows[y] += 1
        columns[x] += 1
    assert stats.chisquare(rows).pvalue > 1e-4
    assert stats.chisquare(columns).pvalue > 1e-4


def test_numbers_are_exponential_and_never_infinite():
    words, rows = pixel_words((3, 4), (300, 300))
    numbers = position_hash.exponentials(words, rows[:, None], np)
    assert stats.kstest(numbers.ravel(), "expon").pvalue > 1e-4
    order = np.lexsort((numbers.ravel(), words.ravel()))
    assert (np.diff(numbers.ravel()[order]) >= 0).all()
    extremes = np.array([0, 1, 2**32 - 1], np.uint32)
    for xp in (np, jnp):
        ends = position_hash.exponentials(extremes, extremes, xp)
        assert np.isfinite(ends).all()
        assert (np.diff(np.asarray(ends)) > 0).all()
