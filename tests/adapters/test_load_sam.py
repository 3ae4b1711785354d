"""Published checkpoints of SAM, SAM-HQ and MobileSAM, loaded or refused."""

import importlib
from unittest import mock

import kit
import numpy as np
import published
import pytest

from rclicks_jax.bridge.adapters import checkouts

# Adapter, package, variant. The package's network of that name is made small.
KINDS = {
    "sam": ("segment_anything", "vit_b"),
    "sam_hq": ("segment_anything", "vit_l"),
    "mobile_sam": ("mobile_sam", "vit_t"),
}
TOKEN = "mask_decoder.iou_token.weight"


@pytest.fixture(params=KINDS)
def case(request):
    found = importlib.import_module(f"cases.{request.param}")
    if not kit.checkout(found.CHECKOUT).exists():
        pytest.skip(f"no checkout {found.CHECKOUT}; RCLICKS_CHECKOUTS says where")
    return found


@pytest.fixture
def network(case):
    return case.network(original=False)


@pytest.fixture
def saved(case, network, tmp_path):
    """Writes a checkpoint, perhaps changed; returns the options for it."""
    package, variant = KINDS[case.adapter.__name__.rpartition(".")[2]]

    def without_weights(checkpoint):
        assert checkpoint is None
        made = case.network(original=False)
        for weight in made.parameters():
            weight.data.zero_()
        return made.eval()

    registry = checkouts.find(f"{package}:sam_model_registry")
    registry[variant] = without_weights

    return published.writer(
        tmp_path / "weights.pth",
        lambda: dict(network.state_dict()),
        checkout=str(kit.checkout(case.CHECKOUT)),
        variant=variant,
        device="cpu",
    )


def test_a_published_checkpoint_is_loaded(case, network, saved):
    model = case.adapter.load({**saved(), "batch": "3"}, kit.STRICT)
    assert model[1:] == (False, 3)
    assert case.adapter.load(saved()).drop_mask_prompt
    assert not model.network.training
    for key, value in network.state_dict().items():
        np.testing.assert_array_equal(model.network.state_dict()[key], value)


def test_what_a_network_keeps_of_its_weights_is_of_the_loaded_ones(
    case, network, saved
):
    kept = dict(case.adapter.load(saved()).network.named_buffers())
    for key, value in network.named_buffers():
        np.testing.assert_array_equal(kept[key], value)


@pytest.mark.parametrize(
    ("name", "variant"),
    [("sam", "vit_b"), ("sam_hq", "vit_b"), ("mobile_sam", "vit_t")],
)
def test_the_smallest_variant_is_the_one_that_need_not_be_named(
    name, variant, monkeypatch, tmp_path
):
    registry = mock.MagicMock()
    monkeypatch.setattr(checkouts, "find", lambda _: registry)
    (tmp_path / "empty.pth").touch()
    adapter = importlib.import_module(f"cases.{name}").adapter
    with pytest.raises(ValueError, match="cannot be read as a checkpoint"):
        adapter.load({"checkpoint": str(tmp_path / "empty.pth"), "device": "cpu"})
    registry.__getitem__.assert_called_once_with(variant)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (published.without(TOKEN), f"{TOKEN} is missing"),
        (published.resized(TOKEN, 1, 2), rf"{TOKEN} is \(1, 2\), not"),
        (published.with_more("mask_decoder.other"), "mask_decoder.other is unknown"),
    ],
)
def test_a_wrong_checkpoint_is_refused(case, saved, change, message):
    with pytest.raises(ValueError, match=message):
        case.adapter.load(saved(change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *published.WRONG_OPTIONS,
        ({"checkout": "/"}, "a folder without (segment_anything|mobile_sam)/"),
        ({"variant": "vit_x"}, "option variant is 'vit_x'; it can be vit_"),
    ],
)
def test_a_wrong_option_is_refused(case, saved, changes, message):
    with pytest.raises(ValueError, match=message):
        case.adapter.load({**saved(), **changes})
