"""Weights of one segmenter that are given to another are called by their name."""

import pathlib

import golden_keys
import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.networks import kinds

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
FILES = {
    kinds.SAM: "sam_small",
    kinds.SAM2: "sam2_small",
    kinds.MOBILE_SAM: "mobile_sam_small",
    kinds.SAM_HQ: "sam_hq_small",
    kinds.SIMPLECLICK: "simpleclick_small",
    kinds.SEGNEXT: "segnext_small",
    kinds.RITM: "ritm_small",
}
# What tells encoders of the hub apart, beside the decoder's token.
OF_HUB = {
    "vision_encoder.layers.0.attn.qkv.weight": kinds.SAM,
    "vision_encoder.backbone.blocks.0.attn.qkv.weight": kinds.SAM2,
    "mask_decoder.hq_token.weight": kinds.SAM_HQ,
}


def weights_of(*keys):
    return {key: np.zeros((1, 4), np.float32) for key in keys}


@pytest.mark.parametrize("kind", FILES)
def test_keys_of_the_authors_tell_the_method(kind):
    golden = np.load(GOLDEN / f"{FILES[kind]}.npz", allow_pickle=False)
    state = weights_of(*golden_keys.shapes_in(golden))
    kinds.check(state, kind)
    for other in FILES:
        if other != kind:
            message = f"none of {other}. It has the keys of {kind}, which is `jax_"
            with pytest.raises(errors.DataError, match=message):
                kinds.check(state, other)


@pytest.mark.parametrize("key", OF_HUB)
def test_keys_of_the_hub_tell_the_method(key):
    state = weights_of("mask_decoder.iou_token.weight", key)
    assert (
        kinds.kind_of({name: each.shape for name, each in state.items()})
        == (OF_HUB[key])
    )


def test_names_of_the_hub_are_refused_where_they_are_not_read():
    token = "mask_decoder.iou_token.weight"
    state = weights_of(token, *OF_HUB)
    del state["vision_encoder.backbone.blocks.0.attn.qkv.weight"]
    with pytest.raises(errors.DataError, match="SAM-HQ only files with the authors'"):
        kinds.check(state, kinds.SAM_HQ)


def test_unknown_keys_are_of_no_method():
    kinds.check(weights_of("weight"), kinds.SAM)
