"""Every call to the system of every command fails once, in each usual way."""

import pathlib

import pytest
from clicked_folders import write_clicked
from faults import every_fault
from helpers import make_folder

from rclicks_jax import config
from rclicks_jax.models import clickability, convert, torch_files

ROOT = pathlib.Path(__file__).resolve().parents[2] / "configs"
ERRORS = "ENOSPC,EACCES,EIO,EROFS,CUT"
MINE = "--data=folder:{data}/mine"
COMMANDS = {
    "benchmark": (f"--config={ROOT}/benchmark.py:smoke", MINE, "--workdir={out}"),
    "click_maps": ("--model=DT", "--samples=2", "--groups=1", MINE, "--out={out}"),
    "evaluate": (
        "--click_models=UD,DT", "--config.draws=2", "--config.processes=1", MINE,
        "--split=all", "--workdir={out}",
    ),
    "train": (
        f"--config={ROOT}/train_clickability.py:nano", "--config.batch_size=2",
        "--config.size=32", MINE, "--workdir={out}",
    ),
    "data": ("prepare", "folder:{data}/mine"),
    "convert": ("--checkpoint={data}/a.pth", "--out={out}", "--data=nothing"),
}  # fmt: skip


@pytest.fixture
def base(tmp_path, monkeypatch):
    """A folder with data of each kind."""
    make_folder(tmp_path / "data" / "mine", ("a", "b"))
    clicks = {(stem, "pc"): [(25, 20), (26, 21)] for stem in ("c", "d", "e")}
    write_clicked(tmp_path / "data", clicks)
    (tmp_path / "data" / "mine" / "train.txt").write_text("c\nd")
    (tmp_path / "data" / "mine" / "val.txt").write_text("a\nb\ne")
    variables = clickability.init_variables(config.network("nano"), 0)
    torch_files.write(tmp_path / "data" / "a.pth", convert.to_torch(variables))
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_is_a_sentence_and_can_be_repeated(base, command):
    wrong, tried = every_fault(base, 1, ERRORS, command, *COMMANDS[command])
    assert not wrong
    assert tried
