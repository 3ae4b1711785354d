"""Another Python's PyTorch: here a stand-in, and scripts that fail in its place."""

import json
import os
import subprocess
import sys

import pytest

from rclicks_jax import errors
from rclicks_jax.bridge import checkpoints

# What the rewriting asks of torch; checkpoints are JSON, where a list is a tensor.
STAND_IN = """
import json

class Tensor:
    def __init__(self, numbers):
        self.numbers = numbers
    def detach(self):
        return self
    cpu = clone = detach

def load(path, map_location, weights_only):
    assert weights_only is True and map_location == "cpu"
    return json.load(open(path), object_hook=lambda value: {
        int(key) if key.isdigit() else key: Tensor(entry) if type(entry) is list
        else entry for key, entry in value.items()})

def save(value, path):
    json.dump(value, open(path, "w"), default=lambda tensor: tensor.numbers)
"""


@pytest.fixture
def python_with_torch(tmp_path):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "torch.py").write_text(STAND_IN)
    return script(
        tmp_path / "with_torch",
        f'PYTHONPATH={tmp_path / "packages"} exec {sys.executable} "$@"',
    )


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.pth"
    saved = {"state_dict": {"a": [1, 2], "step": 3}, "7": [4], "note": "x", "b": [5]}
    path.write_text(json.dumps(saved))
    return str(path)


def script(path, command):
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)
    return str(path)


def test_tensors_are_kept_and_nothing_else(python_with_torch, old, tmp_path):
    checkpoints.rewrite(python_with_torch, old, str(tmp_path / "new.pth"))
    rewritten = json.loads((tmp_path / "new.pth").read_text())
    assert rewritten == {"state_dict": {"a": [1, 2]}, "b": [5]}


def test_failure_carries_the_last_words(old, tmp_path):
    python = script(tmp_path / "python", "echo no such class >&2; exit 3")
    message = r"exit status 3\)\. Its last output:\nno such class"
    with pytest.raises(errors.DataError, match=message):
        checkpoints.rewrite(python, old, str(tmp_path / "new.pth"))


def test_only_the_end_of_a_long_story_is_told(old, tmp_path):
    python = script(tmp_path / "python", "seq 100 >&2; exit 1")
    with pytest.raises(errors.DataError) as caught:
        checkpoints.rewrite(python, old, str(tmp_path / "new.pth"))
    assert str(caught.value).splitlines()[1:] == [str(n) for n in range(81, 101)]


def test_a_silent_failure_says_so(old, tmp_path):
    with pytest.raises(errors.DataError, match="wrote nothing to stderr"):
        checkpoints.rewrite("false", old, str(tmp_path / "new.pth"))


def test_it_ends_in_time(old, tmp_path):
    python = script(tmp_path / "python", "exec sleep 60")
    with pytest.raises(errors.DataError, match=r"within 0\.2 seconds"):
        checkpoints.rewrite(python, old, str(tmp_path / "new.pth"), timeout=0.2)


def test_an_environment_without_torch_is_told(old, tmp_path):
    python = script(tmp_path / "python", f'exec {sys.executable} -I "$@"')
    with pytest.raises(errors.DataError, match="No module named 'torch'"):
        checkpoints.rewrite(python, old, str(tmp_path / "new.pth"))


def test_what_is_no_interpreter_is_named(old, tmp_path):
    with pytest.raises(errors.BadValueError, match="/no/python"):
        checkpoints.rewrite("/no/python", old, str(tmp_path / "new.pth"))


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(errors.DataError, match="is not a file"):
        checkpoints.rewrite("false", str(tmp_path), str(tmp_path / "new.pth"))


@pytest.mark.torch
def test_a_legacy_file_is_rewritten(tmp_path):
    python = os.environ.get("RCLICKS_TORCH_PYTHON")
    if not python:
        pytest.skip("RCLICKS_TORCH_PYTHON names no interpreter with PyTorch")
    from rclicks_jax.weights import torch_files

    old, new = str(tmp_path / "old.pth"), str(tmp_path / "new.pth")
    code = (
        "import sys, torch; torch.save({'state_dict': {'a': torch.arange(6).view(2, 3)"
        ".t()}}, sys.argv[1], _use_new_zipfile_serialization=False)"
    )
    subprocess.run([python, "-c", code, old], check=True)
    checkpoints.rewrite(python, old, new)
    found = torch_files.read(new)["state_dict"]["a"]
    assert found.tolist() == [[0, 3], [1, 4], [2, 5]]
