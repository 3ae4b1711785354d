import pathlib
import sys

import numpy as np
import pytest

from rclicks_jax import cache as user_cache
from rclicks_jax import errors
from rclicks_jax.segmenters import bridged, environments, load, methods
from rclicks_jax.types import Clicks

# Of the options of `sam`, with what they are written into.
STAND_IN = """
import numpy as np
def load(options): return options
def encode(model, image): return image.shape[:2]
def predict(model, shape, clicks, state):
    strict = model["protocol"] == "strict"
    return np.full((len(clicks.count), *shape), strict), None
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(user_cache.VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Runs a small file instead of an adapter; keeps the options of each worker."""
    adapter = tmp_path / "adapter.py"
    adapter.write_text(STAND_IN)
    asked = []
    real = bridged.BridgedSegmenter

    class Recorded(real):
        def __init__(self, options):
            asked.append(dict(options))
            super().__init__({**options, "adapter": str(adapter)})

    monkeypatch.setattr(bridged, "BridgedSegmenter", Recorded)
    return asked


@pytest.fixture
def spec(tmp_path):
    (tmp_path / "sam.pth").write_bytes(b"weights")
    (tmp_path / "sam").mkdir()
    return f"sam:checkpoint={tmp_path}/sam.pth:checkout={tmp_path}/sam"


def answer(segmenter):
    features = segmenter.encode(np.zeros((4, 5, 3), np.uint8))
    session = segmenter.start(features, [np.zeros((4, 5), bool)])
    one = np.ones(1, np.int32)
    clicks = Clicks(np.zeros((1, 1, 2), np.int32), np.ones((1, 1), bool), one)
    masks = session.predict(np.arange(1), clicks)
    segmenter.close()
    return bool(masks.all())


def test_a_method_without_its_environment_says_how_to_make_it(spec):
    with pytest.raises(errors.SegmenterError, match=r"rclicks-segmenters env sam.*pyt"):
        load.load(spec)


def test_a_python_that_is_given_wins(spec, stand_in):
    assert answer(load.load(f"{spec}:python={sys.executable}", 11, "strict"))
    assert stand_in[0]["adapter"] == "sam"
    assert stand_in[0]["python"] == sys.executable


def test_an_environment_that_was_made_is_used(spec, stand_in, monkeypatch):
    python = pathlib.Path(sys.executable)
    wanted = methods.find("sam").environment
    monkeypatch.setattr(
        environments, "find", lambda environment: python if environment == wanted else 0
    )
    assert not answer(load.load(spec, protocol="paper"))
    assert stand_in[0]["python"] == sys.executable


@pytest.mark.parametrize(
    ("given", "run", "expected"),
    [("", "strict", True), ("", "paper", False), (":protocol=paper", "strict", False)],
)
def test_the_protocol_of_the_run_reaches_the_method(
    spec, stand_in, given, run, expected
):
    segmenter = load.load(f"{spec}:python={sys.executable}{given}", protocol=run)
    assert segmenter.description["options"]["protocol"] == (
        "strict" if expected else "paper"
    )
    assert answer(segmenter) == expected


def test_a_method_is_named_and_recorded_without_paths(spec, stand_in, tmp_path):
    segmenter = load.load(f"{spec}:python={sys.executable}:protocol=paper:device=cpu")
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
