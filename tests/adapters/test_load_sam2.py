"""Checkpoints of SAM 2 and 2.1 as they are published, loaded and refused."""

import importlib
import inspect

import kit
import numpy as np
import published
import pytest
import torch

from rclicks_jax.bridge.adapters import checkouts, sam2

CHECKOUT = kit.checkout("sam2")
pytestmark = pytest.mark.skipif(
    not CHECKOUT.exists(), reason="no checkout of SAM 2; RCLICKS_CHECKOUTS says where"
)
TOKEN = "sam_mask_decoder.iou_token.weight"


@pytest.fixture(params=["sam2", "sam2_1"])
def case(request):
    return importlib.import_module(f"cases.{request.param}")


@pytest.fixture
def built(case, monkeypatch):
    """Makes the package build small networks; lists what it was told to build."""
    build = checkouts.find("sam2.build_sam:build_sam2")
    small = importlib.import_module("sam2_parts").overrides(case.TRUNK)
    configs = []

    def build_small(config, device):
        configs.append(config)
        return build(config, device=device, hydra_overrides_extra=small)

    monkeypatch.setattr("sam2.build_sam.build_sam2", build_small)
    return configs


@pytest.fixture
def network(case):
    checkouts.use(str(CHECKOUT), "sam2")
    return case.network(original=False)


@pytest.fixture
def saved(case, network, built, tmp_path):
    """Writes a checkpoint, perhaps changed; returns the options for it."""

    return published.writer(
        tmp_path / "sam2.pt",
        lambda: {"model": dict(network.state_dict())},
        checkout=str(CHECKOUT),
        variant="sam2_hiera_tiny" if case.SEED == 63 else "sam2.1_hiera_large",
        device="cpu",
    )


def test_a_published_checkpoint_is_loaded(network, saved):
    model = sam2.load({**saved(), "batch": "3"}, kit.STRICT)
    assert model[1:] == (False, 3, 32.0)
    assert sam2.load(saved()).drop_mask_prompt
    assert not model.network.training
    for key, value in network.state_dict().items():
        np.testing.assert_array_equal(model.network.state_dict()[key], value)


def test_a_variant_is_built_by_the_configuration_of_its_name(saved, built):
    options = saved()
    sam2.load(options)
    version, _, size = options["variant"].split("_")
    letter = {"tiny": "t", "large": "l"}[size]
    assert built == [f"configs/{version}/{version}_hiera_{letter}.yaml"]


def test_a_loaded_network_falls_back_where_the_mask_is_unstable(saved):
    decoder = sam2.load(saved()).network.sam_mask_decoder
    assert decoder.dynamic_multimask_via_stability
    assert decoder.dynamic_multimask_stability_delta == 0.05
    assert decoder.dynamic_multimask_stability_thresh == 0.98


def test_every_variant_is_known_by_its_weights():
    checkouts.use(str(CHECKOUT), "sam2")
    names = checkouts.find("sam2.build_sam:HF_MODEL_ID_TO_FILENAMES")
    compose = checkouts.find("hydra:compose")
    hiera = checkouts.find("sam2.modeling.backbones.hieradet:Hiera")
    usual = inspect.signature(hiera).parameters["stages"].default
    for config, file in names.values():
        settings = compose(config_name=config).model
        trunk = settings.image_encoder.trunk
        stem = "image_encoder.trunk.patch_embed.proj.weight"
        weights = {stem: torch.zeros(trunk.embed_dim, 3, 7, 7)}
        for block in range(sum(trunk.get("stages", usual))):
            weights[f"image_encoder.trunk.blocks.{block}.norm1.weight"] = None
        if settings.get("no_obj_embed_spatial"):
            weights["no_obj_embed_spatial"] = None
        variant = sam2.variant_of(weights, file)
        assert f"{variant}.pt" == file
        assert sam2.config_of(variant) == config


@pytest.mark.parametrize("variant", ["sam2_hiera_tiny", "sam2.1_hiera_tiny"])
def test_a_network_of_full_size_is_known_by_its_weights(variant):
    checkouts.use(str(CHECKOUT), "sam2")
    build = checkouts.find("sam2.build_sam:build_sam2")
    weights = build(sam2.config_of(variant), device="cpu").state_dict()
    assert sam2.variant_of(weights, "") == variant


def _without_its_frame(content):
    content.update(content.pop("model"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (published.without(TOKEN), f"{TOKEN} is missing"),
        (published.resized(TOKEN, 1, 2), rf"{TOKEN} is \(1, 2\), not \(1, 32\)"),
        (published.with_more("other"), "other is unknown"),
        (_without_its_frame, "has no `model`: it is not a checkpoint of SAM 2"),
    ],
)
def test_a_wrong_checkpoint_is_refused(saved, change, message):
    with pytest.raises(ValueError, match=message):
        sam2.load(saved(change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *published.WRONG_OPTIONS,
        ({"checkout": "/"}, "a folder without sam2/"),
        ({"variant": "tiny"}, "option variant is 'tiny'; it can be auto, sam2_hiera_"),
        ({"variant": "auto"}, "is 16 wide and has . blocks; variants of SAM 2"),
    ],
)
def test_a_wrong_option_is_refused(saved, changes, message):
    with pytest.raises(ValueError, match=message):
        sam2.load({**saved(), **changes})
