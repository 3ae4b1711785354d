"""What may not differ between the original and us, on a few small photographs.

RCLICKS_ORIGINAL names a checkout of emb-ai/rclicks and RCLICKS_TORCH_PYTHON an
interpreter with torch and what the original imports; see beside_the_original.py.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ("RCLICKS_ORIGINAL", "RCLICKS_TORCH_PYTHON")
DATA = pathlib.Path(
    os.environ.get("RCLICKS_DATA_DIR") or ROOT.parent / "shared" / "data"
)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    absent = [name for name in NEEDED if name not in os.environ]
    if absent:
        pytest.skip(f"{' and '.join(absent)} not set: no original to compare with")
    if not (DATA / "GrabCut").is_dir():
        pytest.skip("no GrabCut here; RCLICKS_DATA_DIR says where data is")
    out = tmp_path_factory.mktemp("beside") / "out"
    script = pathlib.Path(__file__).with_name("beside_the_original.py")
    given = [f"--checkout={os.environ['RCLICKS_ORIGINAL']}"]
    given += [f"--python={os.environ['RCLICKS_TORCH_PYTHON']}", f"--data={DATA}"]
    given += [f"--out={out}", "--images=2,1", "--runs=4", "--longest=200"]
    subprocess.run([sys.executable, script, *given], check=True)
    return json.loads((out / "beside.json").read_text())


def test_what_is_not_drawn_is_equal(numbers):
    tasks = numbers["tasks"]
    assert tasks["tasks"] == tasks["ours"] == 9
    for name in ("images_differ", "targets_differ", "click_sets_differ"):
        assert tasks[name] == 0, name
    assert numbers["users"] == {"clicks": 72, "differ": 0}
    for name, gap in tasks["largest_difference"].items():
        assert gap < 1e-6, name
    assert numbers["devices"]["largest_difference"] < 1e-9
    # The notebook computes some of them in float32.
    assert numbers["our_tables_against_the_notebook_on_our_curves"] < 1e-4


def test_only_equal_distances_move_the_robot(numbers):
    robot = numbers["robot"]
    assert robot["trajectories"] == 3
    assert all(step <= 2 for step in robot["first_step"]), robot
    for row in numbers["measures"]:
        if not row["drawn"] and not robot["differ"]:
            theirs = row["original"]["mean"]
            assert row["ours"]["mean"] == pytest.approx(theirs, abs=1e-4), row


def test_draws_cannot_be_told_apart(numbers):
    # Four runs of each: no p is below .028, so only what all groups share would show.
    for name, drawn in numbers["tasks"]["drawn"].items():
        assert abs(drawn["z"]) < 4, name
    assert numbers["curves"]["below_0.05"] < 0.2 * numbers["curves"]["tests"]
