import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from scipy import ndimage

from rclicks_jax.ops import bit_masks, depth, depth_bounds, distance

NONE = np.zeros((0, 2), np.int32)
sides = st.integers(1, 40) | st.sampled_from([63, 64, 65, 130])


def slow_winner(masks, except_yx):
    """Transforms every mask."""
    allowed = np.ones(masks[0].shape, bool)
    allowed[tuple(except_yx.T)] = False
    found = [distance.deepest_pixel(mask, allowed) for mask in masks]
    best = max(square for square, _ in found)
    number = max(n for n, (square, _) in enumerate(found) if square == best)
    return number, found[number][1]


def contest(masks, except_yx=NONE, wants_pixel=True):
    areas = [int(mask.sum()) for mask in masks]
    packed = [*map(bit_masks.pack, masks)]
    return depth.Contest(packed, areas, except_yx, wants_pixel)


def smooth(drawn, shape):
    """Blobs, as segmenters leave them."""
    noise = ndimage.gaussian_filter(drawn.standard_normal(shape), drawn.uniform(1, 12))
    return noise > drawn.uniform(-1, 1) * noise.std()


def kinds(drawn, shape):
    """Masks of all kinds."""
    yield np.zeros(shape, bool)
    yield np.ones(shape, bool)
    yield drawn.random(shape) < drawn.random()
    blob = smooth(drawn, shape)
    yield blob
    # Equally deep but for the border.
    yield np.roll(blob, (3, 5), (0, 1))
    single = np.zeros(shape, bool)
    single[shape[0] // 2, shape[1] // 2] = True
    yield single


@hypothesis.given(st.tuples(sides, sides), st.data())
@hypothesis.settings(deadline=None, max_examples=60)
def test_winners_are_those_of_the_exact_transform(shape, data):
    drawn = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    contests, expected = [], []
    for _ in range(data.draw(st.integers(1, 5))):
        choice = list(kinds(drawn, shape))
        count = data.draw(st.integers(1, 3))
        masks = [choice[n] for n in drawn.integers(0, len(choice), count)]
        pixels = np.argwhere(masks[0])
        few = pixels[: 200 if len(pixels) < 100 else 9]
        except_yx = few if data.draw(st.booleans()) else NONE
        wanted = data.draw(st.booleans())
        contests.append(contest(masks, except_yx, wanted))
        number, yx = slow_winner(masks, except_yx)
        expected.append((number, yx if wanted else None))
    for winner, (number, yx) in zip(depth.winners(contests), expected, strict=True):
        assert winner.number == number
        assert yx is None or winner.yx == yx


@hypothesis.given(hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
@hypothesis.settings(deadline=None)
def test_a_deepest_pixel_is_the_first_of_the_farthest(mask):
    (winner,) = depth.winners([contest([mask])])
    assert winner.yx == distance.deepest_pixel(mask, mask)[1]


@pytest.mark.parametrize("seed", range(8))
def test_bounds_hold_the_depth_of_large_masks(seed):
    drawn = np.random.default_rng(seed)
    shape = drawn.integers(40, 260), drawn.integers(40, 300)
    mask = smooth(drawn, shape)
    except_yx = np.argwhere(mask)[:: max(1, int(mask.sum()) // 9)]
    field = depth_bounds.Field.of([contest([mask], except_yx)])
    allowed = np.ones_like(mask)
    exact = np.sqrt(distance.deepest_pixel(mask, allowed)[0])
    assert field.low[0] <= exact <= field.high[0]
    allowed[tuple(except_yx.T)] = False
    assert field.low[0] <= np.sqrt(distance.deepest_pixel(mask, allowed)[0])


def test_masks_of_many_depths_are_looked_at_in_groups():
    shape = (700, 900)
    rows, columns = np.indices(shape)
    masks = [
        (rows - 350) ** 2 + (columns - 100 - 10 * radius / 3) ** 2 < radius**2
        for radius in (3, 20, 60, 130, 200)
    ]
    contests = [contest([mask, np.roll(mask, -8, axis=0)]) for mask in masks]
    field = depth_bounds.Field.of(contests)
    groups = list(depth_bounds.groups(field, np.arange(10), np.ones(5)))
    assert len(groups) > 2
    assert sorted(n for group in groups for n in group.numbers) == list(range(10))
    for winner, mask in zip(depth.winners(contests), masks, strict=True):
        assert winner == slow_winner([mask, np.roll(mask, -8, axis=0)], NONE)


def test_noise_is_transformed(monkeypatch):
    transformed = []
    plain = depth._transform
    monkeypatch.setattr(
        depth, "_transform", lambda *a: (transformed.append(a[1]), plain(*a))
    )
    noise = np.random.default_rng(0).random((300, 400)) < 0.3
    blob = smooth(np.random.default_rng(1), (300, 400))
    (winner,) = depth.winners([contest([noise, np.roll(noise, 1, axis=0)])])
    assert winner == slow_winner([noise, np.roll(noise, 1, axis=0)], NONE)
    assert sorted(transformed) == [0, 1]
    depth.winners([contest([blob])])
    assert len(transformed) == 2


def test_without_a_pixel_that_counts_the_last_mask_wins_at_the_corner():
    nothing, one = np.zeros((5, 70), bool), np.zeros((5, 70), bool)
    one[2, 66] = True
    assert depth.winners([contest([one, nothing], np.array([[2, 66]]))]) == [
        (1, (0, 0))
    ]
    assert depth.winners([contest([one, nothing])]) == [(0, (2, 66))]
    empty = np.zeros((0, 5), bool)
    assert depth.winners([contest([empty, empty])]) == [(1, (0, 0))]
