"""Live trajectories: rows of arrays, and what is recorded of them."""

import dataclasses

import numpy as np

from rclicks_jax.benchmark import trajectories
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.clicks import sampling, strategies
from rclicks_jax.ops import bit_masks
from rclicks_jax.settings import protocols

SHAPE = (6, 8)
SHORT = dataclasses.replace(protocols.PAPER, max_clicks=4)
SETUP = Setup(SHORT, 7, (3, 10), True, 2, robots=("random",))


def started(watched=()):
    return trajectories.start("set/object", SHAPE, SETUP, watched)


def click(y, x, positive=True):
    return strategies.NextClick(y, x, positive, bit_masks.pack(np.ones(SHAPE, bool)))


def packed(*masks):
    return bit_masks.pack_all(masks)


def disk_of(pixels):
    mask = np.zeros(SHAPE, bool)
    mask.ravel()[:pixels] = True
    return mask


def test_rows_are_robots_then_groups_of_each_repeat():
    assert started().keys == (
        ("baseline", 0, 0),
        ("random", 0, 0),
        ("group", 3, 0),
        ("group", 10, 0),
        ("group", 3, 1),
        ("group", 10, 1),
    )


def test_bits_of_a_row_do_not_depend_on_the_other_rows():
    bits = started().bits
    assert bits.shape == (6, 4)
    assert not bits[0].any()
    streams = [
        (strategies.ROBOTS["random"].stream, 0),
        (3, 0),
        (10, 0),
        (3, 1),
        (10, 1),
    ]
    for row, (stream, repeat) in enumerate(streams, 1):
        alone = sampling.random_bits(7, "set/object", np.array([stream]), repeat, 4)
        np.testing.assert_array_equal(bits[row], alone[0])


def test_clicks_and_answers_change_the_rows_they_are_of():
    live = started(watched=[("group", 10)])
    rows = np.array([0, 3])
    trajectories.add_clicks(live, rows, [click(1, 2), click(5, 7, False)])
    assert live.clicks.count.tolist() == [1, 0, 0, 1, 0, 0]
    assert live.clicks.yx[3, 0].tolist() == [5, 7]
    assert live.clicks.positive[:, 0].tolist() == [True] + [False] * 5
    used = [trajectories.clicked_yx(live, row).tolist() for row in (0, 1, 3)]
    assert used == [[[1, 2]], [], [[5, 7]]]
    areas = np.arange(8).reshape(2, 4)
    trajectories.add_answers(live, rows, packed(disk_of(3), disk_of(5)), areas)
    assert [mask.unpack().sum() for mask in live.pred_masks] == [3, 0, 0, 5, 0, 0]
    assert live.areas[3, 0].tolist() == [4, 5, 6, 7]
    trajectories.add_clicks(live, rows[1:], [click(0, 0)])
    trajectories.add_answers(live, rows[1:], packed(disk_of(2)), areas[:1])
    # The first repeat of G10 is watched: bits 0 and 1 are its two rounds.
    rounds = trajectories.seen_rounds(live)
    assert set(rounds) == {3}
    assert rounds[3].dtype == np.uint32
    assert rounds[3].shape == SHAPE
    assert rounds[3].ravel()[:6].tolist() == [3, 3, 1, 1, 1, 0]


def test_of_many_rounds_as_many_are_seen_as_a_picture_has_bits():
    many = dataclasses.replace(SHORT, max_clicks=30)
    setup = dataclasses.replace(SETUP, protocol=many, groups=(3,), repeats=1)
    live = trajectories.start("set/object", SHAPE, setup, [("group", 3)])
    row = np.array([2])
    masks = np.random.default_rng(0).random((30, *SHAPE)) < 0.5
    for mask in masks:
        trajectories.add_clicks(live, row, [click(0, 0)])
        areas = np.zeros((1, 4), np.int64)
        trajectories.add_answers(live, row, packed(mask), areas)
    (seen,) = trajectories.seen_rounds(live).values()
    bits = seen[None] >> np.arange(32, dtype=np.uint32)[:, None, None] & 1
    np.testing.assert_array_equal(bits[:24], masks[:24])
    assert not bits[24:].any()


def test_a_row_is_unsolved_below_the_threshold_and_all_are_without_one():
    live = started()
    rows = np.array([1, 2])
    trajectories.add_clicks(live, rows, [click(0, 0), click(1, 1)])
    areas = np.array([[9, 10, 0, 1], [89, 100, 0, 1]])
    trajectories.add_answers(live, rows, packed(*[disk_of(1)] * 2), areas)
    assert trajectories.unsolved(live, rows, 90).tolist() == [2]
    # What a row that ended has keeps no mask of the others in memory.
    assert [live.pred_masks[row].bits.base is None for row in (1, 2)] == [True, False]
    assert trajectories.unsolved(live, rows, 0).tolist() == [1, 2]


def test_areas_of_a_trajectory_that_ended_early_repeat():
    live = started()
    every = np.arange(6)
    clicks = [click(0, x) for x in range(6)]
    trajectories.add_clicks(live, every, clicks)
    first = np.arange(24).reshape(6, 4)
    trajectories.add_answers(live, every, packed(*[disk_of(1)] * 6), first)
    trajectories.add_clicks(live, every[:1], [click(2, 3, False)])
    trajectories.add_answers(live, every[:1], packed(disk_of(1)), first[:1] + 100)
    baseline, random, *_ = trajectories.to_records(live)
    assert baseline.clicks == [(0, 0, True), (2, 3, False)]
    assert baseline.intersection == [0, 100, 100, 100]
    assert baseline.boundary_union == [3, 103, 103, 103]
    assert (random.strategy, random.group, random.repeat) == ("random", 0, 0)
    assert random.clicks == [(0, 1, True)]
    assert random.union == [5] * 4
