"""What all methods in JAX share, with a method of a few sums."""

import dataclasses
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.ops import buckets
from rclicks_jax.segmenters import base
from rclicks_jax.segmenters.native import engine
from rclicks_jax.segmenters.native.method import After, Method, Placed
from rclicks_jax.types import Clicks

BATCH = 5
SHAPES = (20, 30), (140, 200)


@dataclasses.dataclass(frozen=True)
class Sums(Method):
    """Adds up rows of clicks, twice at the first click.

    The answer of a trajectory is `gain` times its sum, plus the photograph's number,
    plus what was noted of the answer before. Odd rows go through passes of their own,
    of two rows each.
    """

    fails_at: float = -1.0
    variant = "sums"
    threshold = 10.0
    gives_logits = False
    at_once_on_cpu = 2

    def place(self, image):
        whole = np.zeros(buckets.static_shape(image.shape), np.float32)
        whole[: image.shape[0], : image.shape[1]] = image[..., 0]
        return Placed(image.shape[:2], image.shape[0], image[:1, :1, 1], whole)

    def encode(self, variables, arrays):
        return {"number": arrays[0, 0].astype(jnp.float32) + 0 * variables["gain"]}

    def state(self, frame):
        return {"sum": jax.ShapeDtypeStruct((2,), jnp.float32)}

    def prompts(self, frame, clicks, answered, notes):
        last = clicks.yx[np.arange(len(clicks.count)), clicks.count - 1, 0]
        noted = np.zeros(len(last), np.float32) if notes is None else notes["answer"]
        return {"y": last, "noted": np.where(answered, noted, 0).astype(np.float32)}

    def shapes(self, prompts, count):
        return (prompts["y"] % 2 + 2).tolist()

    def rows(self, shape, batch):
        return batch if shape == 2 else 2

    def before(self, kept, prompts, state, shape):
        rows = jnp.broadcast_to(prompts["y"][:, None], (len(prompts["y"]), shape))
        return {"y": rows.astype(jnp.float32), "sum": state["sum"][:, 0]}

    def answer(self, variables, photographs, slots, inputs):
        total = inputs["sum"] + inputs["y"][:, 0]
        wrong = inputs["y"][:, -1] == self.fails_at
        answer = variables["gain"] * total + photographs["number"][slots]
        return {"total": total, "answer": jnp.where(wrong, jnp.nan, answer)}

    def after(self, kept, prompts, outputs, state):
        value = outputs["answer"] + prompts["noted"]
        both = jnp.broadcast_to(outputs["total"][:, None], (len(value), 2))
        return After(
            {"sum": both}, kept[None] + value[:, None, None], {"answer": value}
        )

    def passes(self, clicks, answered):
        return np.where(answered, 1, 2)


def expected(number, ys):
    """Returns the last answer to clicks in rows `ys`."""
    total = noted = 0
    for y in (ys[0], *ys):
        total += y
        noted += 3 * total + number
    return noted


def sums(fails_at=-1.0, devices=1):
    return engine.NativeSegmenter(
        "sums",
        Sums(fails_at),
        {"gain": np.float32(3)},
        {},
        exact=True,
        batch=BATCH,
        devices=devices,
    )


def photograph(number):
    image = np.zeros((*SHAPES[number % 2], 3), np.uint8)
    image[..., 0] = np.arange(image.shape[1]) % 50
    image[..., 1] = number
    return image


def clicks_of(ys):
    """Returns clicks of trajectories that have clicked in these rows."""
    yx = np.zeros((len(ys), 40, 2), np.int32)
    for row, of_row in enumerate(ys):
        yx[row, : len(of_row), 0] = of_row
    positive = np.ones(yx.shape[:2], bool)
    return Clicks(yx, positive, np.array([len(each) for each in ys], np.int32))


def request(session, rows, ys):
    return base.Request(session, np.array(rows), clicks_of(ys))


def assert_answered(found, number, ys):
    image = photograph(number)
    assert found.shape == (len(ys), *image.shape[:2])
    for mask, of_row in zip(found, ys, strict=True):
        right = image[..., 0].astype(int) + expected(number, of_row) > Sums.threshold
        np.testing.assert_array_equal(mask, right)


def played(segmenter, numbers=(0, 1, 2), rows=7):
    return {
        number: segmenter.start(segmenter.encode(photograph(number)), [None] * rows)
        for number in numbers
    }


def soft_of(session, rows, ys):
    """Returns the values that were answered."""
    _, values = session.predict_with_probabilities(np.array(rows), clicks_of(ys))
    return values[:, 0, 0].tolist()


def test_rows_of_many_photographs_and_passes_are_answered_as_alone():
    segmenter = sums()
    sessions = played(segmenter)
    rows, first = range(7), [[(3 * row) % 5] for row in range(7)]
    requests = [request(each, rows, first) for each in sessions.values()]
    for number, found in zip(
        sessions, segmenter.predict_together(requests), strict=True
    ):
        assert_answered(found, number, first)
    # Trajectories end, others go on, and some have more clicks than a pass has slots.
    random = np.random.default_rng(0)
    long = [random.integers(0, 3, 30).tolist() for _ in range(2)]
    again = [
        request(sessions[2], [1, 6], [[3, 4], [18 % 5, 1]]),
        request(sessions[0], [0], [[0, 7]]),
        request(played(segmenter, [5])[5], [0, 3], long),
    ]
    found = segmenter.predict_together(again)
    assert_answered(found[0], 2, [[3, 4], [3, 1]])
    assert_answered(found[1], 0, [[0, 7]])
    assert [each.shape[0] for each in found] == [2, 1, 2]
    assert soft_of(sessions[2], [6], [[3, 1, 2]]) == [expected(2, [3, 1, 2])]


def test_rows_of_a_part_may_be_answered_in_calls_of_their_own():
    sessions = played(sums())
    session = sessions[1]
    for row in (3, 0, 1):
        assert soft_of(session, [row], [[row]]) == [expected(1, [row])]
    assert soft_of(session, [0, 1, 3], [[0, 2], [1, 1], [3, 0]]) == [
        expected(1, ys) for ys in ([0, 2], [1, 1], [3, 0])
    ]


def test_calls_at_the_same_time_lose_no_state():
    segmenter = sums()
    sessions = played(segmenter)
    ys = {row: [row % 4] for row in range(7)}

    def play(rows):
        for _ in range(10):
            for session in sessions.values():
                segmenter.predict_together(
                    [request(session, rows, [ys[row] for row in rows])]
                )
            for row in rows:
                ys[row] = [*ys[row], 1]

    threads = [
        threading.Thread(target=play, args=(rows,))
        for rows in ([0, 5], [1, 2, 6], [3, 4])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, session in sessions.items():
        assert soft_of(session, range(7), list(ys.values())) == [
            expected(number, of_row) for of_row in ys.values()
        ]


def test_passes_of_a_call_at_the_same_time_lose_no_state(monkeypatch):
    session = played(sums(), [0])[0]
    both_started, fetched = threading.Barrier(2, timeout=60), jax.device_get

    def fetch(arrays):
        both_started.wait()
        return fetched(arrays)

    monkeypatch.setattr(jax, "device_get", fetch)
    # A pass for rows 0 and 2 of the part, and one for 1 and 3.
    first = [[2], [1], [4], [3]]
    assert soft_of(session, range(4), first) == [expected(0, ys) for ys in first]
    then = [[*ys, ys[0]] for ys in first]
    assert soft_of(session, range(4), then) == [expected(0, ys) for ys in then]


def test_a_call_that_fails_changes_no_session():
    segmenter = sums(fails_at=9)
    sessions = played(segmenter)
    good = request(sessions[0], [0, 1], [[2], [3]])
    bad = request(sessions[1], [0], [[9]])
    for _ in range(2):
        with pytest.raises(errors.SegmenterError, match="sums returned NaN instead"):
            segmenter.predict_together([good, bad])
    (found,) = segmenter.predict_together([good])
    assert_answered(found, 0, [[2], [3]])
    assert soft_of(sessions[1], [1], [[4]]) == [expected(1, [4])]


def test_slots_are_used_again_and_more_are_made_if_nobody_reserved_them():
    segmenter = sums()
    assert segmenter.most_images == 0
    features = [segmenter.encode(photograph(number)) for number in range(9)]
    sessions = [segmenter.start(each, [None]) for each in features]
    for number, session in enumerate(sessions):
        assert soft_of(session, [0], [[1]]) == [expected(number, [1])]
    slot = features[4].slot
    segmenter.release(features[4])
    segmenter.release(features[4])
    with pytest.raises(errors.SegmenterError, match="told to forget"):
        sessions[4].predict(np.arange(1), clicks_of([[1]]))
    assert segmenter.encode(photograph(11)).slot == slot
    assert soft_of(sessions[8], [0], [[1, 2]]) == [expected(8, [1, 2])]


def test_room_is_reserved_on_all_devices():
    segmenter = sums(devices=3)
    segmenter.reserve(25)
    # Nine each, and some more.
    assert (segmenter.lanes, segmenter.most_images) == (3, 48)
    features = [segmenter.encode(photograph(number)) for number in range(9)]
    assert sorted(each.lane for each in features) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    # What nobody refers to any more is forgotten.
    del features[3]
    assert segmenter.encode(photograph(3)).lane == 0


def test_a_photograph_that_cannot_be_encoded_takes_no_slot(monkeypatch):
    segmenter = sums()
    segmenter.encode(photograph(0))

    def short(self, variables, arrays):
        raise RuntimeError("RESOURCE_EXHAUSTED: out of memory\nstack")

    monkeypatch.setattr(Sums, "encode", short)
    segmenter = sums(fails_at=-2)
    for _ in range(20):
        message = r"sums \(sums\) needs more memory for a photograph than cpu has"
        with pytest.raises(errors.SegmenterMemoryError, match=message):
            segmenter.encode(photograph(1))

    def lost(self, variables, arrays):
        raise jax.errors.JaxRuntimeError("INTERNAL: it fell off the bus\nstack")

    monkeypatch.setattr(Sums, "encode", lost)
    with pytest.raises(errors.DeviceError, match="while sums worked"):
        sums(fails_at=-3).encode(photograph(1))
    assert all(lane.held == 0 for lane in segmenter._lanes)
