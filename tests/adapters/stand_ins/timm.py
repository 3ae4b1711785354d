"""Of timm: what the layers of checkouts are built with."""

import torch

from stand_ins import Absent

__version__ = "0.0"


def to_2tuple(value):
    """Makes a pair of a number; keeps what is a pair."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def register_model(function):
    """Leaves a function as it is: nobody asks for models by name."""
    return function


MODULES = {
    "models": {},
    "models.layers": {
        "DropPath": Absent,
        "to_2tuple": to_2tuple,
        "trunc_normal_": torch.nn.init.trunc_normal_,
    },
    "models.registry": {"register_model": register_model},
}
