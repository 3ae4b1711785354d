"""A worker that dies, hangs, prints or lies; each time the run must go on."""

import numpy as np
import pytest
from bridged import ADAPTER, IMAGE, clicks_of, play

from rclicks_jax import errors
from rclicks_jax.bridge import memory
from rclicks_jax.segmenters import load


def test_a_worker_answers_and_its_printing_harms_nothing(adapter, undisturbed):
    assert [mask.sum(axis=(1, 2)).tolist() for mask in undisturbed] == [
        [1, 1],
        [2, 2],
        [3, 3],
    ]
    printing = play(f"bridge:adapter={adapter}:trouble=print")
    np.testing.assert_array_equal(printing, undisturbed)


@pytest.mark.parametrize("trouble", ["die", "hang", "freeze", "garbage"])
def test_a_worker_that_dies_once_is_replayed(adapter, undisturbed, tmp_path, trouble):
    marker = tmp_path / "died"
    spec = f"bridge:adapter={adapter}:trouble={trouble}:marker={marker}:timeout=5"
    np.testing.assert_array_equal(play(spec), undisturbed)
    assert marker.exists()


# Everything that a frame has: magic, length, header, arrays.
@pytest.mark.long
@pytest.mark.parametrize("cut", [0, 1, 4, 7, 8, 9, 40, 150, 200, 210, 400, 10_000])
def test_a_worker_that_dies_within_a_reply_is_replayed(undisturbed, tmp_path, cut):
    marker = tmp_path / "died"
    spec = f"bridge:adapter={ADAPTER}:trouble=cut:cut={cut}:marker={marker}:timeout=5"
    np.testing.assert_array_equal(play(spec), undisturbed)


# The same of a request; what is not read of it is lost with the worker.
@pytest.mark.long
@pytest.mark.parametrize("cut", [0, 1, 4, 7, 8, 9, 40, 150, 300, 370])
def test_a_worker_that_dies_within_a_request_is_replayed(undisturbed, tmp_path, cut):
    marker = tmp_path / "died"
    spec = f"bridge:adapter={ADAPTER}:trouble=deaf:cut={cut}:marker={marker}:timeout=5"
    np.testing.assert_array_equal(play(spec), undisturbed)
    assert marker.exists()


def play_two(spec, first, second):
    """Two clicks on a photograph, one on another, one on the first again."""
    segmenter = load.load(spec)
    try:
        one = segmenter.start(segmenter.encode(first), [first[..., 0] > 0] * 2)
        sums = [one.predict(np.arange(2), clicks_of(n)).sum() for n in (1, 2)]
        other = segmenter.start(segmenter.encode(second), [second[..., 0] > 0] * 2)
        sums.append(other.predict(np.arange(2), clicks_of(1)).sum())
        return [*sums, one.predict(np.arange(2), clicks_of(3)).sum()]
    finally:
        segmenter.close()


# More than a pipe holds, so that the client is still writing.
@pytest.mark.parametrize("cut", [1000, 70_000, 400_000])
def test_a_worker_that_stops_reading_a_photograph_is_replayed(
    tmp_path, monkeypatch, cut
):
    monkeypatch.setattr(memory.Lender, "lend", lambda *_: None)
    marker = tmp_path / "died"
    spec = f"bridge:adapter={ADAPTER}:trouble=deaf:cut={cut}:marker={marker}:timeout=3"
    large = np.zeros((400, 500, 3), np.uint8)
    assert play_two(spec, IMAGE, large) == [2, 4, 2, 6]
    assert marker.exists()


@pytest.mark.parametrize("soft", [False, True])
def test_a_worker_without_memory_to_share_answers_through_the_pipe(tmp_path, soft):
    adapter = tmp_path / "adapter.py"
    # As one that has probabilities, whose masks are made in shared memory.
    adapter.write_text(ADAPTER.read_text() + ("THRESHOLD = 0.5\n" if soft else ""))
    large = np.zeros((400, 500, 3), np.uint8)
    full = play(f"bridge:adapter={adapter}:trouble=full", large)
    assert [mask.sum() for mask in full] == [2, 4, 6]


def test_large_arrays_go_through_shared_memory(tmp_path, monkeypatch):
    large = np.zeros((400, 500, 3), np.uint8)
    shared = play(f"bridge:adapter={ADAPTER}", large)
    marker = tmp_path / "died"
    dying = play(f"bridge:adapter={ADAPTER}:trouble=die:marker={marker}", large)
    monkeypatch.setattr(memory.Lender, "lend", lambda *_: None)
    piped = play(f"bridge:adapter={ADAPTER}", large)
    assert [mask.sum() for mask in shared] == [2, 4, 6]
    np.testing.assert_array_equal(shared, piped)
    np.testing.assert_array_equal(shared, dying)


@pytest.mark.parametrize(
    ("trouble", "end"),
    [
        ("die", r"it ended \(exit status 7\)"),
        ("kill", r"it ended \(it was killed from outside, perhaps because memory"),
        ("hang", r"it did not answer in time \(it was still running and was killed\)"),
        ("cut:cut=9", r"it ended \(exit status 9\)"),
        ("garbage", r"it sent an invalid frame: a frame starts with b'RCLB', not b'x"),
    ],
)
def test_a_worker_that_dies_again_fails_with_its_last_words(adapter, trouble, end):
    told = rf"died twice: first, {end}[\s\S]*then, {end}[\s\S]*last words"
    with pytest.raises(errors.SegmenterError, match=told):
        play(f"bridge:adapter={adapter}:trouble={trouble}:timeout=3")


def test_last_words_are_the_last_and_few(tmp_path):
    path = tmp_path / "loud.py"
    path.write_text(
        "import os, sys\n"
        "def load(options):\n"
        "    print('first words', 'x' * 2_000_000, 'last words')\n"
        "    sys.stdout.flush()\n"
        "    os._exit(1)\n"
        "encode = predict = load\n"
    )
    with pytest.raises(errors.SegmenterError, match="x last words") as caught:
        load.load(f"bridge:adapter={path}")
    assert "first words" not in str(caught.value)
    assert len(str(caught.value)) < 5000


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("raise", "cannot do this one"),
        ("exit", "SystemExit: bye"),
        ("memory", "Unable to allocate"),
        ("shape", r"shape \(2, 11, 16\) instead of \(2, 12, 16\)"),
        ("fewer", r"shape \(1, 12, 16\) instead of"),
        ("more", r"shape \(4, 12, 16\) instead of"),
        ("nan", "NaN instead of masks"),
        ("numbers", "int32 instead of bool"),
        ("objects", "predict of .* returned object instead of bool"),
        ("nothing", "returned object instead of bool"),
    ],
)
def test_a_worker_that_answers_nonsense_lives_on(adapter, trouble, message):
    segmenter = load.load(f"bridge:adapter={adapter}:trouble={trouble}")
    session = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0] * 2)
    session.predict(np.arange(2), clicks_of(1))
    with pytest.raises(errors.SegmenterError, match=message):
        session.predict(np.arange(2), clicks_of(2))
    other = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0] * 2)
    assert other.predict(np.arange(2), clicks_of(1)).sum() == 2
    segmenter.close()


def test_probabilities_come_beside_masks_when_asked(tmp_path):
    path = tmp_path / "soft.py"
    path.write_text(
        "import numpy as np\n"
        "THRESHOLD = 0.49\n"
        "def load(options): return None\n"
        "def encode(model, image): return image.mean(-1).astype('f4') / 255\n"
        "def predict(model, features, clicks, state):\n"
        "    return np.repeat(features[None], len(clicks.count), 0), None\n"
    )
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    segmenter = load.load(f"bridge:adapter={path}")
    session = segmenter.start(segmenter.encode(image), [image[..., 0] > 0] * 2)
    masks, soft = session.predict_with_probabilities(np.arange(2), clicks_of(1))
    assert soft.dtype == np.float32
    np.testing.assert_array_equal(masks, soft > np.float32(0.49))
    assert masks.any()
    assert not masks.all()
    np.testing.assert_array_equal(session.predict(np.arange(2), clicks_of(2)), masks)
    segmenter.close()


def test_probabilities_that_are_nan_are_refused(tmp_path):
    path = tmp_path / "nan.py"
    path.write_text(
        "import numpy as np\n"
        "THRESHOLD = 0.5\n"
        "def load(options): return None\n"
        "def encode(model, image): return image.shape[:2]\n"
        "def predict(model, shape, clicks, state):\n"
        "    return np.full((len(clicks.count), *shape), np.nan, 'f4'), None\n"
    )
    with pytest.raises(errors.SegmenterError, match="NaN instead of probabilities"):
        play(f"bridge:adapter={path}")


def test_masks_alone_have_no_probabilities(adapter):
    segmenter = load.load(f"bridge:adapter={adapter}")
    session = segmenter.start(segmenter.encode(IMAGE), [IMAGE[..., 0] > 0] * 2)
    with pytest.raises(errors.SegmenterError, match="adapter has no THRESHOLD"):
        session.predict_with_probabilities(np.arange(2), clicks_of(1))
    segmenter.close()


def test_the_worker_sees_nothing_of_this_environment_but_the_bridge(tmp_path):
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "import rclicks_jax, sys\n"
        "def load(options):\n"
        "    try: from rclicks_jax import errors\n"
        "    except ImportError: pass\n"
        "    assert 'jax' not in sys.modules, 'jax was imported'\n"
        "    return None\n"
        "encode = predict = load\n"
    )
    load.load(f"bridge:adapter={adapter}").close()
