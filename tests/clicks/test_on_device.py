import dataclasses
import threading

import device_stream
import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import numpy as np
import pytest
import two_convolutions
from helpers import disk

from rclicks_jax import errors
from rclicks_jax.clicks import device_rows, groups, on_device, sampling
from rclicks_jax.clicks.map_clicks import Query
from rclicks_jax.jobs import meter, scheduler
from rclicks_jax.networks import device_letterbox
from rclicks_jax.ops import bit_masks

pytestmark = pytest.mark.usefixtures("second_architecture")
RULES = {"cut": "mass", "empty_map": "baseline"}


def model(devices, **options):
    return two_convolutions.model(batch=2, devices=devices, **options)


@pytest.fixture(scope="module")
def network():
    return model(3)


@pytest.fixture(scope="module")
def devices(network):
    return on_device.OnDevice(network, **RULES)


def queries(count, seed=0):
    """Objects of any shapes, some with clicks, of one group or all."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        shape = tuple(random.integers(50, 128, 2).tolist())
        image = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        middle = shape[0] // 2, shape[1] // 2
        target = disk(shape, middle, min(shape) // 3)
        region = target & disk(shape, (middle[0] + 7, middle[1]), min(shape) // 3)
        clicked = np.argwhere(region)[: number % 4].astype(np.int32)
        numbers = np.arange(1, 11) if number % 2 else np.array([number % 10 + 1])
        bits = random.integers(0, 2**64, len(numbers), dtype=np.uint64)
        packed = bit_masks.pack(region)
        asked = clicked, numbers, bits, number % 3 == 0
        made.append(Query(image, target, packed, *asked))
    return made


def wide_query():
    """A query of another static shape."""
    (query,) = queries(1, seed=9)
    image, *wide = (np.repeat(array, 4, axis=1) for array in query.click_query)
    gt_mask, region = wide
    return query._replace(image=image, gt_mask=gt_mask, region=bit_masks.pack(region))


def answers(answerer, asked):
    """Asks in passes."""
    made = []
    for first in range(0, len(asked), answerer.batch):
        some = asked[first : first + answerer.batch]
        raw = answerer.answer(answerer.send(answerer.prepare(some)))
        made += answerer.finish(some, raw)
    return made


def host_clicks(click_map, query):
    free = query.click_query.error_mask.copy()
    free[tuple(query.clicked_yx.T)] = False
    levels = groups.drawable(click_map, free, empty_map=RULES["empty_map"])
    draw = sampling.Draw(levels, 0, 0, query.group_numbers, query.bits)
    pixels = sampling.draw_on_host(draw, cut=RULES["cut"])
    return np.stack(np.divmod(pixels, levels.shape[1]), axis=-1)


def test_devices_draw_the_pixels_of_the_host(network, devices):
    asked = queries(14)
    maps = network([query.click_query for query in asked])
    differ = total = 0
    for query, click_map, answer in zip(
        asked, maps, answers(devices, asked), strict=True
    ):
        assert answer.yx.dtype == np.int32
        differ += (host_clicks(click_map, query) != answer.yx).any(axis=1).sum()
        total += len(query.group_numbers)
        assert not answer.is_blank
        if query.wants_map:
            np.testing.assert_allclose(answer.click_map, click_map, atol=1e-4)
        else:
            assert answer.click_map is None
    assert total == 77
    # Rounding may move a level, and a level a click: 0 of 14,400 were measured.
    assert differ <= 1


@pytest.mark.long
def test_order_company_and_devices_change_nothing(devices):
    asked = queries(9)
    expected = answers(devices, asked)
    for ours, theirs in zip(answers(devices, asked[::-1])[::-1], expected, strict=True):
        np.testing.assert_array_equal(ours.yx, theirs.yx)
    alone = on_device.OnDevice(model(1), **RULES)
    assert alone.batch == 2
    for ours, theirs in zip(answers(alone, asked), expected, strict=True):
        np.testing.assert_array_equal(ours.yx, theirs.yx)
        if theirs.click_map is not None:
            np.testing.assert_array_equal(ours.click_map, theirs.click_map)


def test_a_pass_is_sent_while_the_one_before_is_on_the_device():
    """No pass but the last ends before the next was sent."""
    count = 12
    sent = [threading.Event() for _ in range(count)]
    waited = []

    def wait(number):
        if number + 1 < count:
            waited.append(sent[number + 1].wait(60))

    (query,) = queries(1)
    asked = query._replace(wants_map=False)
    device_stream.run(
        model(1),
        asked,
        count,
        lambda number: sent[number].set(),
        wait,
        coroutines=count,
    )
    assert waited == [True] * (count - 1)


def test_two_passes_under_way_give_the_bits_of_one_after_the_other(devices):
    asked = queries(23, seed=2)
    parts = [asked[first : first + 3] for first in range(0, len(asked), 3)]

    def question(number):
        answered = yield scheduler.Question("device", parts[number], "device")
        return number, answered

    def run(lanes, threads):
        answerer = scheduler.of_device("device", devices)
        ended = scheduler.run(
            map(question, range(len(parts))),
            [dataclasses.replace(answerer, lanes=lanes)],
            scheduler.Limits(places=99, bytes=1 << 40, threads=threads),
            meter.Meter(),
        )
        return [each for _, answers in sorted(ended) for each in answers]

    for ours, theirs in zip(run(2, 2), run(1, 0), strict=True):
        np.testing.assert_array_equal(ours.yx, theirs.yx)
        if theirs.click_map is not None:
            np.testing.assert_array_equal(ours.click_map, theirs.click_map)


def test_a_photograph_and_a_target_go_up_once(devices, monkeypatch):
    sent = []

    def counted(write):
        def writing(plan, array, squares, slot):
            sent.append(write.__name__)
            return write(plan, array, squares, slot)

        return writing

    for name in ("put_image", "put_mask"):
        write = getattr(device_letterbox, name)
        monkeypatch.setattr(device_letterbox, name, counted(write))
    (query,) = queries(1, seed=5)
    for _ in range(3):
        answers(devices, [query] * 7)
    assert sorted(sent) == ["put_image", "put_mask"]


def test_a_clicked_pixel_is_not_clicked_again(devices):
    (query,) = queries(1)
    region = np.zeros(query.gt_mask.shape, bool)
    region[30, 20:22] = True
    asked = query._replace(
        region=bit_masks.pack(region),
        clicked_yx=np.array([[30, 20]], np.int32),
    )
    ((answer),) = answers(devices, [asked])
    assert answer.yx.tolist() == [[30, 21]]


def test_a_region_that_was_clicked_whole_gives_no_click(devices):
    (query,) = queries(1)
    region = query.click_query.error_mask
    asked = query._replace(clicked_yx=np.argwhere(region).astype(np.int32))
    (answer,) = answers(devices, [asked])
    assert answer.yx is None
    assert not answer.is_blank


def test_a_map_that_is_no_number_is_refused():
    fresh = two_convolutions.init(two_convolutions.SIZES["narrow"], 1)
    broken = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), fresh)
    answerer = on_device.OnDevice(model(3, variables=broken), **RULES)
    (query,) = queries(1)
    pixels = query.gt_mask.size
    message = f"gave {pixels} values that are no finite numbers"
    with pytest.raises(errors.DataError, match=message):
        answers(answerer, [query])


def test_a_photograph_larger_than_a_static_shape_is_refused(devices):
    size = device_rows.LARGEST_SIDE + 1
    mask = np.zeros((1, size), bool)
    image = np.zeros((1, size, 3), np.uint8)
    nothing = np.zeros((0, 2), np.int32)
    one = np.ones(1, np.uint64)
    packed = bit_masks.pack(mask)
    query = Query(image, mask, packed, nothing, np.array([1]), one, False)
    message = r"has 1x8193 pixels; .* at most 8192 .*max_side to 8192 or less"
    with pytest.raises(errors.DataError, match=message):
        devices.prepare([query])


def test_whole_maps_come_from_devices_for_soft_regions_too(network):
    """Half of the regions are soft, and every photograph has a size of its own."""
    asked = [query.click_query for query in queries(9)]
    random = np.random.default_rng(1)
    for number in range(0, len(asked), 2):
        values = random.random(asked[number].gt_mask.shape, np.float32)
        soft = asked[number].error_mask * values
        asked[number] = asked[number]._replace(error_mask=soft)
    stages = on_device.map_stages(network, on_device=True)
    maps = []
    for first in range(0, len(asked), stages.batch):
        some = asked[first : first + stages.batch]
        maps += stages.finish(some, stages.answer(stages.send(stages.prepare(some))))
    for ours, theirs in zip(maps, network(asked), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert not np.array_equal(ours, theirs * 0)


def test_large_maps_come_back_before_the_next_are_made(network, monkeypatch):
    stages = on_device.map_stages(network, on_device=True)
    # Of two static shapes, and so in two chunks of a pass.
    asked = [each.click_query for each in (*queries(2), wide_query())]
    together = stages.finish(asked, stages.answer(stages.send(stages.prepare(asked))))
    monkeypatch.setattr(on_device, "_MAPS_BYTES", -1)
    for ours, theirs in zip(
        stages.finish(asked, stages.answer(stages.send(stages.prepare(asked)))),
        together,
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_whole_maps_are_rescaled_as_the_model_does_it():
    (query,) = queries(1)
    scaled = model(1, rescale=True)
    stages = on_device.map_stages(scaled, on_device=True)
    raw = stages.answer(stages.send(stages.prepare([query.click_query])))
    (ours,) = stages.finish([query.click_query], raw)
    assert (ours.min(), ours.max()) == (0, 1)
    (theirs,) = scaled([query.click_query])
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_without_an_accelerator_maps_are_those_of_the_host(network):
    stages = on_device.map_stages(network, on_device=False)
    (query,) = queries(1)
    raw = stages.answer(stages.send(stages.prepare([query.click_query])))
    (ours,) = stages.finish([query.click_query], raw)
    np.testing.assert_array_equal(ours, network([query.click_query])[0])


def test_a_photograph_that_is_gone_is_not_taken_for_another(network, devices):
    """Arrays of the same memory follow each other: each has its own square."""
    (query,) = queries(1)
    for number in range(4):
        asked = query._replace(image=np.roll(query.image, 7 * number, 0))
        (answer,) = answers(devices, [asked])
        (expected,) = network([asked.click_query])
        np.testing.assert_allclose(answer.click_map, expected, atol=1e-4)
        del asked


def test_photographs_of_one_bucket_share_programs(devices):
    shapes = {each.program for each in devices.prepare(queries(40))}
    # One group, or ten of them.
    assert len(shapes) == 2


numbers = st.floats(0, 1, width=32) | st.sampled_from([np.nan, np.inf, -1.0, 1e-35])
jitted = jax.jit(on_device.drawable, static_argnames="empty_map")


@hypothesis.given(
    hnp.arrays(np.float32, (5, 7), elements=numbers),
    hnp.arrays(bool, (5, 7)),
    st.sampled_from(["baseline", "uniform"]),
)
@hypothesis.settings(deadline=None)
def test_levels_are_those_of_the_host(click_map, region, empty_map):
    ours = jitted(click_map, region, empty_map=empty_map)
    theirs = groups.drawable(click_map, region, empty_map=empty_map)
    assert ours.dtype == theirs.dtype
    # A quotient may be rounded the other way.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1)
    np.testing.assert_array_equal(np.asarray(ours) > 0, theirs > 0)
