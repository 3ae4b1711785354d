"""`jax_sam_hq` as users name it, with a small checkpoint of seeded weights."""

import pathlib

import numpy as np
import pytest
import sam_cases
import sam_hq_cases

from rclicks_jax import errors, registry
from rclicks_jax.bridge.switches import PAPER
from rclicks_jax.segmenters import load, specs
from rclicks_jax.segmenters.conformance import suite
from rclicks_jax.segmenters.native import prompted
from rclicks_jax.segmenters.native.settings import Settings
from rclicks_jax.types import Clicks
from rclicks_jax.weights import torch_files

pytestmark = pytest.mark.usefixtures("compiled_for_users")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "sam_hq_small.npz"
NUMBER, SHAPE = 1, sam_cases.SHAPES["small"][1]
YX, POSITIVE = sam_cases.clicks_on(SHAPE)


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def checkpoint(golden, tmp_path_factory):
    path = tmp_path_factory.mktemp("sam_hq") / "sam_hq.pth"
    torch_files.write(path, sam_hq_cases.state_in(golden))
    return path


@pytest.fixture(scope="module")
def spec(checkpoint):
    return f"jax_sam_hq:checkpoint={checkpoint}:batch=3"


@pytest.fixture(scope="module")
def segmenter(spec):
    return load.load(spec)


@pytest.mark.long
def test_clicks_are_answered_as_by_the_authors(segmenter, golden):
    features = segmenter.encode(sam_cases.photograph(SHAPE))
    session = segmenter.start(features, [None] * 3)
    for count in range(1, sam_cases.ROUNDS + 1):
        clicks = Clicks(YX, POSITIVE, np.full(3, count, np.int32))
        masks = session.predict(np.arange(3), clicks)
        if count in sam_cases.KEPT:
            bits = golden[f"{NUMBER}/masks"][sam_cases.KEPT.index(count)]
            expected = np.unpackbits(bits, axis=-1, count=SHAPE[1]).astype(bool)
            np.testing.assert_array_equal(masks, expected)
    segmenter.release(features)


@pytest.mark.usefixtures("compiled_fast")
def test_it_conforms(spec):
    told = []
    findings = suite.check(spec, report=told.append)
    assert suite.conforms(findings), told


def test_a_run_records_content_and_precision(segmenter):
    described = segmenter.description
    assert described["name"] == "jax_sam_hq"
    assert described["options"]["precision"] == "float32"
    assert described["options"]["checkpoint"].startswith("sam_hq.pth sha256:")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "nothing.*show sam_hq"),
        (":checkpoint=/no/such.pt", r"there is no /no/such\.pt"),
        (":checkpoint={}:precision=half", "'half'.*float32"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_loaded(
    checkpoint, options, message
):
    with pytest.raises(errors.RClicksError, match=message):
        specs.check(f"jax_sam_hq{options}".format(checkpoint))


def test_its_checkpoint_is_refused_by_sam(checkpoint):
    message = "SAM-HQ, which is `jax_sam_hq`"
    with pytest.raises(errors.SegmenterError, match=message):
        load.load(f"jax_sam:checkpoint={checkpoint}")


def test_settings_open_the_segmenter(checkpoint):
    native = registry.load_object(registry.NATIVE_SEGMENTERS["jax_sam_hq"])
    assert native is prompted.SAM_HQ
    settings = native.load({"checkpoint": str(checkpoint), "batch": "3"})
    assert settings == Settings(str(checkpoint), batch=3)
    assert native.open_segmenter(settings, PAPER).batch == 3
