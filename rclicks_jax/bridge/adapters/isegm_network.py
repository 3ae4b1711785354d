"""Networks of `isegm` checkouts; their checkpoints describe how to build them."""

from __future__ import annotations

import contextlib
import inspect
import io
import sys
import types
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import checkouts, isegm_frame
from rclicks_jax.bridge.adapters import options as options_lib

# A checkpoint names classes. It may name classes of these packages only.
_ALLOWED = ("isegm.", "torch.nn.")


def load(
    checkout: str,
    checkpoint: str,
    renamed: dict[str, str] | None = None,
    read: Callable[[str], options_lib.Checkpoint] = options_lib.load_weights,
) -> options_lib.Network:
    """Builds the network of a checkpoint and fills it.

    Args:
        checkout: Folder with the package `isegm`.
        checkpoint: File with a dictionary of `config` and `state_dict`.
        renamed: New names of modules that have another name in this checkout.
        read: Reads the file.

    Raises:
        ValueError: A file or folder is missing, or has the wrong content.
    """
    if not checkpoint:
        raise ValueError("option checkpoint is missing")
    use(checkout)
    saved = read(checkpoint)
    if not (isinstance(saved, dict) and {"config", "state_dict"} <= saved.keys()):
        raise ValueError(
            f"{checkpoint} is not a checkpoint of isegm: it must be a dictionary with "
            "config and state_dict"
        )
    config = _checked(saved["config"], checkpoint, renamed or {})
    # Some checkouts print while they build.
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        network = _built(config)
    sys.stderr.write(printed.getvalue())
    options_lib.fill(network, saved["state_dict"], checkpoint)
    return network


def use(checkout: str) -> None:
    """Makes the networks of a checkout importable, without its readers of data sets.

    RClicks's networks import the readers, and these need packages that no network
    needs.
    """
    checkouts.use(checkout, "isegm")
    for name in ("isegm.data", "isegm.data.datasets"):
        sys.modules.setdefault(name, _Readers(name))


class _Readers(types.ModuleType):
    """A module in which every name is None: imports from it work, calls do not."""

    __path__: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


def _built(config: dict[str, Any]) -> options_lib.Network:
    build = checkouts.find("isegm.utils.serialization:load_model")
    # SimpleClick and its descendants can also build RITM's networks.
    takes_ritm = "eval_ritm" in inspect.signature(build).parameters
    return build(config, **({"eval_ritm": False} if takes_ritm else {}))


def instances(network: options_lib.Network) -> isegm_frame.Forward:
    """Returns a network as a function from images and points to logits."""

    def answer(inputs: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        return network(inputs, points)["instances"]

    return answer


def predict(
    model: isegm_frame.Model,
    features: torch.Tensor,
    clicks: Clicks,
    state: isegm_frame.State | None,
) -> tuple[torch.Tensor, isegm_frame.State]:
    """Answers the newest click of each trajectory by the network's `instances`."""
    network = instances(model.network)
    return isegm_frame.predict(network, model.frame, features, clicks, state)


def _checked(
    config: dict[str, Any], checkpoint: str, renamed: dict[str, str]
) -> dict[str, Any]:
    """Returns a configuration; raises if it names classes of other packages."""
    params = {key: dict(value) for key, value in config["params"].items()}
    checked = {"class": config["class"], "params": params}
    holders = [(checked, "class")]
    holders += [
        (param, "value") for param in params.values() if param["type"] == "class"
    ]
    for holder, key in holders:
        module, _, name = str(holder[key]).rpartition(".")
        holder[key] = f"{renamed.get(module, module)}.{name}"
        if not holder[key].startswith(_ALLOWED):
            raise ValueError(
                f"{checkpoint} asks for {holder[key]}; a checkpoint may only name "
                f"what begins with {' or '.join(_ALLOWED)}"
            )
    return checked
