"""The switches of the protocol that adapters obey, by the rules that all share."""

import importlib
from unittest import mock

import blobs
import kit
import numpy as np
import pytest
import torch

from rclicks_jax.bridge.adapters import (
    checkouts,
    isegm_crops,
    isegm_frame,
    sam_prompts,
)
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.switches import PAPER

ON, OFF = True, False
ADAPTERS = "rclicks_jax.bridge.adapters"
# A case that has a mask prompt, or a crop and a mask that becomes empty; no checkout.
ZOOMS = ("frame_ritm", "frame_fixed")
# Each method of the SAM family, and what it is loaded with beside a checkpoint.
PROMPTED = {
    "mobile_sam": {},
    "sam": {},
    "sam2": {"variant": "sam2_hiera_tiny"},
    "sam_hq": {},
    "transformers_sam": {},
    "transformers_sam2": {},
    "transformers_sam3": {},
}


@pytest.mark.parametrize(
    ("positive", "dropped"),
    [
        ([ON], (True, False)),
        ([ON, OFF], (True, False)),
        ([ON, ON], (False, False)),
        ([ON, OFF, ON], (False, False)),
        ([ON, OFF, OFF], (False, False)),
    ],
)
def test_the_mask_prompt_is_dropped_while_neither_kind_has_two_clicks(
    positive, dropped
):
    found = [sam_prompts.drops_mask(np.array(positive), switch) for switch in (ON, OFF)]
    assert tuple(map(bool, found)) == dropped


@pytest.mark.parametrize("switch", [ON, OFF])
def test_a_negative_second_click_has_a_mask_prompt_unless_it_is_dropped(switch):
    prompted = {}

    def decode(prompts):
        for row in prompts.rows:
            prompted[int(row)] = prompts.low_res is not None
        return torch.zeros(len(prompts.rows), 2, 2)

    # Of three trajectories, the second click of the second is negative.
    clicks = kit.batch_of(kit.CLICKS, 2)
    before = {"low_res": torch.ones(3, 2, 2)}
    sam_prompts.predict(decode, clicks, before, switch, 16)
    assert prompted == {0: True, 1: not switch, 2: True}


@pytest.fixture
def adapter(monkeypatch, tmp_path):
    """Imports an adapter of the SAM family; its `load` finds a network that is none."""
    (tmp_path / "weights.pt").touch()
    monkeypatch.setattr(checkouts, "find", lambda name: mock.MagicMock())
    monkeypatch.setattr(options_lib, "load_weights", lambda path: {"model": {}})
    monkeypatch.setattr(options_lib, "fill", lambda *_: None)
    monkeypatch.setattr(options_lib, "ready", lambda network, device: network)

    for name in ("transformers_sam", "transformers_sam2"):
        holder = importlib.import_module(f"{ADAPTERS}.{name}")
        monkeypatch.setattr(holder, "_network", mock.MagicMock())

    def imported(name):
        given = {"checkpoint": str(tmp_path / "weights.pt"), "device": "cpu"}
        adapter = importlib.import_module(f"{ADAPTERS}.{name}")
        return adapter, {**given, **PROMPTED[name]}

    return imported


@pytest.mark.parametrize("name", PROMPTED)
def test_a_model_keeps_the_switch_and_the_batch_it_is_loaded_with(name, adapter):
    module, options = adapter(name)
    assert module.load(options).drop_mask_prompt
    assert module.load(options, PAPER).batch == 16
    strict = module.load({**options, "batch": "3"}, kit.STRICT)
    assert (strict.drop_mask_prompt, strict.batch) == (False, 3)
    # Of the other switch none of them has a use.
    other = kit.STRICT._replace(drop_mask_prompt=True)
    assert module.load(options, other).drop_mask_prompt


@pytest.mark.parametrize("switch", [ON, OFF])
@pytest.mark.parametrize("name", PROMPTED)
def test_clicks_are_answered_by_the_switch_and_the_batch_of_the_model(
    name, switch, adapter, monkeypatch
):
    module, options = adapter(name)
    answer = mock.MagicMock()
    monkeypatch.setattr(sam_prompts, "predict", answer)
    for images in ("sam_images", "sam2_images"):
        found = importlib.import_module(f"{ADAPTERS}.{images}")
        monkeypatch.setattr(found, "to_logits", lambda *_: None)
    model = module.load(options)._replace(drop_mask_prompt=switch, batch=3)
    clicks, state = kit.batch_of(kit.CLICKS, 2), {"low_res": torch.ones(3, 2, 2)}
    module.predict(model, mock.MagicMock(), clicks, state)
    assert answer.call_args.args[1:] == (clicks, state, switch, 3)


@pytest.fixture
def image():
    return np.random.default_rng(3).integers(0, 256, (90, 130, 3), np.uint8)


@pytest.mark.parametrize("name", ZOOMS)
def test_an_answer_after_an_empty_mask_goes_where_the_switch_says(name, image):
    case = importlib.import_module(f"cases.{name}")
    network = blobs.Blobs()
    kept, seen = (
        kit.play(case.adapter, case.model(network, empty_mask_keeps_crop=switch), image)
        for switch in (ON, OFF)
    )
    # The network finds nothing at click 3, so that click 4 has nothing to zoom to.
    np.testing.assert_array_equal(kept[:, :3], seen[:, :3])
    outside = kept[:, 3] == 0
    assert outside.any()
    assert (seen[:, 3][outside] > 0).all()


def test_a_method_that_always_sees_a_crop_has_nothing_to_obey(image):
    rule = isegm_crops.Rule(whole_first=False, least=30)
    answers = []
    for switch in (ON, OFF):
        frame = isegm_frame.Frame(
            rule, (96, 96), (96, 96), empty_mask_keeps_crop=switch
        )
        model = isegm_frame.Model(blobs.Blobs(), frame)
        case = importlib.import_module("cases.frame_square")
        answers.append(kit.play(case.adapter, model, image))
    np.testing.assert_array_equal(*answers)
