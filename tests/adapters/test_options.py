"""What every adapter does with a network that it has loaded."""

import pytest
import torch

from rclicks_jax.bridge.adapters import options as options_lib


def test_a_ready_network_lies_where_torch_puts_its_own_and_does_not_train():
    network = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout())
    held = torch.arange(9.0)
    network[0].weight.data = held[1:].view(2, 4)
    assert network[0].weight.data_ptr() % 64
    ready = options_lib.ready(network, torch.device("cpu"))
    assert ready[0].weight.data_ptr() % 64 == 0
    assert torch.equal(ready[0].weight, held[1:].view(2, 4))
    assert not any(part.training for part in ready.modules())
    assert not any(weight.requires_grad for weight in ready.parameters())


@pytest.mark.parametrize("name", ["davis", "Davis", "tetris", "sbd"])
def test_a_dataset_with_settings_of_its_own_must_be_in_capitals(name):
    given = options_lib.Options({"dataset": name})
    with pytest.raises(ValueError, match=f"is '{name}'; it can be {name.upper()}, in"):
        given.dataset()


@pytest.mark.parametrize("name", ["DAVIS", "TETRIS", "SBD", "GrabCut", "davis17"])
def test_any_other_dataset_is_taken_as_it_is(name):
    assert options_lib.Options({"dataset": name}).dataset() == name
    assert options_lib.Options({}).dataset() == "other"
