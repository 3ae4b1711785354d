import itertools

import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.data import packages, preprocess, specs, stream

SIZE = 32


@pytest.fixture(scope="module")
def source():
    (spec,) = specs.parse("sample")
    return stream.TrainSource(
        [packages.open_clicks(spec)],
        "val",
        size=SIZE,
        sigma=20.0,
        max_click_distance=-1,
        keep_in_memory=True,
    )


def batches(source, count, **changes):
    settings = {"batch_size": 8, "seed": 0, "flip": True, "start_step": 0, "workers": 2}
    settings |= changes
    return list(itertools.islice(stream.train_batches(source, **settings), count))


def alike(first, second):
    pairs = zip(first, second, strict=True)
    return all(
        np.array_equal(a, b) for x, y in pairs for a, b in zip(x, y, strict=True)
    )


def test_examples_have_the_shapes_and_ranges_of_the_network(source):
    example = source[0]
    assert example.image.shape == (SIZE, SIZE, 3)
    assert example.masks.shape == (SIZE, SIZE, 2)
    assert example.masks.min() >= 0
    assert example.masks.max() <= 1
    assert example.click_map.shape == example.content.shape == (SIZE, SIZE)
    assert not example.image[example.content == 0].any()
    assert example.click_map.sum() > 0


def test_a_stream_is_the_same_from_any_step(source):
    whole = batches(source, 6)
    assert alike(batches(source, 3, start_step=3), whole[3:])
    assert not alike(batches(source, 3, seed=1), whole[:3])
    assert whole[0].image.shape == (8, SIZE, SIZE, 3)


def test_hosts_share_each_batch(source):
    (whole,) = batches(source, 1)
    parts = [batches(source, 1, shard=shard, shards=2)[0] for shard in range(2)]
    for both, first, second in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(both[0::2], first)
        np.testing.assert_array_equal(both[1::2], second)


def test_an_epoch_sees_every_example_once(source):
    seen = batches(source, len(source) // 8, flip=False)
    sums = {float(np.float64(m).sum()) for batch in seen for m in batch.click_map}
    every = {float(np.float64(source[i].click_map).sum()) for i in range(len(source))}
    assert sums <= every
    assert len(sums) > 0.8 * len(every)


def test_validation_has_everything_once_and_fills_up(source):
    seen = list(stream.eval_batches(source, 16))
    assert sum(batch.weight.sum() for batch in seen) == len(source)
    assert {batch.image.shape[0] for batch in seen} == {16}
    np.testing.assert_array_equal(seen[0].image[3], source[3].image)


def test_mirroring_twice_changes_nothing(source):
    example = source[1]
    once = preprocess.mirrored(example)
    np.testing.assert_array_equal(once.click_map, example.click_map[:, ::-1])
    again = preprocess.mirrored(once)
    assert alike([again], [example])


def test_clicks_too_far_away_are_left_out_and_counted():
    (spec,) = specs.parse("sample")
    package = packages.open_clicks(spec)
    settings = {"size": SIZE, "sigma": 20.0, "keep_in_memory": False}
    strict = stream.TrainSource([package], "val", max_click_distance=0, **settings)
    assert strict.counts["clicks too far away"] > 0
    kept = strict.counts["clicks kept"]
    loose = stream.TrainSource([package], "val", max_click_distance=1, **settings)
    assert loose.counts["clicks kept"] > kept
    total = sum(len(package.read(row).clicks_yx) for row in package.select("val"))
    assert kept + strict.counts["clicks too far away"] == total
    assert strict[0].click_map.shape == (SIZE, SIZE)


def test_nothing_to_train_on_and_hosts_that_cannot_share_are_errors(source):
    with pytest.raises(errors.TrainingError, match="cannot be shared by 3 hosts"):
        batches(source, 1, shards=3)
    empty = stream.TrainSource(
        [], "train", size=8, sigma=5.0, max_click_distance=-1, keep_in_memory=False
    )
    with pytest.raises(errors.TrainingError, match="nothing to train on"):
        batches(empty, 1)
