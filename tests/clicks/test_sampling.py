import functools
import tracemalloc

import numpy as np
import pytest
from group_shares import shares, total_variation
from scipy import stats

from rclicks_jax import errors
from rclicks_jax.clicks import groups, sampling, simulate

STREAMS = np.arange(1, 11, dtype=np.int32)
EVERY = np.arange(11, dtype=np.int32)
CUTS = pytest.mark.parametrize("cut", ["value", "mass"])
TOP = groups.TOP_LEVEL


def some_levels(seed, shape=(23, 31)):
    random = np.random.default_rng(seed)
    click_map = random.random(shape, dtype=np.float32) ** 3
    if seed % 2:
        click_map = np.round(click_map * 5) / 5
    return groups.quantise(click_map, random.random(shape) < 0.7)


def some_bits(seed, count=10):
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def drawn(levels, numbers, bits, cut, *, place=(0, 0), on_device=False):
    draw = sampling.Draw(levels, *place, np.asarray(numbers, np.int32), bits)
    return sampling.draw_all([draw], cut=cut, on_device=on_device)[0]


def both_ways(draws, cut):
    """Returns what the host and what the device draws."""
    return [sampling.draw_all(draws, cut=cut, on_device=way) for way in (False, True)]


@CUTS
def test_host_and_device_draw_the_same_pixels(cut):
    maps = [some_levels(seed) for seed in range(12)]
    maps += [np.zeros((23, 31), np.uint16), np.full((23, 31), TOP, np.uint16)]
    maps += [np.full((1, 1), TOP, np.uint16), some_levels(3, (1, 600))]
    draws = [
        sampling.Draw(levels, 3 * i, 5 * i, EVERY, some_bits(i, 11))
        for i, levels in enumerate(maps)
    ]
    np.testing.assert_array_equal(*both_ways(draws, cut))


@CUTS
@pytest.mark.parametrize("group", EVERY)
def test_clicks_have_the_distribution_of_their_group(cut, group):
    levels = some_levels(2, (9, 11))
    expected = shares(levels, group, cut).ravel()
    bits = some_bits(100 + group, 3000)
    pixels = drawn(levels, np.full(3000, group), bits, cut)
    counts = np.bincount(pixels, minlength=levels.size)
    assert not counts[expected == 0].any()
    likely = expected * 3000 >= 5
    rare = (counts[~likely].sum(), 3000 * expected[~likely].sum())
    observed, wanted = counts[likely], 3000 * expected[likely]
    if rare[1] > 0:
        observed, wanted = np.append(observed, rare[0]), np.append(wanted, rare[1])
    if len(wanted) > 1:
        assert stats.chisquare(observed, wanted).pvalue > 1e-4


@CUTS
@pytest.mark.long
def test_heavy_and_light_pixels_are_drawn_by_their_mass(cut):
    levels = np.ones((40, 50), np.uint16)
    levels[20, 25] = TOP
    for on_device in (False, True):
        pixels = drawn(
            levels, np.zeros(4000), some_bits(8, 4000), cut, on_device=on_device
        )
        light = (pixels != 20 * 50 + 25).mean()
        expected = 1999 / (1999 + TOP)
        spread = np.sqrt(expected * (1 - expected) / 4000)
        assert abs(light - expected) < 4 * spread


NOISE = {
    "one part in a million": lambda m, r: m * (1 + 1e-6 * r.uniform(-1, 1, m.shape)),
    "another batch": lambda m, r: m * (1 + 2.5e-7 * r.uniform(-1, 1, m.shape)),
    "bfloat16": lambda m, r: m * (1 + 4e-3 * r.uniform(-1, 1, m.shape)),
}


def smooth_map(shape=(48, 64)):
    ys, xs = np.mgrid[: shape[0], : shape[1]]
    hill = np.exp(-((ys - 20.3) ** 2 + (xs - 33.1) ** 2) / 300)
    return (hill + 0.1 * np.sin(ys / 7) ** 2).astype(np.float32)


def noisy_levels(kind, seed):
    """Returns the levels of a map without and with noise."""
    click_map, random = smooth_map(), np.random.default_rng(seed)
    everywhere = np.ones(click_map.shape, bool)
    levels = groups.quantise(click_map, everywhere)
    if kind in NOISE:
        moved = NOISE[kind](click_map, random).astype(np.float32)
        return levels, groups.quantise(moved, everywhere)
    if kind == "single levels":
        steps = random.integers(-1, 2, levels.shape)
        return levels, np.clip(levels + steps, 1, TOP).astype(np.uint16)
    # Coarse levels hold a hundredth and more of the mass, and lie on borders of groups.
    coarse = levels // 2048 * 2048
    crossing = np.where(random.random(levels.shape) < 0.02, 2048, 0)
    return coarse, np.minimum(coarse.astype(int) + crossing, TOP).astype(np.uint16)


@functools.lru_cache(maxsize=100)
def drawn_of(shape, content, *, cut, group, seed, count):
    """Returns draws of a group; most kinds of noise begin with the same map."""
    levels = np.frombuffer(content, np.uint16).reshape(shape)
    return drawn(levels, np.full(count, group), some_bits(seed, count), cut)


@CUTS
@pytest.mark.long
@pytest.mark.parametrize("kind", [*NOISE, "single levels", "borders"])
def test_noise_moves_at_most_twice_the_total_variation_of_clicks(cut, kind):
    count = 300
    bound, spread, moved = 0.0, 0.0, 0
    for seed in range(2):
        before, after = noisy_levels(kind, seed)
        for group in EVERY.tolist():
            variation = total_variation(
                shares(before, group, cut), shares(after, group, cut)
            )
            draw = functools.partial(
                drawn_of, cut=cut, group=group, seed=1000 * seed + group, count=count
            )
            first, second = (
                draw(each.shape, each.tobytes()) for each in (before, after)
            )
            moved += int((first != second).sum())
            share = min(2 * variation, 1.0)
            bound += count * share
            spread += count * share * (1 - share)
    assert moved <= bound + 4 * np.sqrt(spread) + 1
    if kind in ("another batch", "one part in a million"):
        assert moved == 0, f"{moved} of 6600 clicks"
    assert not np.array_equal(*noisy_levels("bfloat16", 0))


@CUTS
def test_a_crop_changes_no_click(cut):
    levels = np.zeros((40, 60), np.uint16)
    levels[7:30, 11:42] = some_levels(4)
    bits = some_bits(4, 110)
    numbers = np.repeat(EVERY, 10)
    whole = drawn(levels, numbers, bits, cut)
    assert (whole >= 0).all()
    for top, bottom, left, right in ((7, 30, 11, 42), (3, 39, 10, 60)):
        part = levels[top:bottom, left:right]
        for on_device in (False, True):
            pixels = drawn(
                part, numbers, bits, cut, place=(top, left), on_device=on_device
            )
            ys, xs = np.divmod(pixels, part.shape[1])
            np.testing.assert_array_equal((ys + top) * 60 + xs + left, whole)


@CUTS
@pytest.mark.long
def test_what_is_drawn_beside_a_click_does_not_change_it(cut):
    draws = [
        sampling.Draw(some_levels(s, (8 - s, 9)), s, 0, EVERY, some_bits(s, 11))
        for s in range(3)
    ]
    for on_device in (False, True):
        together = sampling.draw_all(draws, cut=cut, on_device=on_device)
        for draw, pixels in zip(draws, together, strict=True):
            alone = sampling.draw_all([draw], cut=cut, on_device=on_device)[0]
            np.testing.assert_array_equal(alone, pixels)
            turned = draw._replace(group_numbers=EVERY[::-1], bits=draw.bits[::-1])
            reverse = sampling.draw_all([turned], cut=cut, on_device=on_device)[0]
            np.testing.assert_array_equal(reverse[::-1], pixels)


@CUTS
@pytest.mark.parametrize("on_device", [False, True])
def test_where_a_group_or_a_map_has_no_mass_nothing_is_drawn(cut, on_device):
    nothing = np.zeros((4, 5), np.uint16)
    pixels = drawn(nothing, EVERY, some_bits(0, 11), cut, on_device=on_device)
    assert (pixels == -1).all()
    # A mass of 3 has no ten tenths.
    three = np.array([[0, 3, 0]], np.uint16)
    pixels = drawn(three, EVERY, some_bits(0, 11), cut, on_device=on_device)
    expected = [1, 1, *[-1] * 2, 1, *[-1] * 2, 1, *[-1] * 3] if cut == "mass" else 1
    np.testing.assert_array_equal(pixels, expected)


def test_many_draws_are_the_same_as_few():
    levels, bits = some_levels(1), some_bits(1, 330)
    many = drawn(levels, np.zeros(330), bits, "value")
    few = [drawn(levels, [0], bits[i : i + 1], "value")[0] for i in range(330)]
    np.testing.assert_array_equal(many, few)


def test_a_race_that_nobody_wins_in_time_is_run_again():
    # The bound is below what any pixel of so wrong a mass reaches.
    def weigh(indices):
        return np.ones(len(indices))

    first = sampling.race((6, 7), (0, 0), 99, weigh, mass=42, heaviest=1)
    again = sampling.race((6, 7), (0, 0), 99, weigh, mass=1e12, heaviest=1)
    assert first == again


def test_a_large_map_needs_little_memory():
    levels = np.full((4000, 6000), 40000, np.uint16)
    levels[2000:, 3000:] = TOP
    tracemalloc.start()
    pixels = drawn(levels, [0, 1, 10], some_bits(2, 3), "value")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (pixels >= 0).all()
    # A table of levels counts the pixels as 64-bit integers.
    assert peak < 6 * levels.nbytes


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
