"""Checkpoints of SimpleClick and CFR-ICL, as published, loaded, refused and played."""

import fractions
import importlib

import kit
import numpy as np
import published
import pytest
import torch

from rclicks_jax.bridge.adapters import cfr_icl, simpleclick

CHECKOUT = kit.checkout("SimpleClick")
pytestmark = [
    pytest.mark.skipif(
        not CHECKOUT.exists(), reason="no checkout of SimpleClick; RCLICKS_CHECKOUTS"
    ),
    # The checkout's own call of it.
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
]
WEIGHT = "head.conv_seg.weight"


@pytest.fixture
def case():
    return importlib.import_module("cases.simpleclick")


@pytest.fixture
def network(case):
    return case.network(original=False)


@pytest.fixture
def saved(network, tmp_path):
    """Writes a checkpoint, perhaps changed; returns options."""

    return published.writer(
        tmp_path / "vit.pth",
        lambda: published.of_isegm(network),
        checkout=str(CHECKOUT),
    )


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (230, 310, 3), np.uint8)


def test_a_published_checkpoint_is_loaded_with_the_loss_among_its_settings(
    network, saved
):
    assert "loss_decode" in network._config["params"]["head_params"]["value"]
    model = simpleclick.load({**saved(), "batch": "5", "device": "cpu"})
    assert model.frame.target == model.frame.fixed == (448, 448)
    assert model.frame.batch == 5
    assert model.frame.sees_previous
    assert not model.network.training
    for key, value in network.state_dict().items():
        if not key.endswith("pos_embed"):
            np.testing.assert_array_equal(model.network.state_dict()[key], value)


@pytest.mark.parametrize(
    ("options", "side"),
    [({}, 448), ({"dataset": "DAVIS"}, 672), ({"target": 256}, 256)],
)
def test_positions_are_interpolated_as_the_checkout_does(
    network, saved, case, monkeypatch, options, side
):
    monkeypatch.setattr(case, "SIDE", side)
    texts = {key: str(value) for key, value in options.items()}
    loaded = simpleclick.load({**saved(), **texts}).network.backbone
    expected = case.interpolated(network).backbone
    assert loaded.patch_embed.grid_size == (side // 32, side // 32)
    assert torch.equal(loaded.pos_embed, expected.pos_embed)
    assert not loaded.pos_embed.requires_grad


def test_zoom_and_flip_can_be_left_out(saved, image):
    options = {**saved(), "zoom": "no", "flip": "no"}
    model = simpleclick.load(options)
    assert model.frame.crops is None
    assert not model.frame.flip
    assert kit.play(simpleclick, model, image).shape == (3, 5, 230, 310)


def _of_four_blocks(content):
    content["config"]["params"]["backbone_params"]["value"]["depth"] = 4


def _of_a_strange_object(content):
    content["epoch"] = fractions.Fraction(1, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (published.without(WEIGHT), f"{WEIGHT} is missing"),
        (published.resized(WEIGHT, 1, 2), rf"{WEIGHT} is \(1, 2\)"),
        *published.WRONG_ISEGM,
        (_of_four_blocks, "backbone.blocks.4.attn.proj.bias is unknown"),
        (_of_a_strange_object, "it names fractions.Fraction"),
    ],
)
def test_a_wrong_checkpoint_is_refused(saved, change, message):
    with pytest.raises(ValueError, match=message):
        simpleclick.load(saved(change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *published.WRONG_OPTIONS,
        ({"checkout": "/"}, "a folder without isegm/"),
        ({"cascade": "1"}, "unknown options: cascade"),
        ({"target": "100"}, "target is 100, which windows of about 7 patches of 32"),
        ({"target": "544"}, "it can be a multiple of 224"),
    ],
)
def test_a_wrong_option_is_refused(saved, changes, message):
    with pytest.raises(ValueError, match=message):
        simpleclick.load({**saved(), **changes})


def test_a_cascade_is_rclicks_unless_set(saved):
    model = cfr_icl.load(saved())
    assert (model.cascade, model.adaptive, model.cascade_clicks) == (1, False, 1)
    options = {"cascade": "4", "adaptive": "yes", "cascade_clicks": "2"}
    model = cfr_icl.load({**saved(), **options})
    assert (model.cascade, model.adaptive, model.cascade_clicks) == (4, True, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cascade": "-1"}, "option cascade is '-1'; it can be a whole number from 0"),
        ({"adaptive": "4"}, "option adaptive is '4'; it can be yes, no"),
        ({"cascades": "4"}, "unknown options: cascades"),
    ],
)
def test_a_wrong_option_of_a_cascade_is_refused(saved, changes, message):
    with pytest.raises(ValueError, match=message):
        cfr_icl.load({**saved(), **changes})


def test_trajectories_in_one_pass_equal_those_alone(saved, image):
    options = {**saved(), "cascade": "2"}
    together = kit.play(cfr_icl, cfr_icl.load({**options, "batch": "3"}), image)
    alone = kit.play(cfr_icl, cfr_icl.load({**options, "batch": "1"}), image)
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)


def test_only_trajectories_with_few_clicks_have_a_cascade(saved, image):
    model = cfr_icl.load({**saved(), "cascade": "2", "cascade_clicks": "2"})
    features = cfr_icl.encode(model, image)
    clicks = kit.batch_of(kit.clicks_on(image), 3)
    mixed = clicks._replace(count=np.array([1, 3, 2], np.int32))
    answers, state = cfr_icl.predict(model, features, mixed, None)
    assert torch.equal(answers, state["probabilities"])
    for row, passes in enumerate((3, 1, 3)):
        one = kit.Clicks(*(array[[row]] for array in mixed))
        alone, before = None, None
        for _ in range(passes):
            alone, before = simpleclick.predict(model, features, one, before)
        np.testing.assert_allclose(answers[row], alone[0], rtol=0, atol=1e-5)
        assert state["crop"][row].tolist() == before["crop"][0].tolist()
