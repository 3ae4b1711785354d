"""`jax_sam` as users name it, with a small checkpoint of seeded weights."""

import json

import numpy as np
import pytest
import sam_cases
import small_sam

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

NUMBER, SHAPE = 1, sam_cases.SHAPES["small"][1]
YX, POSITIVE = sam_cases.clicks_on(SHAPE)


@pytest.fixture(scope="module")
def golden():
    return np.load(small_sam.GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def state():
    return small_sam.state()


@pytest.fixture(scope="module")
def checkpoint(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("sam") / "sam.pth"
    torch_files.write(path, state)
    return path


@pytest.fixture(scope="module")
def segmenter(checkpoint):
    return load.load(f"jax_sam:checkpoint={checkpoint}:batch=3")


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


def test_trajectories_that_end_keep_their_places(segmenter, golden, checkpoint):
    features = segmenter.encode(sam_cases.photograph(SHAPE))
    session = segmenter.start(features, [None] * 3)
    session.predict(np.arange(3), clicks_of(1))
    session.predict(np.array([0, 2]), clicks_of(2, [0, 2]))
    masks, soft = session.predict_with_probabilities(np.array([2]), clicks_of(3, [2]))
    assert different(masks, masks_of(golden, 3)[2:]) == 0
    np.testing.assert_array_equal(soft > 0.5, masks)
    assert soft.dtype == np.float32
    # Four trajectories need two passes of three.
    four = segmenter.start(features, [None] * 4)
    rows = [2, 1, 0, 2]
    found = four.predict(np.arange(4), clicks_of(1, rows))
    assert different(found, masks_of(golden, 1)[rows]) == 0
    found = four.predict(np.array([3]), clicks_of(2, [2]))
    assert different(found, masks_of(golden, 2)[2:]) == 0


def test_the_mask_prompt_is_kept_where_the_protocol_is_strict(segmenter, checkpoint):
    spec = f"jax_sam:checkpoint={checkpoint}:batch=3"
    strict = load.load(spec, protocol=protocols.protocol("strict"))
    answers = []
    for each in (segmenter, strict):
        session = each.start(each.encode(sam_cases.photograph(SHAPE)), [None] * 3)
        session.predict(np.arange(3), clicks_of(1))
        answers.append(session.predict(np.arange(3), clicks_of(2)))
    changed = [bool((a != b).any()) for a, b in zip(*answers, strict=True)]
    assert changed == [False, True, False]


@pytest.mark.usefixtures("compiled_fast")
def test_photographs_are_counted_and_spread_over_devices(checkpoint):
    both = load.load(f"jax_sam:checkpoint={checkpoint}:batch=1:devices=2")
    assert both.lanes == 2
    image = sam_cases.photograph((20, 30))
    features = [both.encode(image), both.encode(image), both.encode(image, 1)]
    assert [each.lane for each in features] == [0, 1, 1]
    assert both.encodes == 3
    for each in features:
        assert {device.id for device in each.kept.rows.devices()} == {each.lane}
        masks = both.start(each, [None]).predict(np.arange(1), clicks_of(1, [0]))
        assert masks.shape == (1, 20, 30)
        both.release(each)
    assert both.encode(image).lane == 0


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("shape", [(1, 300), (300, 2)])
def test_thin_photographs_are_answered(segmenter, shape):
    features = segmenter.encode(np.zeros((*shape, 3), np.uint8))
    clicks = Clicks(
        np.zeros((1, 1, 2), np.int32), np.ones((1, 1), bool), np.ones(1, np.int32)
    )
    masks = segmenter.start(features, [None]).predict(np.arange(1), clicks)
    assert masks.shape == (1, *shape)


@pytest.mark.usefixtures("compiled_fast")
def test_answers_that_are_no_numbers_are_refused(state, tmp_path):
    huge = {
        key: array * np.float32(1e30) if "upscaling" in key else array
        for key, array in state.items()
    }
    torch_files.write(tmp_path / "huge.pth", huge)
    broken = load.load(f"jax_sam:checkpoint={tmp_path}/huge.pth:batch=3")
    session = broken.start(broken.encode(sam_cases.photograph(SHAPE)), [None] * 3)
    with pytest.raises(errors.SegmenterError, match="NaN instead of masks"):
        session.predict(np.arange(3), clicks_of(1))


@pytest.mark.usefixtures("compiled_fast")
def test_it_conforms(checkpoint):
    told = []
    spec = f"jax_sam:checkpoint={checkpoint}:batch=3"
    findings = suite.check(spec, report=told.append)
    assert suite.conforms(findings), told


def test_a_run_records_content_and_precision(segmenter, checkpoint):
    described = segmenter.description
    assert described["options"]["precision"] == "float32"
    assert described["options"]["checkpoint"].startswith("sam.pth sha256:")
    assert str(checkpoint.parent) not in json.dumps(described)
    assert {"jax", "flax"} <= segmenter.versions.keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "nothing.*show sam"),
        (":checkpoint=/no/such.pth", r"there is no /no/such\.pth"),
        (":checkpoint={}:precision=half", "'half'.*float32"),
        (":checkpoint={}:batch=-1", "-1.*0 or more"),
        (":checkpoint={}:sizes=b", "Options of jax_sam: got sizes.*checkpoint"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_loaded(
    checkpoint, options, message
):
    with pytest.raises(errors.RClicksError, match=message):
        specs.check(f"jax_sam{options}".format(checkpoint))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("other.pth", {"weight": np.zeros(3, np.float32)}, "none of SAM"),
        (
            "sam2.pt",
            {"sam_mask_decoder.iou_token.weight": np.zeros((1, 8), np.float32)},
            "keys of SAM 2, which is `jax_sam2`",
        ),
        ("half.pth", b"PK\x03\x04 and no more", "half.pth"),
        ("half.safetensors", b"\x08\x00", "half.safetensors starts with"),
    ],
)
def test_files_that_are_no_sam_are_refused(tmp_path, name, content, message):
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        torch_files.write(tmp_path / name, content)
    spec = f"jax_sam:checkpoint={tmp_path / name}"
    specs.check(spec)
    with pytest.raises(errors.SegmenterError, match=message):
        load.load(spec)


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(errors.SegmenterError, match=r"it is empty.*model\.safetensors"):
        load.load(f"jax_sam:checkpoint={tmp_path}")


def test_settings_open_the_segmenter(checkpoint):
    native = registry.load_object(registry.NATIVE_SEGMENTERS["jax_sam"])
    assert native is prompted.SAM
    settings = native.load({"checkpoint": str(checkpoint), "batch": "3"})
    assert settings == Settings(str(checkpoint), batch=3)
    assert native.open_segmenter(settings, PAPER).batch == 3
