"""Damaged and hostile files of each layout, hundreds of them, by a seed."""

import json
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "programs/read_mutations.py"
COUNT = 900


@pytest.mark.long
def test_mutations_give_the_same_tensors_or_a_sentence(tmp_path):
    command = [sys.executable, PROGRAM, tmp_path, "0", str(COUNT)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["events"] == []
    assert not (tmp_path / "harm").exists()
    counts = report["counts"]
    assert sum(sum(tally.values()) for tally in counts.values()) == COUNT
    # A zip file has checksums: whatever is changed in it is seen or does not matter.
    assert counts["zip"]["different"] == 0
    for layout, tally in counts.items():
        assert tally["refused"], layout
        assert tally["equal"] + tally["different"], layout
