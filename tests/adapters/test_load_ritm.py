"""A checkpoint of RITM, as it is published, loaded and refused."""

import importlib

import kit
import numpy as np
import published
import pytest

from rclicks_jax.bridge.adapters import ritm

CHECKOUT = kit.checkout("ritm_interactive_segmentation")
pytestmark = pytest.mark.skipif(
    not CHECKOUT.exists(), reason="no checkout of RITM; RCLICKS_CHECKOUTS says where"
)
WEIGHT = "feature_extractor.aux_head.0.weight"


@pytest.fixture
def network():
    return importlib.import_module("cases.ritm").network(original=False)


@pytest.fixture
def saved(network, tmp_path):
    """Writes a checkpoint, perhaps changed; returns options."""

    return published.writer(
        tmp_path / "ritm.pth",
        lambda: published.of_isegm(network),
        checkout=str(CHECKOUT),
    )


def test_a_published_checkpoint_is_loaded(network, saved):
    model = ritm.load(saved())
    assert model.frame.sees_previous
    for key, value in network.state_dict().items():
        np.testing.assert_array_equal(model.network.state_dict()[key], value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (published.without(WEIGHT), f"{WEIGHT} is missing"),
        (published.resized(WEIGHT, 1, 2, 3, 4), rf"{WEIGHT} is \(1, 2, 3, 4\)"),
        *published.WRONG_ISEGM,
    ],
)
def test_a_wrong_checkpoint_is_refused(saved, change, message):
    with pytest.raises(ValueError, match=message):
        ritm.load(saved(change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *published.WRONG_OPTIONS,
        ({"checkout": "/"}, "a folder without isegm/"),
        ({"target": "big"}, "a whole number from 1"),
        ({"flip": "maybe"}, "it can be yes, no"),
    ],
)
def test_a_wrong_option_is_refused(saved, changes, message):
    with pytest.raises(ValueError, match=message):
        ritm.load({**saved(), **changes})


def test_a_file_that_is_no_checkpoint_is_refused(saved, tmp_path):
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(ValueError, match="cannot be read as a checkpoint"):
        ritm.load({**saved(), "checkpoint": str(tmp_path / "text.pth")})
