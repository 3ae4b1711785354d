"""The stand-in for mmcv's convolution."""

import pytest
import torch
from stand_ins import mmcv
from torch import nn


def test_a_convolution_has_a_bias_and_is_cut_at_zero():
    torch.manual_seed(0)
    module = mmcv.ConvModule(3, 5, kernel_size=3, stride=2, padding=1)
    # mmcv's names, which checkpoints hold.
    assert sorted(module.state_dict()) == ["conv.bias", "conv.weight"]
    inputs = torch.randn(2, 3, 9, 8)
    weights = module.state_dict()
    expected = nn.functional.conv2d(
        inputs, weights["conv.weight"], weights["conv.bias"], stride=2, padding=1
    ).clamp(min=0)
    assert torch.equal(module(inputs), expected)


def test_a_convolution_that_needs_configuring_is_refused():
    with pytest.raises(NotImplementedError, match="cannot do this"):
        mmcv.ConvModule(3, 5, 1, norm_cfg={"type": "SyncBN"})
    with pytest.raises(NotImplementedError, match="cannot do this"):
        mmcv.ConvModule(3, 5, 1, act_cfg={"type": "GELU"})


def test_a_registry_leaves_classes_as_they_are():
    assert mmcv.Registry("layers").register_module()(nn.Linear) is nn.Linear


def test_batch_statistics_take_the_place_of_the_bias():
    torch.manual_seed(0)
    module = mmcv.ConvModule(3, 5, 1, norm_cfg={"type": "BN", "requires_grad": True})
    assert "conv.bias" not in module.state_dict()
    assert "bn.running_mean" in module.state_dict()
    nn.init.normal_(module.bn.bias)
    inputs = torch.randn(2, 3, 4, 4)
    answer = nn.functional.conv2d(inputs, module.conv.weight)
    expected = (answer / (1 + 1e-5) ** 0.5 + module.bn.bias[:, None, None]).clamp(min=0)
    torch.testing.assert_close(module.eval()(inputs), expected)
