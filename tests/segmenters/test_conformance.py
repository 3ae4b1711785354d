"""The kit that checks segmenters: good ones pass, each fault is found where it is."""

import pathlib
import re

import numpy as np
import pytest

from rclicks_jax import errors, registry
from rclicks_jax.segmenters.conformance import bench as bench_lib
from rclicks_jax.segmenters.conformance import scenes, suite

BAD = pathlib.Path(__file__).parent.parent / "programs" / "bad_adapter.py"
SOFT = """
import numpy as np
THRESHOLD = 0.5
def load(options): return None
def encode(model, image): return image.mean(axis=-1).astype("f4") / 255
def predict(model, features, clicks, state):
    first = clicks.yx[:, 0]
    brightness = features[first[:, 0], first[:, 1]][:, None, None]
    return np.exp(-8 * abs(features - brightness)), state
"""


WAYS = pytest.mark.parametrize("way", ["{}", "bridge:adapter={}"])


def checked(spec, **options):
    told = []
    findings = suite.check(str(spec), report=told.append, **options)
    return {one.check: one for one in findings}, "\n".join(told)


def failed(findings):
    return {name for name, one in findings.items() if one.status == "failed"}


@pytest.mark.parametrize("name", ["grabcut", "random_walker", "stuck", "oracle"])
def test_segmenters_of_this_process_conform(name):
    assert name in registry.SEGMENTERS
    findings, told = checked(name)
    assert failed(findings) == set(), told
    left_out = {name for name, one in findings.items() if one.status == "left out"}
    assert left_out == {"probabilities", "large", "replay"}


@WAYS
def test_a_good_adapter_conforms_wherever_it_runs(way):
    findings, told = checked(way.format(BAD))
    assert suite.conforms(findings.values()), told


def test_probabilities_are_compared_where_there_are_some(tmp_path):
    (tmp_path / "soft.py").write_text(SOFT)
    findings, told = checked(f"bridge:adapter={tmp_path}/soft.py")
    assert failed(findings) == set(), told
    assert findings["probabilities"].status == "passed"
    for name in ("deterministic", "sessions", "batch", "states", "ending", "replay"):
        assert "probabilities by 0.0e+00" in findings[name].detail


@pytest.mark.parametrize(
    ("bad", "check", "message"),
    [
        ("numbers", "masks", "float32 instead of bool"),
        (
            "random",
            "deterministic",
            r"click \d: [1-3]\.\d\d% of pixels differ\. Allowed",
        ),
        ("remembers", "sessions", r"click [23]: "),
        ("slots", "unused", "other clicks there: "),
        ("batch", "batch", r"trajectory \d at click 1: "),
        ("first_state", "states", r"trajectory [23] at click \d: "),
        ("list", "ending", "At click 2"),
        ("swapped", "meaning", "x and y are swapped"),
        ("inverted", "meaning", "is the part that was not clicked"),
        ("corner", "borders", r"At click 3.*\(0, 64, '\+'\)|no place for a patch"),
        ("tired", "twenty", "At click 11, .*ten clicks are enough"),
        ("even", "sizes", "31x47: .*sides must be even"),
        ("colour", "grey", "48x64: .*no colour"),
        ("contrast", "flat", "48x64: .*no contrast"),
        ("one_photograph", "photographs", "index 72 is out of bounds"),
    ],
)
def test_a_fault_is_found_by_its_check_alone(bad, check, message):
    findings, told = checked(f"{BAD}:bad={bad}")
    assert failed(findings) == {check}, told
    assert not suite.conforms(findings.values())
    assert re.search(message, findings[check].detail), told


@pytest.mark.long
@pytest.mark.parametrize(
    ("bad", "check", "message"),
    [
        ("cached", "replay", "the last click: "),
        ("logits", "probabilities", "float32 from -9 to 9"),
        ("deadly_corner", "borders", "died twice"),
        ("random", "deterministic", "of pixels differ"),
    ],
)
def test_a_fault_behind_the_bridge_is_found_by_its_check_alone(
    tmp_path, bad, check, message
):
    spec = f"bridge:adapter={BAD}:bad={bad}:marker={tmp_path / 'marker'}"
    findings, told = checked(spec)
    assert failed(findings) == {check}, told
    assert message in findings[check].detail


def test_what_rests_on_a_failed_check_is_left_out_and_the_rest_goes_on():
    findings, _ = checked(f"{BAD}:bad=random")
    assert findings["sessions"].detail == "Needs deterministic."
    assert findings["ending"].status == "left out"
    for name in ("borders", "twenty", "sizes", "grey", "flat"):
        assert findings[name].status == "passed"


def test_each_finding_is_told_when_it_is_there_and_counted_at_the_end():
    findings, told = checked(f"{BAD}:bad=tired")
    lines = told.splitlines()
    assert lines[-1] == "14 passed, 1 failed, 3 left out"
    assert [line.split()[0] for line in lines[:2]] == ["passed", "passed"]
    assert sum(line[:1] != " " for line in lines) == len(findings) + 1
    assert all(one.claim.endswith(".") for one in findings.values())


def test_a_large_photograph_is_tried_when_asked_for():
    findings, told = checked("stuck", large=True)
    assert findings["large"].status == "passed", told


def test_what_cannot_be_loaded_cannot_be_checked():
    with pytest.raises(errors.SegmenterError, match="not a Python file"):
        suite.check("/no/such.py", report=print)


def test_empty_masks_are_said_to_show_little(tmp_path):
    path = tmp_path / "empty.py"
    path.write_text(
        "import numpy as np\n"
        "def load(options): return None\n"
        "def encode(model, image): return image.shape[:2]\n"
        "def predict(model, shape, clicks, state):\n"
        "    return np.zeros((len(clicks.count), *shape), bool), None\n"
    )
    findings, told = checked(path)
    assert failed(findings) == set(), told
    assert "all masks are empty or full" in findings["batch"].detail


def answer(masks, soft=None):
    return bench_lib.Answer(
        np.asarray(masks), None if soft is None else np.asarray(soft)
    )


@pytest.mark.parametrize(
    ("got", "passes"),
    [
        (answer(np.arange(2000) < 2), True),
        (answer(np.arange(2000) < 3), False),
        (answer(np.zeros(2000, bool), np.full(2000, 0.4991)), True),
        (answer(np.arange(2000) < 1, np.full(2000, 0.502)), False),
        (answer(np.arange(2000) < 1, np.full(2000, np.nan)), False),
    ],
)
def test_the_tolerance_is_of_probabilities_where_there_are_some(got, passes):
    expected = answer(np.zeros(2000, bool), np.full(2000, 0.5))
    if passes:
        bench_lib.compare([("it", got, expected)])
    else:
        with pytest.raises(bench_lib.FailedError, match="it: "):
            bench_lib.compare([("it", got, expected)])


@pytest.mark.parametrize("shape", [(96, 128), (17, 130), (31, 47), (17, 17)])
def test_clicks_lie_in_discs_and_around_them_by_turns(shape):
    scene = scenes.make(shape)
    yx, positive, count = scene.clicks
    assert positive[:, ::2].all()
    assert not positive[:, 1::2].any()
    assert set(count) == {20}
    for row, disc in enumerate(scene.gt_masks):
        assert disc[tuple(yx[row][positive[row]].T)].all()
        assert not scene.gt_masks[:, *yx[row][~positive[row]].T].any()
    assert (yx > 0).all()
    assert (yx < np.array(shape) - 1).all()


def test_the_first_discs_of_the_main_scene_change_places_with_the_axes():
    one, other, _ = scenes.make((96, 128)).gt_masks
    np.testing.assert_array_equal(one[:, :96].T, other[:, :96])
    assert not one[:, 96:].any()
    assert not other[:, 96:].any()


# Clicks as (x, y): the first of the main scene is inside the photograph either way.
SWAPPED = """
import numpy as np
def load(options): print("loaded with 3 missing keys")
def encode(model, image): return image.mean(axis=-1)
def predict(model, features, clicks, state):
    masks = np.zeros((len(clicks.count), *features.shape), bool)
    for mask, yx in zip(masks, clicks.yx):
        x, y = yx[0]
        mask[:] = abs(features - features[{y}, {x}]) < 30
    return masks, state
"""


@WAYS
@pytest.mark.parametrize("shift", [0, 200])
def test_swapped_axes_are_told_where_clicks_raise_for_it(tmp_path, way, shift):
    path = tmp_path / "swapped.py"
    # One raises at every click on the main scene, the other beyond its height.
    guard = (
        "if features.shape[0] != features.shape[1]: raise IndexError('no')\n        "
    )
    code = SWAPPED.format(y="y", x="x")
    if shift:
        code = code.replace("x, y = yx[0]", f"{guard}x, y = yx[0]")
    path.write_text(code)
    findings, told = checked(way.format(path))
    assert findings["meaning"].status == "failed", told
    assert "x and y are swapped" in findings["meaning"].detail
    if shift:
        assert failed(findings) == {"masks", "meaning"}
        assert "IndexError: no" in findings["masks"].detail


@WAYS
def test_transposed_masks_are_told_as_swapped_axes(way):
    findings, told = checked(f"{way.format(BAD)}:bad=sides")
    assert failed(findings) == {"masks", "meaning"}, told
    assert "shape (1, 128, 96) instead of (1, 96, 128)" in findings["masks"].detail


@WAYS
def test_logits_are_found_wherever_it_runs(way):
    findings, told = checked(f"{way.format(BAD)}:bad=logits")
    assert failed(findings) == {"probabilities"}, told
    assert "float32 from -9 to 9 instead of prob" in findings["probabilities"].detail
    assert "LOGITS = True" in told


@WAYS
def test_probabilities_are_checked_wherever_it_runs(tmp_path, way):
    (tmp_path / "soft.py").write_text(SOFT)
    findings, told = checked(way.format(tmp_path / "soft.py"))
    assert failed(findings) == set(), told
    assert findings["probabilities"].status == "passed"


@WAYS
def test_a_failure_shows_its_line_and_drowns_in_nothing(tmp_path, way):
    path = tmp_path / "broken.py"
    path.write_text(SWAPPED.format(y="nothing", x="0"))
    findings, told = checked(way.format(path))
    assert failed(findings) == {"masks"}
    assert "NameError: name 'nothing' is not defined" in told
    assert f"{path}:9, in predict: mask[:] = abs(features - features[nothing, 0])" in (
        told
    )
    assert told.count("left out") == 2
    assert "left out  16 checks that prove nothing before the above is corrected" in (
        told
    )
    assert "1 passed, 1 failed, 16 left out" in told


@WAYS
def test_a_wrong_state_is_called_a_state(way):
    findings, _ = checked(f"{way.format(BAD)}:bad=list")
    assert failed(findings) == {"ending"}
    assert "but state['masks'][0] has shape (96, 128)" in findings["ending"].detail


@WAYS
def test_what_load_prints_is_part_of_the_finding(tmp_path, way):
    path = tmp_path / "swapped.py"
    path.write_text(SWAPPED.format(y="y", x="x"))
    findings, _ = checked(way.format(path))
    assert findings["loads"].detail == "It wrote:\nloaded with 3 missing keys"
