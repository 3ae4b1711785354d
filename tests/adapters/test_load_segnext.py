"""A checkpoint of SegNext, as it is published, loaded, refused and played."""

import importlib

import kit
import numpy as np
import published
import pytest
import torch

from rclicks_jax.bridge.adapters import segnext

CHECKOUT = kit.checkout("SegNext")
pytestmark = [
    pytest.mark.skipif(
        not CHECKOUT.exists(), reason="no checkout of SegNext; RCLICKS_CHECKOUTS"
    ),
    # The checkout's own call of it.
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
]
WEIGHT = "fusion_blocks.1.attn.qkv.weight"


@pytest.fixture
def network():
    """Returns a network with two fusion blocks, as `vitb_sax2` has."""
    return importlib.import_module("cases.segnext").build(side=224, depth=2)


@pytest.fixture
def saved(network, tmp_path):
    """Writes a checkpoint, perhaps changed; returns options."""

    return published.writer(
        tmp_path / "segnext.pth",
        lambda: published.of_isegm(network),
        checkout=str(CHECKOUT),
    )


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*s, 3), np.uint8) for s in ((61, 90), (77, 40))]


def test_a_published_checkpoint_is_loaded(network, saved):
    model = segnext.load({**saved(), "batch": "5", "device": "cpu"})
    assert model.batch == 5
    assert model.network.target_length == 224
    assert not model.network.training
    for key, value in network.state_dict().items():
        np.testing.assert_array_equal(model.network.state_dict()[key], value)


def test_the_folder_of_the_package_is_a_checkout_too(network, saved):
    model = segnext.load({**saved(), "checkout": str(CHECKOUT / "segnext")})
    assert len(model.network.fusion_blocks) == 2


def _of_a_single_block(content):
    content["config"]["params"]["fusion_params"]["value"]["depth"] = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (published.without(WEIGHT), f"{WEIGHT} is missing"),
        (published.resized(WEIGHT, 1, 2), rf"{WEIGHT} is \(1, 2\)"),
        *published.WRONG_ISEGM,
        (_of_a_single_block, "fusion_blocks.1.attn.proj.bias is unknown"),
    ],
)
def test_a_wrong_checkpoint_is_refused(saved, change, message):
    with pytest.raises(ValueError, match=message):
        segnext.load(saved(change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *published.WRONG_OPTIONS,
        ({"checkout": "/"}, "a folder without isegm/"),
        ({"flip": "no"}, "unknown options: flip"),
    ],
)
def test_a_wrong_option_is_refused(saved, changes, message):
    with pytest.raises(ValueError, match=message):
        segnext.load({**saved(), **changes})


def test_a_photograph_is_answered_at_its_size_when_another_was_encoded_since(
    network, images
):
    model = segnext.Model(network)
    clicks = kit.batch_of(kit.clicks_on(images[0]), 2)
    alone = segnext.encode(model, images[0])
    expected, _ = segnext.predict(model, alone, clicks, None)
    segnext.encode(model, images[1])
    again, _ = segnext.predict(model, alone, clicks, None)
    assert again.shape == (3, 61, 90)
    assert torch.equal(again, expected)


def test_trajectories_in_one_pass_equal_those_alone(network, images):
    together = kit.play(segnext, segnext.Model(network, batch=3), images[0])
    alone = kit.play(segnext, segnext.Model(network, batch=1), images[0])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)


def test_trajectories_with_other_numbers_of_clicks_go_together(network, images):
    model = segnext.Model(network, batch=3)
    features = segnext.encode(model, images[0])
    clicks = kit.batch_of(kit.clicks_on(images[0]), 5)
    some = clicks._replace(count=np.array([1, 5, 3], np.int32))
    answers, _ = segnext.predict(model, features, some, None)
    for row, count in enumerate(some.count):
        first = kit.Clicks(
            clicks.yx[[row], :count], clicks.positive[[row], :count], some.count[[row]]
        )
        alone, _ = segnext.predict(model, features, first, None)
        np.testing.assert_allclose(answers[row], alone[0], rtol=0, atol=1e-5)
