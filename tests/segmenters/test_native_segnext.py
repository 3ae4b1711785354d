"""`jax_segnext` as users name it, with seeded weights."""

import pathlib

import checkpoint_files
import golden_keys
import numpy as np
import pytest
import segnext_cases as cases

from rclicks_jax import errors, registry
from rclicks_jax.segmenters import load, specs
from rclicks_jax.segmenters.conformance import suite
from rclicks_jax.segmenters.native import segnext
from rclicks_jax.types import Clicks

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "segnext_small.npz"
# Of the deviation of the logits.
LOGITS = 5e-5
BATCH = 3
# Of the file.
PHOTOGRAPHS = list(enumerate(cases.SHAPES["small"][:2]))


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def content(golden):
    state = cases.state_of(golden_keys.shapes_in(golden))
    return {key: checkpoint_files.tensor(array) for key, array in state.items()}


@pytest.fixture(scope="module")
def checkpoint(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("segnext") / "sax2.pth"
    checkpoint_files.save(path, {"config": cases.CONFIG, "state_dict": content})
    return path


@pytest.fixture(scope="module")
def segmenter(checkpoint):
    return load.load(f"jax_segnext:checkpoint={checkpoint}:batch={BATCH}")


def clicks_of(shape, count, rows=slice(None)):
    yx, positive = cases.clicks_on(shape)
    every = np.full(len(yx), count, np.int32)
    return Clicks(yx[:, :count], positive[:, :count], every).rows(rows)


def masks_of(golden, number, shape, count):
    bits = golden[f"{number}/masks"][cases.KEPT.index(count)]
    return np.unpackbits(bits, axis=-1, count=shape[1]).astype(bool)


def answer(session, rows, clicks):
    """Returns masks and probabilities."""
    return session.predict_with_probabilities(np.array(rows), clicks)


@pytest.mark.parametrize(("number", "shape"), PHOTOGRAPHS)
def test_twenty_clicks_are_answered_as_by_the_authors(segmenter, golden, number, shape):
    session = segmenter.start(segmenter.encode(cases.photograph(shape)), [None] * 3)
    different = at_a_half = pixels = error = 0
    for count in range(1, cases.ROUNDS + 1):
        masks, soft = answer(session, range(3), clicks_of(shape, count))
        (state,) = session.states
        flat = np.asarray(state).reshape(len(state), -1)[:3, :: cases.STRIDE]
        error = max(error, np.abs(flat - golden[f"{number}/logits"][count - 1]).max())
        if count in cases.KEPT:
            expected = masks_of(golden, number, shape, count)
            different += (masks != expected).sum()
            at_a_half += ((soft > 0.5) != expected).sum()
            pixels += masks.size
    assert error / golden[f"{number}/deviation"] < LOGITS
    assert different < max(1, pixels / 100_000)
    # A mistake in the threshold would show.
    assert at_a_half > 100 * pixels / 100_000


def test_what_is_compared_has_objects_that_change(golden):
    for number, shape in PHOTOGRAPHS:
        first, *_, last = (masks_of(golden, number, shape, n) for n in cases.KEPT)
        assert 0.02 < last.mean() < 0.9
        assert (first != last).mean() > 0.01


def test_trajectories_that_end_keep_the_answers_of_others(segmenter, golden):
    shape = PHOTOGRAPHS[0][1]
    session = segmenter.start(segmenter.encode(cases.photograph(shape)), [None] * 4)
    for count in (1, 2):
        answer(session, range(3), clicks_of(shape, count))
    masks, _ = answer(session, [1], clicks_of(shape, 3, [1]))
    assert (masks != masks_of(golden, 0, shape, 3)[1:2]).sum() < 1
    first, soft = answer(session, [3], clicks_of(shape, 1, [2]))
    assert (first != masks_of(golden, 0, shape, 1)[2:]).sum() < 1
    np.testing.assert_array_equal(first, soft > 0.49)


@pytest.mark.parametrize("shape", [(1, 128), (128, 2)])
def test_thin_photographs_are_answered(segmenter, shape):
    features = segmenter.encode(np.zeros((*shape, 3), np.uint8))
    clicks = Clicks(
        np.zeros((1, 1, 2), np.int32), np.ones((1, 1), bool), np.ones(1, np.int32)
    )
    masks, _ = answer(segmenter.start(features, [None]), [0], clicks)
    assert masks.shape == (1, *shape)


@pytest.mark.long
def test_it_conforms(checkpoint):
    told = []
    spec = f"jax_segnext:checkpoint={checkpoint}:batch={BATCH}"
    assert suite.conforms(suite.check(spec, report=told.append)), told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("jax_segnext", "nothing.*show segnext"),
        ("jax_segnext:checkpoint={}:target=448", "target"),
        ("jax_segnext:checkpoint={}:batch=-1", "batch.*-1.*0 or more"),
        ("jax_segnext:checkpoint={}:precision=half", "half.*auto, float32 or bfloat16"),
        ("jax_segnext:checkpoint={}.gone", "there is no"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_loaded(
    checkpoint, options, message
):
    with pytest.raises(errors.RClicksError, match=message):
        specs.check(options.format(checkpoint))


def refused(path, message):
    with pytest.raises(errors.SegmenterError, match=message):
        load.load(f"jax_segnext:checkpoint={path}")


def test_a_file_of_another_method_is_refused(tmp_path):
    path = tmp_path / "sam.pth"
    weight = checkpoint_files.tensor(np.zeros((2, 3), np.float32))
    checkpoint_files.save(path, {"image_encoder.pos_embed": weight})
    refused(path, r"sam\.pth.*none of SegNext")


def test_half_a_file_is_refused(checkpoint, tmp_path):
    path = tmp_path / "half.pth"
    data = checkpoint.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refused(path, r"half\.pth")


def test_a_registered_name_opens_it():
    assert registry.NATIVE_SEGMENTERS["jax_segnext"] == segnext.__name__
    assert segnext.NAME == "jax_segnext"
