"""A worker that dies, hangs, prints or lies; each time the run must go on."""

import pathlib

import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.bridge import memory
from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

IMAGE = np.zeros((12, 16, 3), np.uint8)

ADAPTER = pathlib.Path(__file__).parent.parent / "jobs" / "troublesome_adapter.py"


@pytest.fixture
def adapter():
    return ADAPTER


def clicks_of(count):
    yx = np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 9], [0, 0]]], np.int32)
    return Clicks(yx, np.ones((2, 3), bool), np.full(2, count, np.int32))


def play(spec, image=IMAGE):
    segmenter = load.load(spec)
    try:
        session = segmenter.start(segmenter.encode(image), [image[..., 0] > 0] * 2)
        return [session.predict(np.arange(2), clicks_of(count)) for count in (1, 2, 3)]
    finally:
        segmenter.close()


@pytest.fixture
def undisturbed(adapter):
    return play(f"bridge:adapter={adapter}")


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
@pytest.mark.parametrize("cut", [0, 1, 4, 7, 8, 9, 40, 150, 200, 210, 400, 10_000])
def test_a_worker_that_dies_within_a_reply_is_replayed(undisturbed, tmp_path, cut):
    marker = tmp_path / "died"
    spec = f"bridge:adapter={ADAPTER}:trouble=cut:cut={cut}:marker={marker}"
    np.testing.assert_array_equal(play(spec), undisturbed)


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


def test_a_worker_that_dies_again_fails_with_its_last_words(adapter):
    with pytest.raises(errors.SegmenterError, match=r"died twice[\s\S]*last words"):
        play(f"bridge:adapter={adapter}:trouble=die")


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
        ("objects", "allowed"),
        ("nothing", "allowed"),
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


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bridge:adapter=/no/such.py", r"cannot import its adapter[\s\S]*/no/such.py"),
        ("bridge:adapter=nothing", "No module named"),
        ("bridge:adapter={adapter}:python=/no/python", "Give the interpreter"),
        ("bridge:adapter={adapter}:broken=1", "no such checkpoint"),
        ("bridge:adapter={adapter}:python=/bin/true", "did not start"),
        ("bridge:adapter={adapter}:timeout=soon", "Option timeout: got 'soon'"),
        ("bridge:command=/no/worker", "No worker could be started with /no/worker"),
    ],
)
def test_a_worker_that_does_not_start_says_why(adapter, spec, message):
    with pytest.raises(errors.RClicksError, match=message):
        load.load(spec.format(adapter=adapter))


def test_another_version_is_refused(adapter, monkeypatch):
    monkeypatch.setattr("rclicks_jax.bridge.wire.VERSION", 99)
    with pytest.raises(errors.SegmenterError, match=r"speaks version 2.*this side 99"):
        load.load(f"bridge:adapter={adapter}")


def test_an_adapter_lacks_nothing(tmp_path):
    path = tmp_path / "half.py"
    path.write_text("def load(options): ...")
    with pytest.raises(errors.SegmenterError, match="lacks encode, predict"):
        load.load(f"bridge:adapter={path}")


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
