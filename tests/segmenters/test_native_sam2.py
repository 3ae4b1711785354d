"""`jax_sam2` as users name it, with a small checkpoint of seeded weights."""

import pathlib

import numpy as np
import pytest
import sam2_cases
import sam_cases

from rclicks_jax import errors, registry
from rclicks_jax.bridge.switches import PAPER
from rclicks_jax.segmenters import load, specs
from rclicks_jax.segmenters.conformance import suite
from rclicks_jax.segmenters.native import prompted
from rclicks_jax.segmenters.native.settings import Settings
from rclicks_jax.settings import protocols
from rclicks_jax.types import Clicks
from rclicks_jax.weights import torch_files

pytestmark = pytest.mark.usefixtures("compiled_for_users")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "sam2_small.npz"
NUMBER, SHAPE = 1, sam_cases.SHAPES["small"][1]
YX, POSITIVE = sam_cases.clicks_on(SHAPE)


@pytest.fixture(scope="module", autouse=True)
def published():
    with sam2_cases.published():
        yield


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def state(golden):
    return sam2_cases.state_in(golden)


@pytest.fixture(scope="module")
def checkpoint(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("sam2") / "sam2.pt"
    sam2_cases.save(path, state)
    return path


@pytest.fixture(scope="module")
def spec(checkpoint):
    return f"jax_sam2:checkpoint={checkpoint}:batch=3"


@pytest.fixture(scope="module")
def segmenter(spec):
    return load.load(spec)


def clicks_of(count, rows=slice(None)):
    return Clicks(YX, POSITIVE, np.full(len(YX), count, np.int32)).rows(rows)


def masks_of(golden, count):
    bits = golden[f"{NUMBER}/masks"][sam_cases.KEPT.index(count)]
    return np.unpackbits(bits, axis=-1, count=SHAPE[1]).astype(bool)


def different(found, expected):
    assert found.dtype == bool
    assert found.shape == expected.shape
    return (found != expected).sum()


def test_clicks_are_answered_as_by_the_authors(segmenter, golden):
    features = segmenter.encode(sam_cases.photograph(SHAPE))
    session = segmenter.start(features, [None] * 3)
    for count in range(1, sam_cases.ROUNDS + 1):
        masks = session.predict(np.arange(3), clicks_of(count))
        if count in sam_cases.KEPT:
            assert different(masks, masks_of(golden, count)) == 0
    segmenter.release(features)


def test_probabilities_are_those_of_masks(segmenter, golden):
    features = segmenter.encode(sam_cases.photograph(SHAPE))
    session = segmenter.start(features, [None] * 3)
    masks, soft = session.predict_with_probabilities(np.arange(3), clicks_of(1))
    assert different(masks, masks_of(golden, 1)) == 0
    np.testing.assert_array_equal(soft > 0.5, masks)


def test_the_mask_prompt_is_kept_where_the_protocol_is_strict(segmenter, spec):
    strict = load.load(spec, protocol=protocols.protocol("strict"))
    answers = []
    for each in (segmenter, strict):
        session = each.start(each.encode(sam_cases.photograph(SHAPE)), [None] * 3)
        session.predict(np.arange(3), clicks_of(1))
        answers.append(session.predict(np.arange(3), clicks_of(2)))
    changed = [bool((a != b).any()) for a, b in zip(*answers, strict=True)]
    assert changed == [False, True, False]


@pytest.mark.usefixtures("compiled_fast")
def test_thin_photographs_are_answered(segmenter):
    shape = (1, 300)
    features = segmenter.encode(np.zeros((*shape, 3), np.uint8))
    clicks = Clicks(
        np.zeros((1, 1, 2), np.int32), np.ones((1, 1), bool), np.ones(1, np.int32)
    )
    masks = segmenter.start(features, [None]).predict(np.arange(1), clicks)
    assert masks.shape == (1, *shape)


@pytest.mark.usefixtures("compiled_fast")
def test_it_conforms(spec):
    told = []
    findings = suite.check(spec, report=told.append)
    assert suite.conforms(findings), told


def test_a_run_records_content_and_precision(segmenter):
    described = segmenter.description
    assert described["name"] == "jax_sam2"
    assert described["options"]["precision"] == "float32"
    assert described["options"]["checkpoint"].startswith("sam2.pt sha256:")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "nothing.*show sam2"),
        (":checkpoint=/no/such.pt", r"there is no /no/such\.pt"),
        (":checkpoint={}:precision=half", "'half'.*float32"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_loaded(
    checkpoint, options, message
):
    with pytest.raises(errors.RClicksError, match=message):
        specs.check(f"jax_sam2{options}".format(checkpoint))


def test_a_checkpoint_of_sam_is_refused(tmp_path):
    token = {"mask_decoder.iou_token.weight": np.zeros((1, 256), np.float32)}
    torch_files.write(tmp_path / "sam.pth", token)
    spec = f"jax_sam2:checkpoint={tmp_path}/sam.pth"
    with pytest.raises(errors.SegmenterError, match="of SAM, which is `jax_sam`"):
        load.load(spec)


def test_settings_open_the_segmenter(checkpoint):
    native = registry.load_object(registry.NATIVE_SEGMENTERS["jax_sam2"])
    assert native is prompted.SAM2
    settings = native.load({"checkpoint": str(checkpoint), "batch": "3"})
    assert settings == Settings(str(checkpoint), batch=3)
    assert native.open_segmenter(settings, PAPER).batch == 3
