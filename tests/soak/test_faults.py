"""Calls to the system of every command fail, and its flags have bad values.

Some of both are tried, the same ones each time, in some 30 minutes on two cores;
RCLICKS_FAULTS=all tries every place with every error, and every value, in hours.
"""

import os
import pathlib
import shutil
import sys

import pytest
from clicked_folders import write_clicked
from faults import every_fault, every_value
from helpers import make_folder
from started import forked

from rclicks_jax.networks import clickability, convert
from rclicks_jax.settings import networks
from rclicks_jax.weights import torch_files

ROOT = pathlib.Path(__file__).resolve().parents[2] / "configs"
PROGRAMS = pathlib.Path(__file__).resolve().parents[1] / "programs"
ALL = os.environ.get("RCLICKS_FAULTS") == "all"
ERRORS = "ENOSPC,EACCES,EIO,EROFS,CUT" if ALL else "usual,CUT"
MINE = "--data=folder:{data}/mine"
SMALL = (f"--config={ROOT}/benchmark.py:smoke", "--config.max_images=1", MINE)
BRIDGE = "bridge:adapter={data}/own.py:python=" + sys.executable
# Of each command: every how many places are tried, and what is typed.
COMMANDS = {
    "benchmark": (3, "benchmark", *SMALL, "--workdir={out}"),
    "bridge": (5, "benchmark", *SMALL, f"--segmenter={BRIDGE}", "--workdir={out}"),
    "click_maps": (
        3, "click_maps", "--model=DT", "--samples=2", "--groups=1", MINE, "--out={out}",
    ),
    "evaluate": (
        5, "evaluate", "--click_models=UD,DT", "--config.draws=2",
        "--config.processes=1", MINE, "--split=all", "--workdir={out}",
    ),
    "train": (
        12, "train", f"--config={ROOT}/train_clickability.py:nano",
        "--config.batch_size=2", "--config.size=32", MINE, "--workdir={out}",
    ),
    "prepare": (3, "data", "prepare", "folder:{data}/mine"),
    "convert": (
        1, "convert", "--checkpoint={data}/a.pth", "--out={out}", "--data=nothing",
    ),
    "again": (3, "tabulate", "{data}/run1"),
    "compare": (2, "tabulate", "compare", "A={data}/run1", "B={data}/run1",
                "--out={out}"),
    "estimate": (1, "tabulate", "estimate", "{data}/run1", "--objects=9",
                 "--out={out}"),
    "hard": (1, "tabulate", "hard", "{data}/run1", "--out={out}"),
    "export": (1, "tabulate", "export", "{data}/run1", "--out={out}"),
    "env": (1, "segmenters", "env", "sam", "--dry_run"),
    "check": (3, "segmenters", "check", "{data}/own.py"),
}  # fmt: skip
# A training that can work takes a minute, and most of its flags are those of others.
VALUES = {"train": 97, "bridge": 0, "check": 29}


@pytest.fixture
def base(tmp_path, monkeypatch):
    """A folder with data of each kind."""
    make_folder(tmp_path / "data" / "mine", ("a", "b"))
    clicks = {(stem, "pc"): [(25, 20), (26, 21)] for stem in ("c", "d", "e")}
    write_clicked(tmp_path / "data", clicks)
    (tmp_path / "data" / "mine" / "train.txt").write_text("c\nd")
    (tmp_path / "data" / "mine" / "val.txt").write_text("a\nb\ne")
    variables = clickability.init_variables(networks.network("nano"), 0)
    torch_files.write(tmp_path / "data" / "a.pth", convert.to_torch(variables))
    shutil.copy(PROGRAMS / "bad_adapter.py", tmp_path / "data" / "own.py")
    data = tmp_path / "data" / "mine"
    made = forked(
        "benchmark", *SMALL[:2], f"--data=folder:{data}",
        f"--workdir={tmp_path / 'data' / 'run1'}",
        RCLICKS_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_fault_is_a_sentence_and_can_be_repeated(base, name):
    step, *typed = COMMANDS[name]
    wrong, tried = every_fault(base, 1 if ALL else step, ERRORS, *typed)
    assert not wrong
    print(f"{name}: {tried} errors")


@pytest.mark.parametrize("name", [name for name in COMMANDS if VALUES.get(name, 1)])
def test_every_bad_value_is_a_sentence(base, name):
    _, *typed = COMMANDS[name]
    wrong, tried = every_value(base, 1 if ALL else VALUES.get(name, 13), *typed)
    assert not wrong
    print(f"{name}: {tried} values")
