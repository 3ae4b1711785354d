"""Folders of SAM and SAM-HQ that `save_pretrained` wrote, loaded or refused."""

import importlib
import json

import kit
import numpy as np
import published
import pytest
import torch

# Here, before other tests stand in for torchvision, which transformers would believe.
from transformers import SamHQModel, SamModel

from rclicks_jax.bridge.adapters import transformers_sam

TOKEN = "mask_decoder.iou_token.weight"
KINDS = {"transformers_sam": SamModel, "transformers_sam_hq": SamHQModel}


@pytest.fixture(params=KINDS)
def case(request):
    return importlib.import_module(f"cases.{request.param}")


@pytest.fixture
def saved(case, tmp_path):
    """Writes a folder, its weights perhaps changed; returns the options for it."""

    def write(change=lambda weights: None):
        from safetensors.torch import load_file, save_file

        case.as_it_is().save_pretrained(tmp_path)
        path = tmp_path / "model.safetensors"
        weights = load_file(path)
        change(weights)
        save_file(weights, path, metadata={"format": "pt"})
        return {"checkpoint": str(tmp_path), "device": "cpu"}

    return write


def test_a_folder_is_loaded_as_what_it_is(case, saved):
    model = transformers_sam.load({**saved(), "batch": "3"}, kit.STRICT)
    assert type(model.network) is KINDS[case.__name__.rpartition(".")[2]]
    assert model[1:] == (False, 3)
    assert transformers_sam.load(saved()).drop_mask_prompt
    assert not model.network.training
    for key, value in case.as_it_is().state_dict().items():
        np.testing.assert_array_equal(model.network.state_dict()[key], value)


def test_a_loaded_network_answers_as_the_original_does(case, saved):
    loaded = transformers_sam.load(saved())
    expected = case.model(case.network(original=False))
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    answers = []
    for model in (loaded, expected):
        features = transformers_sam.encode(model, image)
        clicks = kit.batch_of([[(20, 30, True)]], 1)
        answers.append(transformers_sam.predict(model, features, clicks, None)[0])
    np.testing.assert_array_equal(*answers)


def test_layer_norms_of_a_loaded_decoder_add_what_the_original_adds(saved):
    # What it moves is below what golden files show.
    layers = transformers_sam.load(saved()).network.mask_decoder.transformer.layers
    norms = [part for part in layers.modules() if type(part) is torch.nn.LayerNorm]
    assert {norm.eps for norm in norms} == {1e-5}
    assert len(norms) == 4 * len(layers)


def test_half_precision_is_computed_in_single(saved, tmp_path):
    def halve(weights):
        weights.update({key: value.half() for key, value in weights.items()})
        config = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(
            json.dumps({**config, "dtype": "float16"})
        )

    network = transformers_sam.load(saved(halve)).network
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (published.without(TOKEN), f"1 weights .* such as {TOKEN}"),
        (published.resized(TOKEN, 1, 2), "cannot be loaded"),
        (published.with_more("mask_decoder.other"), "1 .* such as mask_decoder.other"),
    ],
)
def test_wrong_weights_are_refused(saved, change, message):
    with pytest.raises(ValueError, match=message):
        transformers_sam.load(saved(change))


def test_another_network_is_refused(saved, tmp_path):
    options = saved()
    config = {"model_type": "bert"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="is a bert; it can be sam, sam_hq"):
        transformers_sam.load(options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpoint": ""}, "option checkpoint is missing"),
        ({"checkpoint": "no/such/folder"}, "'no/such/folder', which cannot be loaded"),
        ({"variant": "vit_b"}, "unknown options: variant"),
        ({"protocol": "strict"}, "unknown options: protocol"),
    ],
)
def test_a_wrong_option_is_refused(saved, changes, message):
    with pytest.raises(ValueError, match=message):
        transformers_sam.load({**saved(), **changes})
