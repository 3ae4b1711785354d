"""A checkpoint of AdaptiveClick, as it is published, loaded, refused and played."""

import importlib
import pathlib
import subprocess
import sys
import types

import kit
import numpy as np
import published
import pytest
import torch

from rclicks_jax.bridge.adapters import adaptiveclick, isegm_settings

CHECKOUTS = {name: kit.checkout(name) for name in ("AdaptiveClick", "rclicks")}
pytestmark = [
    pytest.mark.skipif(
        not all(one.exists() for one in CHECKOUTS.values()),
        reason="no checkouts of AdaptiveClick and RClicks; RCLICKS_CHECKOUTS",
    ),
    # The checkouts' own: a comparison with a number, a docstring, a call.
    pytest.mark.filterwarnings("ignore::SyntaxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
]
OTHER = "isegm.model.is_plainvit_model.PlainVitModel"
WEIGHT = "click_aware_decoder.query_feat.weight"


@pytest.fixture
def network():
    """Returns a network of the method's own checkout, and forgets the checkout."""
    path, before = list(sys.path), set(sys.modules)
    made = importlib.import_module("cases.adaptiveclick").network(original=False)
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "isegm":
            del sys.modules[name]
    return made


@pytest.fixture
def easydict(monkeypatch):
    """Stands for the package whose class the published settings are in."""

    class EasyDict(dict):
        __module__, __qualname__ = "easydict", "EasyDict"

        def __init__(self, items):
            for key, value in items.items():
                self[key] = EasyDict(value) if isinstance(value, dict) else value
            vars(self).update(self)

    module = types.ModuleType("easydict")
    vars(module)["EasyDict"] = EasyDict
    with monkeypatch.context() as here:
        here.setitem(sys.modules, "easydict", module)
        yield EasyDict


@pytest.fixture
def saved(network, easydict, tmp_path):
    """Writes a checkpoint, perhaps changed; returns options."""

    def write(change=lambda content: None, checkout="AdaptiveClick"):
        config = network._config
        cfg = easydict(config["params"]["cfg"]["value"])
        # What the training adds.
        cfg["device"], cfg["EXP_PATH"] = torch.device("cuda:0"), pathlib.Path("runs/0")
        params = {**config["params"], "cfg": {**config["params"]["cfg"], "value": cfg}}
        content = {
            "config": {**config, "params": params},
            "state_dict": dict(network.state_dict()),
        }
        change(content)
        path = tmp_path / "adaptiveclick.pth"
        torch.save(content, path)
        del sys.modules["easydict"]  # Whoever loads it may not have the package.
        return {"checkout": str(CHECKOUTS[checkout]), "checkpoint": str(path)}

    return write


def test_settings_in_classes_of_absent_packages_are_read(saved):
    path = saved()["checkpoint"]
    config = isegm_settings.load(path)["config"]["params"]["cfg"]["value"]
    assert config.MODEL.MASK_FORMER.NHEADS == 4
    assert config.crop_size == (448, 448)
    assert config.EXP_PATH == "runs/0"


@pytest.mark.parametrize("checkout", CHECKOUTS)
def test_a_published_checkpoint_is_loaded_by_either_checkout(network, saved, checkout):
    model = adaptiveclick.load({**saved(checkout=checkout), "device": "cpu"})
    assert model.frame.target == (448, 448)
    assert model.frame.sees_previous
    loaded = model.network.state_dict()
    assert loaded.keys() == network.state_dict().keys()
    for key, value in network.state_dict().items():
        np.testing.assert_array_equal(loaded[key], value)


def test_davis_is_seen_larger_by_interpolated_positions(saved):
    model = adaptiveclick.load({**saved(), "dataset": "DAVIS"})
    assert model.frame.target == (672, 672)
    assert model.network.backbone.pos_embed.shape == (1, 1 + 42 * 42, 32)


def test_no_part_of_a_loaded_network_trains(saved):
    # The class's own `eval` leaves it training.
    parts = list(adaptiveclick.load(saved()).network.children())
    assert parts
    assert not any(one.training for part in parts for one in part.modules())


@pytest.mark.parametrize("checkout", CHECKOUTS)
def test_trajectories_together_answer_as_alone(saved, checkout):
    options = {**saved(checkout=checkout), "target": "224"}
    model = adaptiveclick.load(options)
    assert model.frame.batch == 1
    image = np.random.default_rng(0).integers(0, 256, (61, 90, 3), np.uint8)
    trajectories = kit.clicks_on(image)
    features = adaptiveclick.encode(model, image)
    together, _ = adaptiveclick.predict(
        model, features, kit.batch_of(trajectories, 3), None
    )
    for row, one in enumerate(trajectories):
        alone, _ = adaptiveclick.predict(model, features, kit.batch_of([one], 3), None)
        np.testing.assert_array_equal(together[row], alone[0])


def test_no_compiled_extension_is_asked_for(saved):
    lines = (
        "import sys, importlib, stand_ins",
        "stand_ins.install()",
        "sys.modules['MultiScaleDeformableAttention'] = None",
        "from rclicks_jax.bridge.adapters import adaptiveclick",
        f"adaptiveclick.load({ {**saved(), 'device': 'cpu'}!r})",
    )
    folders = [str(pathlib.Path(__file__).parent), str(kit.ROOT)]
    code = f"import sys; sys.path[:0] = {folders!r}; " + "; ".join(lines)
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2000:]


def _with_a_strange_class(content):
    content["config"]["params"]["cfg"]["value"]["WRITER"] = types.SimpleNamespace()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (published.without(WEIGHT), f"{WEIGHT} is missing"),
        (published.resized(WEIGHT, 2, 3), rf"{WEIGHT} is \(2, 3\), not \(4, 32\)"),
        (published.with_more("neck.weight"), "neck.weight is unknown"),
        (published.of_class(OTHER), "it can be isegm.model.is_adaptiveclick_model"),
        (_with_a_strange_class, "it names types.SimpleNamespace"),
        *published.WRONG_ISEGM,
    ],
)
def test_a_wrong_checkpoint_is_refused(saved, change, message):
    with pytest.raises(ValueError, match=message):
        adaptiveclick.load(saved(change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *published.WRONG_OPTIONS,
        ({"checkout": "/"}, "a folder without isegm/"),
        ({"target": "464"}, "it can be a multiple of 224"),
    ],
)
def test_a_wrong_option_is_refused(saved, changes, message):
    with pytest.raises(ValueError, match=message):
        adaptiveclick.load({**saved(), **changes})
