"""Every adapter answers as the code it drives, and mistakes in driving it show.

The golden files hold what the original answered to seeded weights. A case that drives
a checkout is skipped where there is none: RCLICKS_CHECKOUTS names their folder.
"""

import ast
import functools
import importlib
import os
import pathlib
import subprocess
import sys

import kit
import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent
CASES = sorted(
    path.stem for path in (HERE / "cases").glob("*.py") if path.stem != "__init__"
)
TOLERANCE = 1e-4


def constants_of(name):
    """Reads the case's constants without running it: it imports its checkout."""
    tree = ast.parse((HERE / "cases" / f"{name}.py").read_text())
    found = {"GOLDEN": name, "CHECKOUT": "", "OMITTED": {}}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            key = node.targets[0].id
            if key in ("GOLDEN", "CHECKOUT", "OMITTED"):
                found[key] = ast.literal_eval(node.value)
            if key == "BUGS":
                found[key] = [ast.literal_eval(one) for one in node.value.keys]
    return found


@pytest.fixture(scope="session")
def played(tmp_path_factory):
    """Plays a case in a process of its own, once."""

    @functools.cache
    def run(name):
        constants = constants_of(name)
        if not (kit.data_folder() / "GrabCut").exists():
            pytest.skip("no GrabCut here; RCLICKS_DATA_DIR says where data is")
        if constants["CHECKOUT"] and not kit.checkout(constants["CHECKOUT"]).exists():
            pytest.skip(
                f"no checkout {constants['CHECKOUT']} here; RCLICKS_CHECKOUTS says "
                "where checkouts are"
            )
        out = tmp_path_factory.mktemp(name) / "answers.npz"
        command = [sys.executable, str(HERE / "run_case.py"), name, str(out)]
        ended = subprocess.run(command, capture_output=True, text=True, env=os.environ)
        assert ended.returncode == 0, ended.stderr[-3000:]
        with np.load(out) as file:
            return {key: file[key] for key in file.files}

    return run


def bugs_of(name):
    constants = constants_of(name)
    every = {*kit.BUGS, *constants["BUGS"]} - set(constants["OMITTED"])
    return sorted(every)


@pytest.mark.parametrize("name", CASES)
def test_an_adapter_answers_as_the_original(name, played):
    answers = played(name)
    points, _, _ = kit.read_golden(constants_of(name)["GOLDEN"])
    for index, expected in enumerate(points):
        difference = abs(answers[f"right/image{index}"] - expected).max()
        assert difference < TOLERANCE, f"image {index}: {difference}"


@pytest.mark.parametrize(
    ("name", "bug"), [(name, bug) for name in CASES for bug in bugs_of(name)]
)
def test_a_bug_shows(name, bug, played):
    answers = played(name)
    points, _, _ = kit.read_golden(constants_of(name)["GOLDEN"])
    difference = abs(answers[f"bug/{bug}"] - points[0]).max()
    assert difference > 100 * TOLERANCE


@pytest.mark.parametrize("name", CASES)
def test_golden_masks_have_both_sides(name):
    _, shares, provenance = kit.read_golden(constants_of(name)["GOLDEN"])
    assert shares.min() > 0
    assert shares.max() < 1
    version = provenance["commit"]
    assert len(version) == 40 or version.startswith("release ")


@pytest.mark.parametrize("name", CASES)
def test_masks_are_cut_where_those_of_the_golden_file_are(name):
    _, _, provenance = kit.read_golden(constants_of(name)["GOLDEN"])
    case = importlib.import_module(f"cases.{name}")
    assert provenance["threshold"] == case.adapter.THRESHOLD
