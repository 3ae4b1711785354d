"""Specs are checked before anything is loaded."""

import pathlib
import sys

import pytest

from rclicks_jax import errors
from rclicks_jax.clicks import click_models
from rclicks_jax.segmenters import bridged, load, specs

GOOD = "def load(o): ...\ndef encode(m, i): ...\ndef predict(m, f, c, s): ...\n"


@pytest.fixture(autouse=True)
def nothing_is_started(monkeypatch):
    def start(*_):
        raise AssertionError("a worker was started")

    monkeypatch.setattr(bridged.client, "WorkerClient", start)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("mine.py").write_text(GOOD + "raise SystemExit\n")
    pathlib.Path("broken.py").write_text("def load(:\n")
    pathlib.Path("half.py").write_text("def load(o): ...\n")
    pathlib.Path("starred.py").write_text("from elsewhere import *\n")
    pathlib.Path("weights.pth").write_bytes(b"")
    pathlib.Path("code").mkdir()


SAM = f"sam:checkpoint=weights.pth:checkout=code:python={sys.executable}"


@pytest.mark.parametrize(
    "spec",
    [
        "random_walker:grid=48",
        "noisy",
        "mine.py:any=thing",
        "starred.py",
        "bridge:adapter=mine.py:workers=2:any=thing",
        f"bridge:adapter=ritm:python={sys.executable}",
        f"bridge:command={sys.executable} worker.py",
        SAM,
        f"transformers_sam:checkpoint=facebook/sam-vit-base:python={sys.executable}",
    ],
)
def test_what_can_be_loaded_passes(files, spec):
    specs.check(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("random_walkr", r"Do you mean random_walker\?.*FILE\.py.*bridge:adapter=FILE"),
        ("mine", r"'mine'\. Known: .*Your own is FILE\.py"),
        ("random_walker:gird=48", "Settings of RandomWalker: got gird"),
        ("random_walker:grid=wide", "grid: got 'wide'"),
        ("mine.p:y", "key=value"),
        ("nime.py", r"nime\.py does not exist\. Do you mean mine\.py\?"),
        ("no/mine.py", r"does not exist\. There is no folder no\."),
        ("broken.py", r"broken\.py is not Python \(line 1\)"),
        ("half.py", "lacks encode, predict"),
        ("bridge", "adapter=FILE.py or command=PROGRAM"),
        ("bridge:adapter=nime.py", r"Do you mean mine\.py"),
        ("bridge:adapter=half.py", "lacks encode, predict"),
        ("bridge:adapter=rittm", r"Unknown adapter 'rittm'\. Do you mean ritm\?"),
        ("bridge:adapter=mine.py:python=/no/python", "there is no such program"),
        ("bridge:command=/no/worker", "there is no such program"),
        ("bridge:adapter=mine.py:workers=0", "Option workers: got '0'"),
        ("bridge:adapter=mine.py:timeout=x", "Option timeout: got 'x'"),
        (SAM.replace("weights.pth", "wieghts.pth"), r"Do you mean weights\.pth\?"),
        (SAM.replace("checkout=code", "checkout=./cod"), r"Do you mean code\?"),
        (SAM + ":varaint=a", r"'varaint'\. Do you mean variant\?"),
        (SAM.replace(sys.executable, "/no/python"), "there is no such program"),
    ],
)
def test_what_cannot_be_loaded_is_told(files, spec, message):
    with pytest.raises(errors.RClicksError, match=message):
        specs.check(spec)


def test_all_that_is_wrong_is_told_at_once(files):
    specs.check_all(["noisy", "mine.py"])
    told = r"2 of 3 segmenters[\s\S]*\nhalf\.py: .*lacks[\s\S]*\nnosy: .*noisy"
    with pytest.raises(errors.SegmenterError, match=told):
        specs.check_all(["half.py", "noisy", "nosy"])
    with pytest.raises(errors.BadValueError, match="Segmenters: got none"):
        specs.check_all([])


def test_loading_an_unknown_name_suggests():
    with pytest.raises(errors.UnknownNameError, match="Do you mean grabcut"):
        load.load("grabcat")


@pytest.mark.parametrize("spec", ["UD", "DT", "sample", "SM:source=spectral_residual"])
def test_click_models_that_can_be_loaded_pass(spec):
    click_models.check(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("XY", "Unknown click model 'XY'"),
        ("code", "is not a model folder"),
        ("DT:x=1", "Click model DT"),
        ("SM", "no saliency model"),
        ("SM:source=spectral", "saliency source"),
        ("SM:adapter=nowhere.py", r"There is no adapter nowhere\.py"),
        ("SI:adapter=mine.py:python=/no/python", "there is no such program"),
        ("SI:adapter=mine.py:timeout=0", "Option timeout"),
    ],
)
def test_click_models_that_cannot_be_loaded_are_told(files, spec, message):
    with pytest.raises(errors.RClicksError, match=message):
        click_models.check(spec)
