"""Of timm: what the layers of checkouts are built with."""

import torch
from torch import nn

from stand_ins import nothing

__version__ = "0.0"


def to_2tuple(value):
    """Makes a pair of a number; keeps what is a pair."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


class DropPath(nn.Module):
    """Leaves residuals out in training."""

    def __init__(self, drop_prob=0.0):
        super().__init__()

    def forward(self, inputs):
        if self.training:
            raise NotImplementedError("a stand-in cannot do this")
        return inputs


def register_model(function):
    """Leaves a function as it is: nobody asks for models by name."""
    return function


MODULES = {
    "models": {},
    "models.layers": {
        "DropPath": DropPath,
        "to_2tuple": to_2tuple,
        "trunc_normal_": torch.nn.init.trunc_normal_,
    },
    "models.registry": {"register_model": register_model},
    "models.vision_transformer": {"_cfg": nothing},
}
