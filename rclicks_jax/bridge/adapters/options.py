"""Options of adapters: text from the command line, checked before anything is loaded.

Every adapter reads its options with `Options`. So the message of a wrong option says
what came and what is allowed, and an unknown option is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch

# A `torch.nn.Module` of a foreign package; its attributes are not known here.
Network = Any
# Content of a checkpoint: tensors, numbers, text, and containers of these.
Checkpoint = Any

BATCH = 16
# Datasets for which the original has settings of their own.
_DATASETS = ("DAVIS", "SBD", "TETRIS")
# Alignment of the tensors that torch allocates, in bytes.
_ALIGNMENT = 64


class Options:
    """Options of one adapter, each read once."""

    def __init__(self, given: Mapping[str, str]) -> None:
        """Copies the options.

        Args:
            given: Names and values as text.
        """
        self._left = dict(given)
        self._known: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """Returns an option as text.

        Raises:
            ValueError: It has no default and was not given.
        """
        self._known.append(name)
        value = self._left.pop(name, default)
        if not value:
            raise ValueError(f"option {name} is missing")
        return value

    def choice(self, name: str, allowed: Iterable[str], default: str = "") -> str:
        """Returns an option that must be one of a few values.

        Raises:
            ValueError: It has another value.
        """
        value = self.text(name, default)
        known = list(allowed)
        if value not in known:
            raise ValueError(f"option {name} is {value!r}; it can be {_listed(known)}")
        return value

    def dataset(self) -> str:
        """Returns the dataset whose settings are used, `other` if none was given.

        Raises:
            ValueError: It is one that has settings of its own, but for its capitals.
                The original knows no dataset of such a name.
        """
        value = self.text("dataset", "other")
        if value not in _DATASETS and value.upper() in _DATASETS:
            raise ValueError(
                f"option dataset is {value!r}; it can be {value.upper()}, in capital "
                "letters, or the name of another dataset"
            )
        return value

    def number(self, name: str, default: int, least: int = 1) -> int:
        """Returns an option that must be a whole number.

        Raises:
            ValueError: It is not a whole number, or less than `least`.
        """
        value = self.text(name, str(default))
        if not value.lstrip("-").isdigit() or int(value) < least:
            raise ValueError(
                f"option {name} is {value!r}; it can be a whole number from {least}"
            )
        return int(value)

    def switch(self, name: str, default: bool) -> bool:
        """Returns whether an option is `yes`.

        Raises:
            ValueError: It is neither `yes` nor `no`.
        """
        return self.choice(name, ("yes", "no"), "yes" if default else "no") == "yes"

    def path(self, name: str, default: str = "") -> str:
        """Returns a path that exists, or an empty text if the option was not given.

        Raises:
            ValueError: There is no such file or folder.
        """
        self._known.append(name)
        value = self._left.pop(name, default)
        if value and not os.path.exists(value):
            raise ValueError(f"option {name} is {value!r}: there is no such file")
        return value

    def batch(self) -> int:
        """Returns how many trajectories go through the network in one pass."""
        return self.number("batch", BATCH)

    def device(self) -> torch.device:
        """Returns the device that the option names, by default a GPU if there is one.

        Raises:
            ValueError: PyTorch has no such device.
        """
        best = "cuda" if torch.cuda.is_available() else "cpu"
        name = self.text("device", best)
        try:
            device = torch.device(name)
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f"option device is {name!r}: {str(error).splitlines()[0]}"
            ) from error
        return device

    def end(self) -> None:
        """Checks that every option was read.

        Raises:
            ValueError: The adapter does not know some of the options.
        """
        if self._left:
            raise ValueError(
                f"unknown options: {_listed(self._left)}; there are "
                f"{_listed(sorted(self._known))}"
            )


def load_weights(path: str) -> Checkpoint:
    """Loads a checkpoint: tensors, numbers, text, and containers of these.

    Raises:
        ValueError: The file cannot be read as such a checkpoint.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        refused = re.search(r"GLOBAL (\S+) was not an allowed", str(error))
        if refused:
            reason = f"it names {refused[1]}, which is not known to be harmless"
        raise ValueError(f"{path} cannot be read as a checkpoint: {reason}") from error


def fill(
    network: torch.nn.Module, weights: Mapping[str, torch.Tensor], path: str
) -> None:
    """Puts weights into a network.

    Args:
        network: The network to fill.
        weights: The state dictionary of such a network.
        path: File of the weights, for messages.

    Raises:
        ValueError: A weight is missing, unknown or of another shape.
    """
    expected = network.state_dict()
    counters = {key for key in expected if key.endswith("num_batches_tracked")}
    wrong = [f"{key} is missing" for key in expected.keys() - weights.keys() - counters]
    wrong += [f"{key} is unknown" for key in weights.keys() - expected.keys()]
    wrong += [
        f"{key} is {tuple(weights[key].shape)}, not {tuple(value.shape)}"
        for key, value in expected.items()
        if key in weights and weights[key].shape != value.shape
    ]
    if wrong:
        shown = "; ".join(sorted(wrong)[:5])
        raise ValueError(
            f"{path} does not fit the network: {len(wrong)} weights differ, such as "
            f"{shown}. Is it the checkpoint of another variant?"
        )
    network.load_state_dict(dict(weights), strict=False)


def ready(network: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Returns a network for inference on a device.

    The address of weights that are mapped from a file depends on the length of the
    file's header, and on CPUs the order of sums depends on that address. So the same
    weights in another file would give answers with other last bits. Such weights are
    copied to memory that is aligned as torch aligns its own.
    """
    network.requires_grad_(False).eval().to(device)
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.data_ptr() % _ALIGNMENT:
            tensor.data = tensor.clone()
    return network


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
