"""Checkpoints of `isegm` that hold nested settings in classes of other packages.

PyTorch's safe reading refuses those classes. Here they are read as dictionaries, and
whatever else a file names is still refused, so nothing of it runs.
"""

from __future__ import annotations

import collections
import os
from typing import Any

import torch

from rclicks_jax.bridge.adapters import options as options_lib


class Settings(dict):
    """A dictionary whose items are attributes too."""

    def __getattr__(self, name: str) -> Any:
        """Returns an item."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: object) -> None:
        """Sets an item."""
        self[name] = value


class Unused:
    """What only training calls: a loss among the settings of a head."""


def _path(*parts: str) -> str:
    return os.path.join("", *parts)


# The only mapping that PyTorch's reader fills both with items and with attributes.
_OF_SETTINGS = collections.OrderedDict
# A loss and the functions that one of its settings chooses between.
_LOSSES = "isegm.model.modeling.transformer_helper.cross_entropy_loss"
_READ_AS = [
    (_OF_SETTINGS, "easydict.EasyDict"),
    (_OF_SETTINGS, "addict.addict.Dict"),
    (_OF_SETTINGS, "argparse.Namespace"),
    (_OF_SETTINGS, "fvcore.common.config.CfgNode"),
    (_OF_SETTINGS, "yacs.config.CfgNode"),
    (Unused, f"{_LOSSES}.CrossEntropyLoss"),
    (Unused, f"{_LOSSES}.cross_entropy"),
    (Unused, f"{_LOSSES}.binary_cross_entropy"),
    (Unused, f"{_LOSSES}.mask_cross_entropy"),
    (set, "builtins.set"),
    (_path, "pathlib.PosixPath"),
    (_path, "pathlib.WindowsPath"),
    (torch.device, "torch.device"),
]


def load(path: str) -> options_lib.Checkpoint:
    """Loads a checkpoint; settings in it become `Settings`, paths become text.

    Raises:
        ValueError: It is no such file, or names what is not known.
    """
    with torch.serialization.safe_globals(_READ_AS):
        saved = options_lib.load_weights(path)
    if not isinstance(saved, dict):
        return saved
    # Weights stay in the order they have.
    weights = {"state_dict": saved["state_dict"]} if "state_dict" in saved else {}
    return {**{key: _settings(value) for key, value in saved.items()}, **weights}


def _settings(value: Any) -> Any:
    """Returns nested settings with what a file kept as items or as attributes."""
    if isinstance(value, _OF_SETTINGS):
        both = {**vars(value), **value}
        return Settings({key: _settings(item) for key, item in both.items()})
    if isinstance(value, dict):
        return {key: _settings(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_settings(item) for item in value)
    return value
