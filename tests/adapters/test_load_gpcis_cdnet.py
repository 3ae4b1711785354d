"""Checkpoints of GPCIS and CDNet, as they are published, loaded and refused."""

import importlib

import kit
import numpy as np
import published
import pytest
import torch

from rclicks_jax.bridge.adapters import cdnet, gpcis

ADAPTERS = {"gpcis": gpcis, "cdnet": cdnet}
WEIGHT = "maps_transform.3.scale"
BOTH = pytest.mark.parametrize("name", sorted(ADAPTERS))
# The checkouts call it the old way.
pytestmark = pytest.mark.filterwarnings("ignore:torch.meshgrid")


@pytest.fixture
def built():
    """Builds the small network of a case, by its own checkout or RClicks's."""

    def build(name, original=False):
        case = importlib.import_module(f"cases.{name}")
        for needed in (case.CHECKOUT, *(["rclicks"] if original else [])):
            if not kit.checkout(needed).exists():
                pytest.skip(f"no checkout {needed}; RCLICKS_CHECKOUTS says where")
        return case.network(original)

    return build


@pytest.fixture
def saved(built, tmp_path):
    """Writes a checkpoint, perhaps changed; returns the options to load it."""

    def write(name, change=lambda content: None, original=False):
        network = built(name, original)
        case = importlib.import_module(f"cases.{name}")
        checkout = kit.checkout("rclicks" if original else case.CHECKOUT)
        return published.writer(
            tmp_path / "last_checkpoint.pth",
            lambda: published.of_isegm(network),
            checkout=str(checkout),
        )(change)

    return write


@BOTH
def test_a_published_checkpoint_is_loaded(name, saved):
    options = saved(name)
    model = ADAPTERS[name].load(options)
    assert model.frame.sees_previous == (name == "gpcis")
    expected = torch.load(options["checkpoint"], weights_only=True)["state_dict"]
    for key, value in expected.items():
        np.testing.assert_array_equal(model.network.state_dict()[key], value)


def test_rclicks_calls_the_class_of_cdnet_by_another_name(saved):
    renamed = published.of_class("isegm.model.is_deeplab_model.DeeplabModel")
    model = cdnet.load(saved("cdnet", renamed, original=True))
    assert type(model.network).__module__ == "isegm.model.is_cdnet_deeplab_model"


@BOTH
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (published.without(WEIGHT), f"{WEIGHT} is missing"),
        (published.with_more("more"), "more is unknown"),
        (published.resized(WEIGHT, 2), rf"{WEIGHT} is \(2,\), not \(1,\)"),
        *published.WRONG_ISEGM,
    ],
)
def test_a_wrong_checkpoint_is_refused(name, saved, change, message):
    with pytest.raises(ValueError, match=message):
        ADAPTERS[name].load(saved(name, change))


def test_a_cdnet_that_takes_a_last_mask_is_refused(saved):
    def with_last_mask(content):
        params = content["config"]["params"]
        params["with_prev_mask"] = {**params["with_prev_mask"], "value": True}
        key = "maps_transform.0.weight"
        weight = content["state_dict"][key]
        content["state_dict"][key] = torch.cat([weight, weight[:, :1]], dim=1)

    with pytest.raises(ValueError, match="takes a last mask; a CDNet does not"):
        cdnet.load(saved("cdnet", with_last_mask))


@BOTH
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *published.WRONG_OPTIONS,
        ({"checkout": "/"}, "a folder without isegm/"),
        ({"target": "big"}, "a whole number from 1"),
    ],
)
def test_a_wrong_option_is_refused(name, saved, changes, message):
    with pytest.raises(ValueError, match=message):
        ADAPTERS[name].load({**saved(name), **changes})


@pytest.fixture
def clicked_twice(built):
    """A small GPCIS, a photograph, and two clicks on one pixel beside two apart."""
    case = importlib.import_module("cases.gpcis")
    network = built("gpcis").requires_grad_(False)
    # From here on 1e-7 is lost beside what is on the diagonal.
    network.weights.fill_(2)
    model = case.model(network, crops=None)
    image = np.random.default_rng(1).integers(0, 256, (96, 96, 3), np.uint8)
    yx = np.array([[[30, 40], [30, 40]], [[30, 40], [60, 50]]])
    on = np.ones((2, 2), bool)
    return model, image, kit.Clicks(yx, on, np.array([2, 2]))


def _watched(model):
    """Returns the model, and a list of the passes its network has answered."""
    network, passes = model.network, []

    class Watched:
        def set_status(self, training):
            network.set_status(training)
            self.eps2 = network.eps2

        def __call__(self, inputs, points):
            network.eps2 = self.eps2
            answer = network(inputs, points)
            passes.append((len(inputs), self.eps2))
            return answer

    return model._replace(network=Watched()), passes


@pytest.mark.parametrize("batch", [1, 2])
def test_only_clicks_on_one_pixel_have_twice_the_epsilon(clicked_twice, batch):
    model, image, clicks = clicked_twice
    frame = model.frame._replace(batch=batch)
    model, passes = _watched(model._replace(frame=frame))
    answer, _ = gpcis.predict(model, gpcis.encode(model, image), clicks, None)
    assert passes == [(1, 2e-7), (1, 1e-7)]
    assert np.isfinite(answer.numpy()).all()
