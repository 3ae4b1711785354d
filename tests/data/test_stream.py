import itertools

import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.data import letterbox_cache, packages, specs, stream
from rclicks_jax.types import PackedBatch

SIZE = 32


def opened(split="val", **changes):
    (spec,) = specs.parse("sample")
    settings = letterbox_cache.LetterboxSettings(
        **{"size": SIZE, "sigma": 20.0, **changes}
    )
    return stream.TrainSource([packages.open_clicks(spec)], split, settings)


@pytest.fixture(scope="module")
def source():
    return opened()


def batches(source, count, **changes):
    settings = {
        "batch_size": 8,
        "seed": 0,
        "augmentation": stream.Augmentation(flip=True, colour=0.2, zoom=0.2),
        "start_step": 0,
        "workers": 2,
    }
    settings |= changes
    return list(itertools.islice(stream.train_batches(source, **settings), count))


def alike(first, second):
    pairs = zip(first, second, strict=True)
    return all(
        np.array_equal(a, b) for x, y in pairs for a, b in zip(x, y, strict=True)
    )


def test_a_stream_is_the_same_from_any_step(source):
    whole = batches(source, 6)
    assert alike(batches(source, 3, start_step=3), whole[3:])
    assert not alike(batches(source, 3, seed=1), whole[:3])
    assert whole[0].image.shape == (8, SIZE, SIZE, 3)


def test_hosts_share_each_batch(source):
    (whole,) = batches(source, 1)
    parts = [batches(source, 1, shard=shard, shards=2)[0] for shard in range(2)]
    for both, first, second in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(both[:4], first)
        np.testing.assert_array_equal(both[4:], second)


class Numbered:
    """Tiny examples whose boxes start with their number; it notes what is read."""

    def __init__(self, count):
        self.count = count
        self.read = []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.read.append(index)
        pixels = np.zeros((2, 2, 3), np.uint8)
        box = np.array([index, 0, 0, 0], np.int32)
        return PackedBatch(
            pixels, pixels[..., :2], pixels[..., 0], box, np.float32(index)
        )


def test_sixteen_hosts_read_each_example_once_and_no_other(monkeypatch):
    monkeypatch.setattr(stream, "_LOOK_AHEAD", 4)
    steps, block = 20, 3
    count = 16 * block * steps
    plain = {"workers": 1, "augmentation": stream.Augmentation(flip=True)}
    (whole,) = batches(Numbered(count), 1, batch_size=count, **plain)
    order = whole.box[:, 0].reshape(steps, 16, block)
    taken = []
    for shard in range(16):
        own = Numbered(count)
        settings = {"batch_size": 16 * block, "shard": shard, "shards": 16}
        seen = batches(own, steps, **plain, **settings)
        numbers = np.concatenate([batch.box[:, 0] for batch in seen]).tolist()
        assert numbers == order[:, shard].ravel().tolist()
        # Then those of the next epoch, a few ahead.
        assert own.read[: steps * block] == numbers
        assert len(own.read) <= (steps + 6) * block
        taken += numbers
    assert sorted(taken) == list(range(count))


def test_an_epoch_sees_every_example_once(source):
    plain = stream.Augmentation(flip=False)
    count = len(source) // 8
    seen = batches(source, count, augmentation=plain)
    names = [row.tobytes() for batch in seen for row in batch.click_map]
    every = {source[i].click_map.tobytes() for i in range(len(source))}
    assert set(names) <= every
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("shards", [1, 2])
def test_validation_has_everything_once_and_fills_up(source, shards):
    hosts = [list(stream.eval_batches(source, 16, h, shards)) for h in range(shards)]
    assert len({len(seen) for seen in hosts}) == 1
    assert {batch.image.shape[0] for seen in hosts for batch in seen} == {16 // shards}
    rows = [row for host in zip(*hosts, strict=True) for b in host for row in b.image]
    weights = [w for host in zip(*hosts, strict=True) for b in host for w in b.weight]
    assert sum(weights) == len(source)
    for index in range(len(source)):
        np.testing.assert_array_equal(rows[index], source[index].image)


def test_clicks_too_far_away_are_left_out_and_counted():
    (spec,) = specs.parse("sample")
    package = packages.open_clicks(spec)
    strict, loose = opened(max_click_distance=0.0), opened(max_click_distance=1.0)
    assert strict.counts["clicks too far away"] > 0
    kept = strict.counts["clicks kept"]
    assert loose.counts["clicks kept"] > kept
    total = sum(len(package.read(row).clicks_yx) for row in package.select("val"))
    assert kept + strict.counts["clicks too far away"] == total
    assert strict[0].click_map.shape == (SIZE, SIZE)


def test_nothing_to_train_on_and_hosts_that_cannot_share_are_errors(source):
    with pytest.raises(errors.TrainingError, match="cannot be shared by 3 hosts"):
        batches(source, 1, shards=3)
    empty = stream.TrainSource([], "train", letterbox_cache.LetterboxSettings(8, 5.0))
    with pytest.raises(errors.TrainingError, match="nothing to train on"):
        batches(empty, 1)


def test_there_is_nothing_beyond_the_last_example(source):
    for index in (-1, len(source)):
        with pytest.raises(IndexError):
            source[index]
