"""The public face: its examples run, its values are those of what lies below."""

import contextlib
import csv
import doctest
import importlib
import io
import json
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
import types
import typing

import cv2
import numpy as np
import pytest
import told_adapter
from helpers import make_folder, write_image

import rclicks_jax
from rclicks_jax import api, errors
from rclicks_jax.api import benchmarks, click_maps, datasets, segmenters
from rclicks_jax.benchmark import records
from rclicks_jax.clicks import plots, simulate
from rclicks_jax.jobs import store
from rclicks_jax.segmenters import load
from rclicks_jax.settings.benchmark import BenchmarkConfig
from rclicks_jax.types import Clicks

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "programs" / "api_user.py"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder in which examples and the user's program run one after the other."""
    return tmp_path_factory.mktemp("api")


@pytest.mark.parametrize(
    "module", [click_maps, plots, datasets, segmenters, benchmarks]
)
def test_the_examples_give_what_they_say(module, shared, monkeypatch):
    monkeypatch.chdir(shared)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    examples = doctest.DocTestFinder(exclude_empty=True).find(module, globs={})
    report = io.StringIO()
    for example in sorted(examples, key=lambda each: each.lineno or 0):
        runner.run(example, out=report.write)
    assert not runner.failures, report.getvalue()
    assert runner.tries >= 3, "a module lost its examples"


def test_every_public_function_has_an_example():
    for name in rclicks_jax.__all__:
        value = getattr(api, name)
        if isinstance(value, types.FunctionType):
            assert "Examples:\n" in (value.__doc__ or ""), name


@pytest.mark.long
def test_a_users_program_uses_all_of_it(shared, monkeypatch, capsys):
    words = {*re.findall(r"\w+", PROGRAM.read_text())}
    assert {*rclicks_jax.__all__} <= words
    # The run of an example goes on, of which nothing is left.
    workdir = shared / "runs" / "example"
    monkeypatch.setattr(sys, "argv", ["api_user.py", str(workdir)])
    runpy.run_path(str(PROGRAM), run_name="__main__")
    said = capsys.readouterr().out
    assert "Unknown click model 'dt'. Do you mean DT?" in said
    assert (workdir / "report.html").is_file()


def test_the_top_package_offers_the_same_names():
    public = {name for name in vars(api) if name[0] != "_"}
    modules = {name for name in public if isinstance(vars(api)[name], types.ModuleType)}
    assert sorted(public - modules) == rclicks_jax.__all__
    assert {*rclicks_jax.__all__} <= {*dir(rclicks_jax)}
    for name in rclicks_jax.__all__:
        assert getattr(rclicks_jax, name) is getattr(api, name)
        # The import of such a module would take the place of the name.
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"rclicks_jax.{name}")
    with pytest.raises(AttributeError, match="no attribute 'load_model'"):
        rclicks_jax.load_model  # noqa: B018


def test_the_package_and_its_bridge_need_no_jax():
    code = (
        "import json, sys, rclicks_jax, rclicks_jax.bridge.worker as _\n"
        "dir(rclicks_jax)\n"
        "print(json.dumps([m for m in sys.modules if '.' not in m]))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True).stdout
    assert not {"jax", "pandas", "scipy", "cv2"} & {*json.loads(printed)}


def test_the_types_are_complete_where_the_package_is_installed(tmp_path):
    """Type checkers infer nothing in a package that has py.typed."""
    pyright = shutil.which("pyright", path=pathlib.Path(sys.executable).parent)
    if pyright is None:
        pytest.skip("pyright is not installed")
    package = pathlib.Path(rclicks_jax.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, tmp_path / package.name, ignore=ignored)
    ended = subprocess.run(
        [pyright, "--pythonpath", sys.executable, "--ignoreexternal", "--outputjson",
         "--verifytypes", "rclicks_jax.api"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
    )  # fmt: skip
    report = json.loads(ended.stdout)["typeCompleteness"]
    assert str(tmp_path) in report["packageRootDirectory"]
    incomplete = [each["name"] for each in report["symbols"] if each["isExported"]
                  and not each["isTypeKnown"]]  # fmt: skip
    assert not incomplete
    assert report["completenessScore"] == 1


def test_settings_are_those_of_a_benchmark():
    offered = typing.get_type_hints(rclicks_jax.BenchmarkSettings)
    assert offered == typing.get_type_hints(BenchmarkConfig)


@pytest.fixture
def target():
    mask = np.zeros((30, 40), bool)
    mask[5:25, 5:35] = True
    return mask


def test_an_error_region_is_the_deeper_of_both_kinds(target):
    previous_mask = target.copy()
    previous_mask[5:25, 5:15] = False  # 20 x 10 pixels are missed.
    previous_mask[0:4, 0:40] = True  # 4 x 40 pixels are wrong foreground.
    region = rclicks_jax.error_region(target, previous_mask)
    assert region.positive
    np.testing.assert_array_equal(region.mask, target & ~previous_mask)
    previous_mask[5:25, 5:12] = True  # Now 20 x 3 pixels are missed.
    region = rclicks_jax.error_region(target * 255, previous_mask.astype(np.uint8))
    assert not region.positive
    np.testing.assert_array_equal(region.mask, previous_mask & ~target)
    nothing = np.zeros_like(target)
    np.testing.assert_array_equal(rclicks_jax.error_region(target, nothing)[0], target)


@pytest.mark.parametrize(
    ("target_value", "previous", "message"),
    [
        (1, 1, "previous_mask: got a mask equal to target; allowed: one with an error"),
        (0, 0, "target: got no pixel"),
        (1, 0.5, "previous_mask: got float64 of shape"),
        (1, 7, "previous_mask: got integers 7"),
    ],
)
def test_masks_without_a_next_click_are_refused(target_value, previous, message):
    with pytest.raises(errors.BadValueError, match=message):
        rclicks_jax.error_region(
            np.full((4, 5), target_value), np.full((4, 5), previous)
        )
    with pytest.raises(errors.BadValueError, match=r"shape \(4, 6\); allowed: that of"):
        rclicks_jax.error_region(np.ones((4, 5), bool), np.zeros((4, 6), bool))


def test_a_click_map_is_about_what_the_previous_mask_left(target):
    image = np.zeros((*target.shape, 3), np.uint8)
    previous_mask = target.copy()
    previous_mask[:, 20:] = False
    model = rclicks_jax.load_click_model("DT")
    mended = target & ~previous_mask
    expected = simulate.click_map(model, image, target, mended)
    made = rclicks_jax.click_map(model, image, target, previous_mask)
    np.testing.assert_array_equal(made, expected)
    assert not made[:, :20].any()
    first, later = rclicks_jax.click_map_batch(
        model, [image] * 2, [target] * 2, [None, previous_mask]
    )
    np.testing.assert_array_equal(first, rclicks_jax.click_map(model, image, target))
    np.testing.assert_array_equal(later, expected)


def test_what_cannot_be_used_of_a_data_set_is_listed(folder):
    write_image(folder / "masks" / "b.png", np.zeros((48, 64), np.uint8))
    dataset = rclicks_jax.open_dataset(f"folder:{folder}")
    assert [example.image_id for example in dataset] == ["a", "c"]
    assert len(dataset) == 2
    (problem,) = dataset.problems
    assert (problem.dataset, problem.name) == ("mine", "b")
    assert problem.reason == "the mask has no object pixel"


def test_a_data_set_of_which_nothing_can_be_used_is_refused(folder):
    for name in "abc":
        write_image(folder / "masks" / f"{name}.png", np.zeros((48, 64), np.uint8))
    with pytest.raises(rclicks_jax.RClicksError, match="nothing that can be used"):
        rclicks_jax.open_dataset(f"folder:{folder}")


def test_clicks_of_a_session_are_those_of_a_trajectory(target):
    image = np.where(target, 200, 20).astype(np.uint8)
    clicks = [(15, 20, True), (1, 1, False), (7, 33, True)]
    with rclicks_jax.load_segmenter("grabcut") as segmenter:
        session = segmenter.start(image)
        masks = [session.click(y, x, positive=sign) for y, x, sign in clicks]
    below = load.load("grabcut")
    encoded = below.encode(np.stack([image] * 3, axis=-1))
    trajectory = below.start(encoded, [target])
    for count, mask in enumerate(masks, 1):
        yx = np.array([[click[:2] for click in clicks[:count]]], np.int32)
        positive = np.array([[click[2] for click in clicks[:count]]])
        given = Clicks(yx, positive, np.array([count], np.int32))
        (expected,) = trajectory.predict(np.zeros(1, np.int32), given)
        np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(
    ("y", "x", "positive", "message"),
    [
        (1.5, 2, True, r"got \(1.5, 2\); allowed: .*\(14, 19\), whole numbers"),
        ("1", 2, True, "whole numbers"),
        (1, None, True, "whole numbers"),
        (15, 2, True, r"got \(15, 2\)"),
        (1, 2, "no", "positive: got 'no'; allowed: True or False"),
    ],
)
def test_a_click_is_on_a_pixel(y, x, positive, message):
    with rclicks_jax.load_segmenter("random_walker") as segmenter:
        session = segmenter.start(np.zeros((15, 20, 3), np.uint8))
        with pytest.raises(rclicks_jax.RClicksError, match=message):
            session.click(y, x, positive=positive)


def test_what_is_closed_answers_no_clicks():
    image = np.zeros((15, 20, 3), np.uint8)
    segmenter = rclicks_jax.load_segmenter("random_walker")
    session, other = segmenter.start(image), segmenter.start(image)
    session.close()
    session.close()
    with pytest.raises(rclicks_jax.RClicksError, match="Session: got one that is clo"):
        session.click(1, 2)
    assert other.click(np.int32(1), 2.0).shape == (15, 20)
    segmenter.close()
    for call in (lambda: other.click(1, 2), lambda: segmenter.start(image)):
        with pytest.raises(rclicks_jax.RClicksError, match="random_walker, which is"):
            call()
    other.close()
    segmenter.close()


@pytest.mark.parametrize(("protocol", "rows"), [("paper", 32), ("strict", 8)])
def test_a_segmenter_is_told_the_protocol_that_is_named(protocol, rows):
    with rclicks_jax.load_segmenter(told_adapter.__file__, protocol=protocol) as told:
        mask = told.start(np.zeros((40, 5, 3), np.uint8)).click(0, 0)
    assert int(mask[:, 0].sum()) == rows
    with pytest.raises(rclicks_jax.RClicksError, match="'loose'"):
        rclicks_jax.load_segmenter("stuck", protocol="loose")


def test_a_click_that_was_not_answered_does_not_count():
    asked = []

    class Failing:
        def predict(self, rows, clicks):
            asked.append(clicks.yx.tolist())
            if len(asked) == 2:
                raise errors.SegmenterError("It failed.")
            return np.zeros((1, 4, 5), bool)

    session = segmenters.SegmenterSession(Failing(), (4, 5), list, list)
    session.click(0, 1)
    with pytest.raises(errors.SegmenterError):
        session.click(2, 2)
    session.click(3, 4)
    assert asked == [[[[0, 1]]], [[[0, 1], [2, 2]]], [[[0, 1], [3, 4]]]]


@pytest.mark.parametrize(
    "load",
    [
        rclicks_jax.load_click_model,
        rclicks_jax.load_segmenter,
        rclicks_jax.open_dataset,
        rclicks_jax.open_click_tasks,
        rclicks_jax.read_run,
        rclicks_jax.run_benchmark,
    ],
)
def test_a_name_that_is_no_text_is_refused(load):
    with pytest.raises(rclicks_jax.RClicksError, match="got None; allowed: "):
        load(None)


def test_segmenters_that_answer_from_the_target_are_given_one(target):
    image = np.zeros((*target.shape, 3), np.uint8)
    with rclicks_jax.load_segmenter("oracle") as segmenter:
        with pytest.raises(errors.BadValueError, match=r"target: got None.*oracle"):
            segmenter.start(image)
        with pytest.raises(errors.BadValueError, match="that of the image"):
            segmenter.start(image, target[:-1])
        session = segmenter.start(image, target)
        for outside in ((30, 0), (0, 40), (-1, 0)):
            with pytest.raises(errors.BadValueError, match=r"to \(29, 39\)"):
                session.click(*outside)
        np.testing.assert_array_equal(session.click(9, 9), target)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on three photographs; an object of one is no target."""
    base = tmp_path_factory.mktemp("api_run")
    folder = make_folder(base / "mine")
    write_image(folder / "masks" / "b.png", np.zeros((48, 64), np.uint8))
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(base):
        patch.setenv("RCLICKS_CACHE", str(base / "cache"))
        return rclicks_jax.run_benchmark(
            base / "run", data="folder:mine", segmenter="noisy", click_model="DT",
            groups=(1, 10), pictures=0,
        )  # fmt: skip


def test_a_run_counts_and_names_what_was_not_played(run):
    assert run.counts == {"ok": 2, "skipped": 1, "failed": 0}
    assert (run.stopped, run.left) == ("", 0)
    ((name, status, reason),) = run.problems()
    assert name.startswith("mine/b")
    assert (status, reason) == ("skipped", "the mask has no object pixel")


def test_clicks_and_objects_of_a_run_are_those_of_its_records(run):
    read = rclicks_jax.read_run(run.folder)
    clicks, objects = read.clicks(), read.objects()
    played = [
        (instance.instance_id, track)
        for image in records.read_all(store.RunFolder(run.folder))
        for instance in image.instances
        for track in instance.trajectories
    ]
    assert len(clicks) == sum(len(track.union) for _, track in played) == 2 * 3 * 20
    assert str(clicks["y"].dtype) == "Int32"
    names = list(dict.fromkeys(name for name, _ in played))
    assert list(objects["instance_id"]) == names
    paths = [f"{run.folder}/../mine/masks/{name[0]}.png" for name in names]
    pixels = [np.count_nonzero(cv2.imread(path, 0)) for path in paths]
    assert list(objects["target_pixels"]) == pixels
    for _, row in objects.iterrows():
        nocs = []
        for name, track in played:
            if name == row["instance_id"] and track.strategy == "group":
                ious = np.array(track.intersection) / np.array(track.union)
                reached = [n for n, iou in enumerate(ious, 1) if iou >= 0.9]
                nocs.append(min(reached, default=20))
                mine = clicks[
                    (clicks["instance_id"] == name)
                    & (clicks["strategy"] == "group")
                    & (clicks["group"] == track.group)
                ]
                np.testing.assert_array_equal(mine["iou"], ious)
                assert list(mine["click"]) == list(range(1, 21))
        assert row["sample_noc"] == np.mean(nocs)


def test_tables_are_those_of_the_report(run):
    tables = run.tables()
    assert next(iter(tables)) == "summary"
    assert pathlib.Path(run.write_report()).is_file()
    folder = pathlib.Path(run.folder) / "tables"
    assert {path.stem for path in folder.glob("*.csv")} == {*tables}
    with (folder / "summary.csv").open() as file:
        (printed,) = csv.DictReader(file)
    (row,) = tables["summary"].to_dict("records")
    assert row["ok"] == 2
    assert float(printed["sample_noc"]) == row["sample_noc"]
    assert np.isnan(row["sample_noc_low"])


def test_a_wrong_setting_starts_no_run(tmp_path):
    workdir = tmp_path / "run"
    for settings, message in (
        ({"segmentr": "noisy"}, "segmentr.*Do you mean segmenter"),
        ({"click_model": "dt"}, "Do you mean DT"),
        ({"click_model": "DT", "repeats": 0}, "repeats: got 0"),
        ({"groups": 3}, "groups: got 3; allowed: several values"),
    ):
        with pytest.raises(rclicks_jax.RClicksError, match=message):
            rclicks_jax.run_benchmark(workdir, **settings)
    assert not workdir.exists()
    with pytest.raises(rclicks_jax.RClicksError, match="not a run folder"):
        rclicks_jax.read_run(workdir)
