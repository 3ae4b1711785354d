"""How adapters of `isegm` look at photographs, by what is set; no checkout is needed.

`load` is given a network that stands for the checkpoint's, so what it makes of options,
protocol and network is seen everywhere.
"""

import types

import kit
import numpy as np
import pytest
from torch import nn

from rclicks_jax.bridge.adapters import (
    adaptiveclick,
    cdnet,
    cfr_icl,
    checkouts,
    focalclick,
    gpcis,
    isegm_network,
    ritm,
    simpleclick,
)
from rclicks_jax.bridge.adapters.isegm_crops import Rule
from rclicks_jax.bridge.adapters.isegm_frame import Frame, points_of

ADAPTERS = {
    "adaptiveclick": adaptiveclick,
    "cdnet": cdnet,
    "cfr_icl": cfr_icl,
    "focalclick": focalclick,
    "gpcis": gpcis,
    "ritm": ritm,
    "simpleclick": simpleclick,
}
SQUARE = Frame(
    Rule(False, least=200, threshold=0.5, keeps=True),
    target=(448, 448),
    fixed=(448, 448),
    flip=True,
    batch=16,
)
RENEWED = Rule(True, least=10, threshold=0.49, keeps=False)
# As RClicks sets them, and FocalClick as its authors do; of a network with a last mask.
FRAMES = {
    "adaptiveclick": SQUARE._replace(batch=1),
    "cdnet": Frame(RENEWED, None, (384, 384), True, sees_previous=False, batch=4),
    "cfr_icl": SQUARE,
    "focalclick": Frame(RENEWED, None, (256, 256), flip=False, batch=16),
    "gpcis": Frame(RENEWED, None, (384, 384), flip=False, batch=1),
    "ritm": Frame(
        Rule(True, least=200, threshold=0.5, keeps=True), target=400, flip=True
    ),
    "simpleclick": SQUARE,
}
OBEY = {"cdnet", "focalclick", "gpcis", "ritm"}
WITH_ZOOM = sorted({*FRAMES} - {"focalclick"})


def square(side):
    return {"target": (side, side), "fixed": (side, side)}


@pytest.fixture
def frame_of(monkeypatch, tmp_path):
    """Loads an adapter with options; returns how it looks at photographs."""
    (tmp_path / "weights.pth").touch()

    def load(name, *protocol, with_prev_mask=True, **options):
        network = nn.Module()
        network.with_prev_mask = with_prev_mask and name != "cdnet"
        network.backbone = nn.Module()
        network.backbone.patch_embed = types.SimpleNamespace(patch_size=(16, 16))
        monkeypatch.setattr(isegm_network, "load", lambda *_, **__: network)
        monkeypatch.setattr(adaptiveclick, "_network", lambda *_: network)
        # Of the checkout: positions are interpolated.
        monkeypatch.setattr(checkouts, "find", lambda _: lambda *_: None)
        given = {"checkpoint": str(tmp_path / "weights.pth"), "device": "cpu"}
        return ADAPTERS[name].load({**given, **options}, *protocol).frame

    return load


@pytest.mark.parametrize("name", FRAMES)
def test_a_method_looks_at_photographs_as_published(name, frame_of):
    assert frame_of(name) == FRAMES[name]


@pytest.mark.parametrize("name", FRAMES)
def test_a_batch_is_as_large_as_it_is_set(name, frame_of):
    assert frame_of(name, batch="3") == FRAMES[name]._replace(batch=3)


@pytest.mark.parametrize("name", WITH_ZOOM)
def test_zoom_can_be_left_out(name, frame_of):
    assert frame_of(name, zoom="yes") == FRAMES[name]
    assert frame_of(name, zoom="no") == FRAMES[name]._replace(crops=None)


@pytest.mark.parametrize("flip", ["yes", "no"])
@pytest.mark.parametrize("name", WITH_ZOOM)
def test_a_mirrored_pass_is_made_if_it_is_set(name, flip, frame_of):
    assert frame_of(name, flip=flip) == FRAMES[name]._replace(flip=flip == "yes")


@pytest.mark.parametrize("name", sorted(OBEY))
def test_an_empty_mask_is_what_the_protocol_says(name, frame_of):
    strict = FRAMES[name]._replace(empty_mask_keeps_crop=False)
    assert frame_of(name, kit.STRICT) == strict
    # Of the other switch none of them has a use.
    other = kit.STRICT._replace(empty_mask_keeps_crop=True)
    assert frame_of(name, other) == FRAMES[name]


@pytest.mark.parametrize("name", sorted({*FRAMES} - OBEY))
def test_who_always_sees_a_crop_is_told_of_no_protocol(name):
    assert "protocol" not in ADAPTERS[name].load.__annotations__
    assert not FRAMES[name].crops.whole_first


@pytest.mark.parametrize("name", sorted({*FRAMES} - {"cdnet", "focalclick"}))
def test_a_network_without_a_last_mask_is_given_none(name, frame_of):
    frame = frame_of(name, with_prev_mask=False)
    assert frame == FRAMES[name]._replace(sees_previous=False)


@pytest.mark.parametrize(
    ("name", "options", "changes"),
    [
        ("adaptiveclick", {"dataset": "DAVIS"}, square(672)),
        ("cfr_icl", {"dataset": "DAVIS"}, square(672)),
        ("simpleclick", {"dataset": "DAVIS"}, square(672)),
        ("ritm", {"dataset": "DAVIS"}, {"target": 600}),
        ("cdnet", {"dataset": "DAVIS"}, {}),
        ("gpcis", {"dataset": "DAVIS"}, {}),
        ("cdnet", {"dataset": "SBD"}, {}),
        ("gpcis", {"dataset": "SBD"}, {"fixed": (256, 256)}),
        ("adaptiveclick", {"target": "224"}, square(224)),
        ("simpleclick", {"target": "224"}, square(224)),
        ("ritm", {"target": "160"}, {"target": 160}),
        ("ritm", {"target": "160", "dataset": "DAVIS"}, {"target": 160}),
        ("cdnet", {"target": "96"}, {"fixed": (96, 96)}),
        ("gpcis", {"target": "96"}, {"fixed": (96, 96)}),
        ("focalclick", {"target": "96"}, {"fixed": (96, 96)}),
    ],
)
def test_a_pass_is_as_large_as_the_data_set_or_the_target_asks(
    name, options, changes, frame_of
):
    assert frame_of(name, **options) == FRAMES[name]._replace(**changes)


@pytest.mark.parametrize("name", WITH_ZOOM)
def test_a_photograph_of_tetris_is_a_crop_at_once(name, frame_of):
    rule = FRAMES[name].crops._replace(whole_first=False)
    assert frame_of(name, dataset="TETRIS") == FRAMES[name]._replace(crops=rule)


def test_clicks_come_positive_ones_first_each_with_its_number():
    yx = np.array([[1, 2], [3, 4], [5, 6]], np.float64)
    sent = points_of([yx, yx[:1]], [np.array([True, False, True]), np.array([False])])
    none = [-1, -1, -1]
    assert sent[0].tolist() == [[1, 2, 0], [5, 6, 2], [3, 4, 1], none]
    assert sent[1].tolist() == [none, none, [1, 2, 0], none]
