"""A disk that is full, or fails, while people click."""

import json
import pathlib
import shutil
import subprocess
import sys

import collect_studies
import pytest

PROGRAM = pathlib.Path(__file__).parents[2] / "programs/full_disk.py"
SMALL_DISK = 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"'


def can_mount():
    """Tells whether this user may have a small disk."""
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    found = shutil.which("unshare") is not None
    return found and subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.parametrize("how", ["full", "limit"])
def test_a_disk_without_room_loses_and_doubles_no_click(tmp_path, how):
    if how == "full" and not can_mount():
        pytest.skip("This user cannot mount a small disk (unshare -rm).")
    study = collect_studies.make(
        tmp_path, assignment={"clicks": 9}, judgement={"tiny_px": 0, "tolerance": 1000}
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [sys.executable, str(PROGRAM), str(study), str(disk), how]
    if how == "full":
        command = ["unshare", "-rm", "sh", "-c", SMALL_DISK, str(disk), *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["while_full"] == [[503, "full"]] * 6
    assert told["next_while_full"] == [503, "full"]
    assert told["lost_in_a_power_cut"] == []
    assert {status for status, _ in told["first"] + told["again"] + told["last"]} == {
        200
    }
    # In the order in which they were acknowledged, each once.
    assert told["stored"] == told["acknowledged"]
    assert len(told["stored"]) == 18
    assert told["owner"] == [True, False]
    # Said once when it begins, and when it ends.
    assert done.stderr.count("cannot be used") == 1
    assert done.stderr.count("can be written again") == 1
    assert "it goes on by itself" in done.stderr
