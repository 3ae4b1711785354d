import pathlib
import sys

import pytest
import told_adapter
from told_adapter import told

from rclicks_jax import cache as user_cache
from rclicks_jax import errors
from rclicks_jax.bridge.switches import PAPER, Switches
from rclicks_jax.segmenters import bridged, environments, load, methods
from rclicks_jax.settings import protocols


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(user_cache.VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def stand_in(monkeypatch):
    """Runs a small file instead of an adapter; keeps the options of each worker."""
    adapter = told_adapter.__file__
    asked = []
    real = bridged.BridgedSegmenter

    class Recorded(real):
        def __init__(self, options, protocol):
            asked.append(dict(options))
            super().__init__({**options, "adapter": adapter}, protocol)

    monkeypatch.setattr(bridged, "BridgedSegmenter", Recorded)
    return asked


@pytest.fixture
def spec(tmp_path):
    (tmp_path / "sam.pth").write_bytes(b"weights")
    (tmp_path / "sam").mkdir()
    return f"sam:checkpoint={tmp_path}/sam.pth:checkout={tmp_path}/sam"


def test_a_method_without_its_environment_says_how_to_make_it(spec):
    with pytest.raises(errors.SegmenterError, match=r"rclicks-segmenters env sam.*pyt"):
        load.load(spec)


def test_a_python_that_is_given_wins(spec, stand_in):
    assert told(load.load(f"{spec}:python={sys.executable}", 11)) == PAPER
    assert stand_in[0]["adapter"] == "sam"
    assert stand_in[0]["python"] == sys.executable


def test_an_environment_that_was_made_is_used(spec, stand_in, monkeypatch):
    python = pathlib.Path(sys.executable)
    wanted = methods.find("sam").environment
    monkeypatch.setattr(
        environments, "find", lambda environment: python if environment == wanted else 0
    )
    assert told(load.load(spec)) == PAPER
    assert stand_in[0]["python"] == sys.executable


def test_the_protocol_of_the_run_reaches_the_method(spec, stand_in):
    segmenter = load.load(f"{spec}:python={sys.executable}", protocol=protocols.STRICT)
    assert told(segmenter) == Switches(False, False)
    assert {*segmenter.description["options"]} == {"checkpoint", "checkout"}


def test_a_method_is_named_and_recorded_without_paths(spec, stand_in, tmp_path):
    segmenter = load.load(f"{spec}:python={sys.executable}:device=cpu")
    segmenter.close()
    assert segmenter.description["name"] == "sam"
    assert str(tmp_path) not in str(segmenter.description)
    assert "device" not in segmenter.description["options"]
    assert stand_in[0]["device"] == "cpu"


@pytest.mark.parametrize("option", ["adapter=x", "command=x", "checkpiont=x"])
def test_unknown_options_are_refused_before_a_worker_is_started(spec, stand_in, option):
    name = option.partition("=")[0]
    with pytest.raises(errors.UnknownNameError, match=f"option of sam '{name}'"):
        load.load(f"{spec}:{option}")
    assert stand_in == []
