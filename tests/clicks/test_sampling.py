import numpy as np
import pytest
from scipy import stats

from rclicks_jax import errors
from rclicks_jax.clicks import groups, sampling, simulate

STREAMS = np.arange(1, 11, dtype=np.int32)


def some_levels(seed, shape=(23, 31)):
    random = np.random.default_rng(seed)
    click_map = random.random(shape, dtype=np.float32) ** 3
    if seed % 2:
        click_map = np.round(click_map * 5) / 5
    return groups.quantise(click_map, random.random(shape) < 0.7)


def some_bits(seed, count=10):
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


@pytest.mark.parametrize("cut", ["value", "mass"])
def test_host_and_device_draw_the_same_pixels(cut):
    maps = [some_levels(seed) for seed in range(4)] + [np.zeros((23, 31), np.uint16)]
    draws = [sampling.Draw(m, STREAMS, some_bits(i)) for i, m in enumerate(maps)]
    on_host = sampling.draw_all(draws, cut=cut, on_device=False)
    on_device = sampling.draw_all(draws, cut=cut, on_device=True)
    np.testing.assert_array_equal(np.stack(on_host), np.stack(on_device))


@pytest.mark.parametrize("cut", ["value", "mass"])
def test_draws_from_whole_maps_and_groups_mix(cut):
    numbers = np.array([groups.WHOLE, 3, groups.WHOLE, 10], np.int32)
    draws = [sampling.Draw(some_levels(s), numbers, some_bits(s, 4)) for s in range(3)]
    on_host = sampling.draw_all(draws, cut=cut, on_device=False)
    on_device = sampling.draw_all(draws, cut=cut, on_device=True)
    np.testing.assert_array_equal(on_host, on_device)


def test_a_draw_from_the_whole_map_is_a_point_of_its_mass_line():
    levels = some_levels(1, (5, 6)) // 997
    order = np.argsort(levels, axis=None, kind="stable")
    line = np.repeat(order, levels.ravel()[order])
    bits = some_bits(0, 30)
    whole = np.full(30, groups.WHOLE, np.int32)
    drawn = sampling.draw_on_host(levels, whole, bits, cut="value")
    np.testing.assert_array_equal(drawn, line[bits % np.uint64(len(line))])


@pytest.mark.parametrize("cut", ["value", "mass"])
@pytest.mark.parametrize("seed", range(4))
def test_many_draws_are_the_same_as_few(cut, seed):
    levels, bits = some_levels(seed), some_bits(seed, 330)
    numbers = np.arange(330, dtype=np.int32) % 11
    many = sampling.draw_on_host(levels, numbers, bits, cut=cut)
    few = [
        sampling.draw_on_host(levels, numbers[i : i + 11], bits[i : i + 11], cut=cut)
        for i in range(0, 330, 11)
    ]
    np.testing.assert_array_equal(many, np.concatenate(few))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 50)])
def test_maps_of_other_shapes_share_a_padded_one(shape):
    maps = [some_levels(0), np.full(shape, 7, np.uint16)]
    draws = [sampling.Draw(m, STREAMS[:1], some_bits(3, 1)) for m in maps]
    for way in (False, True):
        drawn = sampling.draw_all(draws, cut="value", on_device=way)
        assert 0 <= drawn[1][0] < maps[1].size
    host = sampling.draw_all(draws, cut="mass", on_device=False)
    device = sampling.draw_all(draws, cut="mass", on_device=True)
    np.testing.assert_array_equal(host, device)


def test_a_map_without_mass_draws_nothing():
    drawn = sampling.draw_on_host(
        np.zeros((4, 5), np.uint16), STREAMS, some_bits(0), cut="value"
    )
    assert (drawn == -1).all()


@pytest.mark.parametrize("cut", ["value", "mass"])
def test_clicks_follow_the_mass_of_their_group(cut):
    levels = some_levels(2, (9, 11))
    table = groups.mass_table(levels)
    group = 4
    start, stop = groups.interval(table, group, cut)
    line = np.array([groups.pixel_at(levels, table, p) for p in range(start, stop, 37)])
    expected = np.bincount(line, minlength=levels.size) / line.size
    many = np.full(4000, group, np.int32)
    drawn = sampling.draw_on_host(levels, many, some_bits(5, 4000), cut=cut)
    counts = np.bincount(drawn, minlength=levels.size)
    assert not counts[expected == 0].any() or counts[expected == 0].sum() < 8
    inside = expected > 0.002
    share = expected[inside] / expected[inside].sum() * counts[inside].sum()
    assert stats.chisquare(counts[inside], share).pvalue > 1e-3


def test_bits_depend_on_names_and_on_nothing_else():
    whole = sampling.random_bits(0, "d/a", STREAMS, 0, 20)
    assert whole.shape == (10, 20)
    assert whole.dtype == np.uint64
    part = sampling.random_bits(0, "d/a", STREAMS[3:5], 0, 7)
    np.testing.assert_array_equal(part, whole[3:5, :7])
    others = [
        sampling.random_bits(1, "d/a", STREAMS, 0, 20),
        sampling.random_bits(0, "d/b", STREAMS, 0, 20),
        sampling.random_bits(0, "d/a", STREAMS, 1, 20),
    ]
    for other in others:
        assert not (other == whole).any()
    assert len(np.unique(whole)) == whole.size


@pytest.mark.parametrize("seed", [1 << 32, 1 << 40, -1, 0.5])
def test_a_seed_of_more_than_32_bits_is_refused(seed):
    streams = np.array([1], np.int32)
    with pytest.raises(errors.BadValueError, match="32 bits"):
        sampling.random_bits(seed, "a", streams, 0, 1)
    region = np.ones((4, 5), bool)
    with pytest.raises(errors.BadValueError, match="32 bits"):
        simulate.sample_clicks(region * 1.0, region, 3, seed=seed)


def test_bits_are_the_same_in_every_release():
    bits = sampling.random_bits(0, "GrabCut/21077", STREAMS[:2], 0, 2)
    assert bits.tolist() == [
        [6269717083723973317, 15852123642145508320],
        [9522899202155921423, 17390989091276405877],
    ]
