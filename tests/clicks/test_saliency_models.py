import pathlib

import numpy as np
import pytest
from helpers import disk

from rclicks_jax import errors
from rclicks_jax.clicks import click_models, saliency_models
from rclicks_jax.types import ClickQuery

ADAPTER = pathlib.Path(__file__).parent.parent / "programs" / "saliency_adapter.py"
BRIDGED = f"adapter={ADAPTER}"
SHAPE = (40, 50)
REGION = disk(SHAPE, (20, 22), 9)
RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.integers(8, 256, (*SHAPE, 3), np.uint8)
# The adapter causes trouble at this level.
TROUBLED = np.full_like(IMAGE, 7)
KINDS = pytest.mark.parametrize("kind", ["SM", "SI"])


def query(region=REGION, image=IMAGE):
    return ClickQuery(image, REGION, region)


def brightness(image):
    return image.mean(axis=-1)


def slow(query, background):
    """Returns what the original's definition gives, a pixel after the other."""
    region = np.float64(query.error_mask)
    rows, columns = np.nonzero(region == 1)
    sides = []
    for ends, size in ((rows, SHAPE[0]), (columns, SHAPE[1])):
        length = ends.max() - ends.min() + 1
        more = int((int(1.4 * length) - length) / 2)
        last = min(ends.max() + more, size - 1)
        sides.append(range(max(ends.min() - more, 0), last + 1))
    made = np.zeros(SHAPE)
    for y in sides[0]:
        for x in sides[1]:
            seen = query.image[y, x] if background or region[y, x] else (127,) * 3
            made[y, x] = region[y, x] * np.mean(seen)
    return made / made.sum()


@KINDS
@pytest.mark.parametrize(
    "region",
    [
        REGION,
        disk(SHAPE, (2, 47), 12),
        disk(SHAPE, (20, 22), 9) * 0.5 + disk(SHAPE, (20, 22), 5) * 0.5,
        np.ones(SHAPE, bool),
        disk(SHAPE, (39, 0), 0),
    ],
)
def test_a_map_is_what_the_original_defines(kind, region):
    asked, background = query(region), kind == "SI"
    made = saliency_models.click_map(asked, source=brightness, background=background)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, slow(asked, background), rtol=1e-5, atol=1e-9)


def test_sm_shows_the_region_on_grey_and_si_what_is_around():
    seen = []

    def source(image):
        seen.append(image)
        return brightness(image)

    y0, y1, x0, x1 = saliency_models.cut_out(np.float32(REGION))
    inside = REGION[y0:y1, x0:x1]
    for background in (False, True):
        saliency_models.click_map(query(), source=source, background=background)
    on_grey, whole = seen
    np.testing.assert_array_equal(whole, IMAGE[y0:y1, x0:x1])
    np.testing.assert_array_equal(on_grey[inside], whole[inside])
    assert (on_grey[~inside] == 127).all()
    assert on_grey.dtype == np.uint8


def test_the_box_grows_to_seven_fifths():
    region = np.zeros((100, 100), np.float32)
    region[40:60, 30:60] = 1
    assert saliency_models.cut_out(region) == (36, 64, 24, 66)


@KINDS
def test_zero_saliency_is_uniform(kind):
    region = REGION * np.float32(0.5)
    made = saliency_models.click_map(
        query(region), source=lambda image: image[..., 0] * 0, background=kind == "SI"
    )
    np.testing.assert_array_equal(made, region)


@pytest.mark.parametrize("spec", ["SM:source=spectral_residual", f"SI:{BRIDGED}"])
def test_nothing_wrong_gives_an_empty_map(spec):
    (made,) = click_models.load(spec)([query(np.zeros(SHAPE, bool))])
    assert made.shape == SHAPE
    assert not made.any()


@KINDS
def test_the_classical_model_lies_in_the_region(kind):
    (made,) = click_models.load(f"{kind}:source=spectral_residual")([query()])
    assert made.sum() == pytest.approx(1, abs=1e-5)
    assert (made[REGION] > 0).all()
    assert not made[~REGION].any()


@KINDS
def test_a_worker_answers_as_its_function(kind):
    model = click_models.load(f"{kind}:{BRIDGED}")
    (made,) = model([query()])
    assert model.name == kind
    expected = saliency_models.click_map(
        query(), source=brightness, background=kind == "SI"
    )
    np.testing.assert_allclose(made, expected, rtol=1e-5)


def test_eight_bits_are_taken():
    y0, _, x0, _ = saliency_models.cut_out(np.float32(REGION))
    image = IMAGE.copy()
    image[y0, x0] = 7
    (made,) = click_models.load(f"SI:{BRIDGED}:trouble=levels")([query(image=image)])
    expected = image[..., 0] * REGION.astype(float)
    np.testing.assert_allclose(made, expected / expected.sum(), rtol=1e-5)


@pytest.mark.parametrize("trouble", ["die", "hang"])
def test_a_worker_that_dies_once_is_asked_again(tmp_path, trouble):
    marker = tmp_path / "died"
    spec = f"SI:{BRIDGED}:trouble={trouble}:marker={marker}:timeout=3"
    (made,) = click_models.load(spec)([query(image=TROUBLED)])
    assert marker.exists()
    np.testing.assert_allclose(made, REGION / REGION.sum(), rtol=1e-5)


def test_a_worker_is_replaced_after_so_many_images():
    options = {"adapter": str(ADAPTER), "trouble": "pid", "recycle": "2"}
    source = saliency_models.BridgedSaliency(options)
    # The first was asked once at its start.
    first, second, third, fourth = (source(TROUBLED)[0, 0] for _ in range(4))
    assert first != second == third != fourth


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("die", r"died twice: first, it ended \(exit status 7\)"),
        ("hang", "died twice: first, it did not answer in time"),
        ("raise", "cannot do this one"),
        ("shape", r"saliency of shape \(\d+, \d+\) instead of"),
        ("nan", "negative or no number"),
        ("negative", "negative or no number"),
        ("endless", "negative or no number"),
        ("nothing", "allowed"),
    ],
)
def test_trouble_with_a_task_is_told_and_the_next_is_answered(trouble, message):
    model = click_models.load(f"SI:{BRIDGED}:trouble={trouble}:timeout=2")
    asked = [query(), query(image=TROUBLED), query()]
    first, error, last = click_models.attempt(model, asked)
    assert isinstance(error, errors.SegmenterError)
    assert isinstance(first, np.ndarray)
    with pytest.raises(errors.SegmenterError, match=message):
        raise error
    np.testing.assert_array_equal(first, last)


def test_a_segmenter_is_no_saliency_model():
    adapter = ADAPTER.with_name("picky_adapter.py")
    with pytest.raises(errors.SegmenterError, match="no attribute 'saliency'"):
        click_models.load(f"SM:adapter={adapter}")


def test_an_adapter_without_load_is_refused(tmp_path):
    path = tmp_path / "half.py"
    path.write_text("def saliency(model, image): ...")
    with pytest.raises(errors.SegmenterError, match=r"lacks load.*saliency\(model, im"):
        click_models.load(f"SM:adapter={path}")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("SM", r"SM: got no saliency model; allowed: SM:checkout=DIR"),
        ("SI", r"SI:source=spectral_residual"),
        ("SM:source=itti", "Unknown saliency source 'itti'. Known: spectral_residual"),
        ("SM:source=spectral_residual:python=p", "got options python too"),
        ("SM:checkpoint", "key=value, separated by colons"),
        (f"SM:{BRIDGED}:timeout=soon", "Option timeout: got 'soon'"),
    ],
)
@pytest.mark.parametrize("use", [click_models.load, click_models.describe])
def test_wrong_options_say_what_is_allowed(use, spec, message):
    with pytest.raises(errors.RClicksError, match=message):
        use(spec)


def test_what_is_recorded_is_all_that_changes_maps(tmp_path):
    spec = f"SM:{BRIDGED}:trouble=none"
    recorded = click_models.describe(spec)
    assert recorded["name"] == "SM"
    assert recorded["code"].startswith("saliency_adapter.py sha256:")
    elsewhere = tmp_path / "other" / ADAPTER.name
    elsewhere.parent.mkdir()
    elsewhere.write_text(ADAPTER.read_text())
    same = f"SM:adapter={elsewhere}:trouble=none:timeout=9:device=cuda:python=p"
    assert click_models.describe(same) == recorded
    assert click_models.describe(spec.replace("none", "some")) != recorded
    elsewhere.write_text(ADAPTER.read_text() + "\n")
    assert click_models.describe(same) != recorded


def test_what_is_recorded_of_transalnet_is_its_weights_and_commit(tmp_path):
    (tmp_path / "TranSalNet").mkdir()
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"one")
    spec = f"SI:checkout={tmp_path / 'TranSalNet'}:checkpoint={weights}"
    recorded = click_models.describe(spec)
    assert recorded["code"] == "transalnet"
    assert recorded["options"]["checkout"] == "TranSalNet (no commit)"
    assert recorded["options"]["checkpoint"].startswith("weights.pth sha256:")
    weights.write_bytes(b"other")
    assert click_models.describe(spec) != recorded
    assert str(tmp_path) not in str(recorded)
