"""`jax_ritm` as users name it, with seeded weights."""

import pathlib

import checkpoint_files
import numpy as np
import pytest
import ritm_cases as cases
import ritm_player

from rclicks_jax import errors, registry
from rclicks_jax.segmenters import load, specs
from rclicks_jax.segmenters.conformance import suite
from rclicks_jax.segmenters.native import ritm, ritm_method
from rclicks_jax.segmenters.native.ritm_method import Notes, Shape
from rclicks_jax.settings import protocols
from rclicks_jax.types import Clicks

pytestmark = pytest.mark.usefixtures("compiled_fast")
GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "ritm_small.npz"
# Photographs that are smaller and larger than the least crop. The larger one is played
# as one of TETRIS, so that all passes have frames of crops.
SMALL, LARGE = cases.SHAPES["small"][:2]
# The first clicks, of which a file keeps the masks of these.
COUNTS = (1, 2, 3, 7)
# Before any test changes it.
LENGTHS = ritm_method._LENGTHS


@pytest.fixture(scope="module", autouse=True)
def one_frame():
    """One frame for all crops, as on accelerators: a program less to compile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ritm_method, "_LENGTHS", 1)
        yield


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def checkpoint(golden, tmp_path_factory):
    state = ritm_player.state_of(golden, "small")
    state = {key: checkpoint_files.tensor(array) for key, array in state.items()}
    path = tmp_path_factory.mktemp("ritm") / "hrnet.pth"
    checkpoint_files.save(path, {"config": cases.CONFIG, "state_dict": state})
    return path


@pytest.fixture(scope="module")
def spec(checkpoint):
    return f"jax_ritm:checkpoint={checkpoint}:target={cases.TARGETS['small']}"


@pytest.fixture(scope="module")
def segmenter(spec):
    return load.load(spec)


def clicks_of(shape, count, rows=slice(None)):
    yx, positive = cases.clicks_on(shape)
    every = np.full(len(yx), count, np.int32)
    return Clicks(yx[:, :count], positive[:, :count], every).rows(rows)


@pytest.fixture(scope="module")
def tetris(spec):
    return load.load(f"{spec}:dataset=TETRIS")


def played(segmenter, golden, number, counts):
    """Yields masks, probabilities and the authors' masks of some clicks."""
    shape = cases.SHAPES["small"][number]
    session = segmenter.start(segmenter.encode(cases.photograph(shape)), [None] * 3)
    for count in range(1, max(counts) + 1):
        given = np.arange(3), clicks_of(shape, count)
        masks, soft = session.predict_with_probabilities(*given)
        if count in counts:
            bits = golden[f"{number}/masks"][cases.KEPT.index(count)]
            expected = np.unpackbits(bits, axis=-1, count=shape[1]).astype(bool)
            yield masks, soft, expected


def test_clicks_on_a_small_photograph_are_answered_as_by_the_authors(segmenter, golden):
    for masks, _, expected in played(segmenter, golden, 0, (1, 2, 3)):
        assert (masks != expected).sum() < max(1, masks.size / 100_000)


def test_clicks_in_crops_are_answered_as_by_the_authors(tetris, golden):
    different = cut_elsewhere = pixels = 0
    for masks, soft, expected in played(tetris, golden, 1, COUNTS):
        different += (masks != expected).sum()
        cut_elsewhere += ((soft > 0.5) != expected).sum()
        pixels += masks.size
    assert different < max(1, pixels / 100_000)
    # Few probabilities lie between the two thresholds.
    assert cut_elsewhere > 20 * pixels / 100_000


def test_what_is_compared_has_crops_that_are_kept_and_crops_that_move(golden):
    crops = golden["1/crops"][: max(COUNTS)]
    moved = (crops[1:] != crops[:-1]).any(axis=-1)
    assert moved.any()
    assert not moved.all()
    masks = np.unpackbits(golden["1/masks"])
    assert 0.01 < masks.mean() < 0.9


def prompts_of(segmenter, box, crop, count=2, shape=(300, 420)):
    """Returns prompts of a click after an answer with a box and a crop."""
    notes = Notes(*(np.array([each], np.int32) for each in (box, crop)))
    clicks, answered = clicks_of(shape, count, [0]), np.full(1, count > 1)
    return segmenter.method.prompts(shape, clicks, answered, notes)


NONE, CROP = (-1, -1, -1, -1), (20, 219, 10, 309)
WHOLE = [0, 299, 0, 419]


def test_the_first_click_sees_the_photograph_and_the_next_a_crop(segmenter):
    method, (y, x) = segmenter.method, clicks_of((300, 420), 1).yx[0, 0]
    first = prompts_of(segmenter, NONE, NONE, count=1)
    np.testing.assert_array_equal(first.box, [WHOLE])
    np.testing.assert_array_equal(first.size, [[300, 420]])
    np.testing.assert_array_equal(first.points[0, 0], [y, x])
    assert first.mirrored[0, 0] == 419 - x
    assert method.shapes(first, 1) == [Shape(320, 448, False)]
    second = prompts_of(segmenter, (y - 3, y + 3, x - 3, x + 3), NONE)
    assert method.shapes(second, 1) == [Shape(160, 160, True)]
    np.testing.assert_array_equal(second.box, second.placed)
    np.testing.assert_array_equal(second.box, second.kept)
    assert second.size.max() == 160


def test_after_an_empty_mask_the_answer_is_put_where_the_protocol_says(spec, segmenter):
    paper = prompts_of(segmenter, NONE, CROP)
    np.testing.assert_array_equal(paper.box, [WHOLE])
    np.testing.assert_array_equal(paper.placed, [CROP])
    strict = load.load(spec, protocol=protocols.STRICT)
    found = prompts_of(strict, NONE, CROP)
    np.testing.assert_array_equal(found.box, [WHOLE])
    np.testing.assert_array_equal(found.placed, [WHOLE])
    np.testing.assert_array_equal(found.kept, [CROP])


def test_on_tetris_the_first_click_sees_a_crop(tetris):
    found = prompts_of(tetris, NONE, NONE, count=1)
    np.testing.assert_array_equal(found.box, [WHOLE])
    np.testing.assert_array_equal(found.size, [[114, 160]])


def test_without_zoom_every_click_sees_the_photograph(spec):
    found = prompts_of(load.load(f"{spec}:zoom=no:flip=no"), (1, 9, 1, 9), NONE)
    np.testing.assert_array_equal(found.box, [WHOLE])
    assert not found.zooms[0]


def test_frames_are_few_and_hold_their_crops(segmenter, monkeypatch):
    monkeypatch.setattr(ritm_method, "_LENGTHS", LENGTHS)
    method = segmenter.method.on("cpu")
    frames = set()
    for side in range(1, 161):
        for size in ((side, 160), (160, side)):
            prompts = prompts_of(segmenter, NONE, NONE)
            prompts = prompts._replace(size=np.array([size]), zooms=np.array([True]))
            (shape,) = method.shapes(prompts, 1)
            assert shape[:2] >= size[:1]
            assert all(long >= short for long, short in zip(shape, size, strict=False))
            frames.add(shape)
    assert len(frames) == 2 * LENGTHS - 1 == 7
    prompts = prompts._replace(size=np.array([[3, 160]]))
    assert segmenter.method.on("tpu").shapes(prompts, 1) == [Shape(160, 160, True)]


@pytest.mark.parametrize(
    ("platform", "shape"), [("cpu", (480, 896)), ("tpu", (512, 1024))]
)
def test_a_photograph_wastes_less_of_its_frame_on_cpu(segmenter, platform, shape):
    prompts = prompts_of(segmenter, NONE, NONE)
    prompts = prompts._replace(size=np.array([[480, 854]]), zooms=np.array([False]))
    (found,) = segmenter.method.on(platform).shapes(prompts, 1)
    assert found == Shape(*shape, False)


def test_larger_frames_have_fewer_rows(segmenter):
    method = segmenter.method
    assert method.rows(Shape(160, 120, True), 8) == 8
    assert method.rows(Shape(320, 320, False), 8) == 2
    assert method.rows(Shape(3200, 3200, False), 8) == 1


@pytest.mark.long
def test_it_conforms(spec):
    told = []
    assert suite.conforms(suite.check(spec, report=told.append)), told


def test_a_run_records_how_it_looks_at_photographs(checkpoint):
    found = load.load(f"jax_ritm:checkpoint={checkpoint}:dataset=DAVIS")
    options = found.description["options"]
    assert options["target"] == 600
    assert options["whole_first"]
    assert "empty_mask_keeps_crop" not in options
    assert options["checkpoint"].startswith("hrnet.pth sha256:")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "nothing.*show ritm"),
        (":checkpoint={}:target=-1", "-1.*a side in pixels"),
        (":checkpoint={}:dataset=tetris", "tetris.*TETRIS, in capital"),
        (":checkpoint={}:zoom=maybe", "maybe.*yes.*no"),
        (":checkpoint={}:cascade=1", "cascade"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_loaded(
    checkpoint, options, message
):
    with pytest.raises(errors.RClicksError, match=message):
        specs.check(f"jax_ritm{options}".format(checkpoint))


def test_half_a_file_and_a_file_of_another_method_are_refused(checkpoint, tmp_path):
    half = tmp_path / "half.pth"
    half.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])
    with pytest.raises(errors.SegmenterError, match=r"half\.pth"):
        load.load(f"jax_ritm:checkpoint={half}")
    other = tmp_path / "sam.pth"
    weight = checkpoint_files.tensor(np.zeros((2, 3), np.float32))
    checkpoint_files.save(other, {"image_encoder.pos_embed": weight})
    with pytest.raises(errors.SegmenterError, match=r"sam\.pth.*none of RITM"):
        load.load(f"jax_ritm:checkpoint={other}")


def test_the_registered_name_opens_it():
    assert registry.NATIVE_SEGMENTERS["jax_ritm"] == ritm.__name__
    assert ritm.NAME == "jax_ritm"
