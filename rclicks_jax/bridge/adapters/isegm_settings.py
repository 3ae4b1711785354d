"""Reads checkpoints of `isegm` that hold settings in classes of other packages.

PyTorch's safe reader refuses those classes. Here they are read as dictionaries. Every
other class that a file names is still refused, so no code of the file runs.
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
    """Stands for a loss among the settings of a head; only training calls it."""


def _path(*parts: str) -> str:
    return os.path.join("", *parts)


# PyTorch's reader fills only this mapping with items and with attributes.
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
        ValueError: The file cannot be read, or names an unknown class.
    """
    with torch.serialization.safe_globals(_READ_AS):
        saved = options_lib.load_weights(path)
    if not isinstance(saved, dict):
        return saved
    # Weights keep their order.
    weights = {"state_dict": saved["state_dict"]} if "state_dict" in saved else {}
    return {**{key: _settings(value) for key, value in saved.items()}, **weights}


def _settings(value: Any) -> Any:
    """Returns settings, nested ones too, with their items and attributes joined."""
    if isinstance(value, _OF_SETTINGS):
        both = {**vars(value), **value}
        return Settings({key: _settings(item) for key, item in both.items()})
    if isinstance(value, dict):
        return {key: _settings(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_settings(item) for item in value)
    return value
