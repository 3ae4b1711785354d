"""Folders of SAM 2 and of SAM 3's tracker by `save_pretrained`, loaded or refused."""

import importlib
import json

import kit
import numpy as np
import pytest
import torch

# Here, before other tests stand in for torchvision, which transformers would believe.
from transformers import (
    Sam2Model,
    Sam2VideoConfig,
    Sam2VideoModel,
    Sam3TrackerModel,
    Sam3VideoConfig,
    Sam3VisionModel,
)

from rclicks_jax.bridge.adapters import transformers_sam2, transformers_sam3

KINDS = {
    "transformers_sam2": (Sam2Model,),
    "transformers_sam3": (Sam3TrackerModel, Sam3VisionModel),
}
TOKEN = "mask_decoder.iou_token.weight"
TWINS = (
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.shared_embedding.positional_embedding",
)


@pytest.fixture(params=KINDS)
def case(request):
    return importlib.import_module(f"cases.{request.param}")


@pytest.fixture
def network(case):
    return case.network(original=False)


@pytest.fixture
def saved(network, tmp_path):
    """Writes a folder, its weights perhaps changed; returns the options for it."""

    def write(change=lambda weights: None):
        network.save_pretrained(tmp_path)
        rewrite(tmp_path, change)
        return {"checkpoint": str(tmp_path), "device": "cpu"}

    return write


def rewrite(folder, change):
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def drop(weights, name):
    # Files of SAM 3 put the names of a whole before its own.
    (held,) = (key for key in weights if key.endswith(name))
    return weights.pop(held)


def same_weights(network, expected):
    for key, value in expected.state_dict().items():
        np.testing.assert_array_equal(network.state_dict()[key], value, key)


def test_a_folder_is_loaded(case, network, saved):
    model = case.adapter.load({**saved(), "batch": "3"}, kit.STRICT)
    assert type(model.network) is KINDS[case.__name__.rpartition(".")[2]][0]
    expected = case.model(network)._replace(drop_mask_prompt=False, batch=3)
    assert model[1:] == expected[1:]
    assert case.adapter.load(saved()).drop_mask_prompt
    assert not model.network.training
    same_weights(model.network, network)


def test_a_loaded_network_falls_back_where_the_mask_is_unstable(case, saved):
    decoder = case.adapter.load(saved()).network.mask_decoder
    assert decoder.dynamic_multimask_via_stability
    assert decoder.dynamic_multimask_stability_delta == 0.05
    assert decoder.dynamic_multimask_stability_thresh == 0.98


def test_a_loaded_network_answers_as_the_saved_one(case, network, saved):
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    clicks = kit.batch_of([[(20, 30, True)]], 1)
    answers = []
    for model in (case.adapter.load(saved()), case.model(network)):
        features = case.adapter.encode(model, image)
        answers.append(case.adapter.predict(model, features, clicks, None)[0])
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("missing", TWINS)
def test_a_matrix_that_is_saved_once_is_used_twice(case, network, saved, missing):
    model = case.adapter.load(saved(lambda weights: drop(weights, missing)))
    same_weights(model.network, network)


def test_sam_2_as_the_hub_has_it_is_loaded(tmp_path):
    network = importlib.import_module("cases.transformers_sam2").network(original=False)
    video = Sam2VideoModel(
        Sam2VideoConfig(
            **parts_of(network.config),
            image_size=128,
            memory_attention_hidden_size=32,
            memory_attention_num_layers=1,
            memory_encoder_hidden_size=32,
            mask_downsampler_embed_dim=32,
            memory_fuser_embed_dim=32,
        )
    )
    assert not video.load_state_dict(network.state_dict(), strict=False)[1]
    video.save_pretrained(tmp_path)
    model = transformers_sam2.load({"checkpoint": str(tmp_path), "device": "cpu"})
    same_weights(model.network, network)


def test_the_whole_of_sam_3_as_the_hub_has_it_is_loaded(tmp_path):
    network = importlib.import_module("cases.transformers_sam3").network(original=False)
    config = Sam3VideoConfig(tracker_config=parts_of(network.config))
    config.save_pretrained(tmp_path)
    weights = {name_in_sam_3(key): one for key, one in network.state_dict().items()}
    # Of the part that is asked with words.
    weights["detector_model.text_projection.bias"] = torch.zeros(2)
    safetensors = importlib.import_module("safetensors.torch")
    path = tmp_path / "model.safetensors"
    safetensors.save_file(weights, path, metadata={"format": "pt"})
    model = transformers_sam3.load({"checkpoint": str(tmp_path), "device": "cpu"})
    same_weights(model.network, network)


def parts_of(config):
    names = ("vision_config", "prompt_encoder_config", "mask_decoder_config")
    whole = config.to_dict()
    return {name: whole[name] for name in names}


def name_in_sam_3(name):
    if name.startswith("vision_encoder.neck."):
        return name.replace("vision_encoder.neck", "tracker_neck")
    part = "detector" if name.startswith("vision_encoder.") else "tracker"
    return f"{part}_model.{name}"


def test_half_precision_is_computed_in_single(case, saved):
    def halve(weights):
        weights.update({key: value.half() for key, value in weights.items()})

    network = case.adapter.load(saved(halve)).network
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def _without_a_weight(weights):
    drop(weights, TOKEN)


def _without_either_twin(weights):
    for name in TWINS:
        drop(weights, name)


def _of_another_size(weights):
    drop(weights, TOKEN)
    weights[TOKEN] = torch.zeros(1, 2)


def _with_another_weight(weights):
    weights["mask_decoder.other"] = torch.zeros(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_a_weight, f"1 weights .* such as {TOKEN}"),
        (_without_either_twin, f"2 weights .* such as {TWINS[1]}, {TWINS[0]}"),
        (_of_another_size, "cannot be loaded"),
        (_with_another_weight, "1 weights .* such as mask_decoder.other"),
    ],
)
def test_wrong_weights_are_refused(case, saved, change, message):
    with pytest.raises(ValueError, match=message):
        case.adapter.load(saved(change))


def test_another_network_is_refused(case, saved, tmp_path):
    options = saved()
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ValueError, match=r"is a bert; it can be sam[23]"):
        case.adapter.load(options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpoint": ""}, "option checkpoint is missing"),
        ({"checkpoint": "no/such/folder"}, "'no/such/folder', which cannot be loaded"),
        ({"variant": "tiny"}, "unknown options: variant"),
        ({"protocol": "strict"}, "unknown options: protocol"),
    ],
)
def test_a_wrong_option_is_refused(case, saved, changes, message):
    with pytest.raises(ValueError, match=message):
        case.adapter.load({**saved(), **changes})
