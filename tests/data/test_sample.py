import collections

import numpy as np
import pytest

from rclicks_jax.data import raw
from rclicks_jax.data.raw import sample
from rclicks_jax.data.synthetic import clicks as synthetic_clicks
from rclicks_jax.data.synthetic import distortions
from rclicks_jax.ops import masks


@pytest.fixture(scope="module")
def source():
    return sample.SampleSource()


@pytest.fixture(scope="module")
def images(source):
    return [image for split in source.split_names for image in source.images(split)]


def test_the_outlines_are_what_was_promised(images):
    objects = [o for image in images for o in image.objects]
    assert len(objects) >= 30
    assert all(not o.problem for o in objects)
    assert len({o.instance_id for o in objects}) == len(objects)
    assert sum(o.instance_id.startswith("coins-") for o in objects) <= 12
    shares = [(o.mask == raw.OBJECT).mean() for o in objects]
    assert sum(share < 0.005 for share in shares) >= 6
    borders = [
        np.pad(o.mask[1:-1, 1:-1] * 0, 1, constant_values=1) * o.mask for o in objects
    ]
    assert sum(bool(border.any()) for border in borders) >= 6
    described = [o for photo in sample.outlines() for o in photo["objects"]]
    assert sum(bool(o.get("holes_yx")) for o in described) >= 4


def test_every_photograph_states_its_licence_and_split():
    photos = sample.outlines()
    assert all(photo["licence"] and photo["source"] for photo in photos)
    assert {photo["split"] for photo in photos} == {"train", "val"}
    assert len({photo["photo"] for photo in photos}) == len(photos)
    assert not {"motorcycle", "moon"} & {photo["photo"] for photo in photos}


def test_first_clicks_say_that_they_are_synthetic(images):
    devices = {o.input_device for image in images for o in image.objects}
    assert devices == {"synthetic"}


@pytest.mark.long
def test_there_are_tasks_of_every_kind_with_the_errors_they_claim(source):
    kinds = collections.Counter()
    for split in ("train", "val"):
        for task in source.tasks(split):
            kinds[task.click_type, task.mask_source] += 1
            assert task.input_device == "synthetic"
            target = task.gt_mask == raw.OBJECT
            if task.prev_mask is None:
                assert task.click_type == "first"
                continue
            before = task.prev_mask > 127
            missed, false = target & ~before, ~target & before
            assert (missed if task.click_type == "fn" else false).sum() >= 16
    made = {f"synthetic-{kind}" for kind in distortions.KINDS}
    assert {mask_source for _, mask_source in kinds} == {"", *made}
    assert min(kinds.values()) >= 20


def test_it_is_the_same_every_time(source, images):
    again = next(source.images("train"))
    for ours, theirs in zip(again.objects, images[0].objects, strict=True):
        np.testing.assert_array_equal(ours.clicks_yx, theirs.clicks_yx)
        np.testing.assert_array_equal(ours.mask, theirs.mask)


def test_synthetic_clicks_follow_their_density():
    region = np.zeros((40, 50), bool)
    region[10:30, 10:40] = True
    contrast = np.ones((40, 50), np.float32)
    density = synthetic_clicks.density(contrast, region)
    assert density.sum() == pytest.approx(1)
    assert not density[~region].any()
    assert density[20, 25] > 5 * density[10, 10]
    clicks = synthetic_clicks.draw(contrast, region, 500, np.random.default_rng(0))
    box = masks.bounding_box(region)
    inside = (clicks[:, 0] >= box[0] - 2) & (clicks[:, 0] < box[1] + 2)
    assert inside.all()
    assert abs(clicks.mean(axis=0) - (19.5, 24.5)).max() < 1


@pytest.mark.parametrize("kind", distortions.KINDS)
def test_distortions_make_the_error_they_are_named_for(kind):
    target = np.zeros((60, 60), bool)
    target[20:40, 15:35] = True
    other = np.zeros_like(target)
    other[20:40, 40:50] = True
    before = distortions.distort(kind, target, [other], np.random.default_rng(0))
    missed, false = target & ~before, ~target & before
    if distortions.KINDS[kind] == "fn":
        assert missed.any()
    else:
        assert false.any()
        assert not missed.any()
    if kind == "neighbour":
        np.testing.assert_array_equal(before, target | other)
    if kind == "part_lost":
        assert 0.2 < missed.sum() / target.sum() < 0.6


def test_an_error_too_small_to_see_is_no_task():
    target = np.zeros((30, 30), bool)
    target[10:12, 10:12] = True
    assert (
        distortions.distort("part_lost", target, [], np.random.default_rng(0)) is None
    )


def coins(longest_side=0):
    """The sample with one photograph alone."""
    source = sample.SampleSource(longest_side)
    source._photos = [each for each in source._photos if each["photo"] == "coins"]
    return source


def test_a_limited_sample_is_shrunk_with_masks_and_clicks():
    source, limited = coins(), coins(100)
    (whole,), (small,) = source.images("train"), limited.images("train")
    assert (whole.shape, small.shape) == ((303, 384), (79, 100))
    pairs = zip(source.tasks("train"), limited.tasks("train"), strict=True)
    for one, two in zip(whole.objects, small.objects, strict=True):
        assert two.mask.shape == small.shape
        np.testing.assert_array_equal(
            two.clicks_yx, one.clicks_yx * (79, 100) // (303, 384)
        )
        share = (one.mask == raw.OBJECT).mean()
        assert (two.mask == raw.OBJECT).mean() == pytest.approx(share, abs=0.003)
    for one, two in pairs:
        assert two.click_set_id == one.click_set_id
        assert two.gt_mask.shape == small.shape
        assert (two.prev_mask is None) == (one.prev_mask is None)
        assert two.prev_mask is None or two.prev_mask.shape == small.shape
        assert (two.clicks_yx < small.shape).all()
