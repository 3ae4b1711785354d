"""Networks of `isegm` checkouts, whose checkpoints say how they are built."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import Any

import torch

from rclicks_jax.bridge.adapters import checkouts
from rclicks_jax.bridge.adapters import options as options_lib

# A checkpoint names classes; these are all that it may name.
_ALLOWED = ("isegm.", "torch.nn.")


def load(checkout: str, checkpoint: str, renamed: dict[str, str] | None = None) -> Any:
    """Builds the network of a checkpoint and fills it.

    Args:
        checkout: Folder with the package `isegm`.
        checkpoint: File with a dictionary of `config` and `state_dict`.
        renamed: Modules that have another name in this checkout.

    Raises:
        ValueError: A file or folder is missing, or is not what it should be.
    """
    if not checkpoint:
        raise ValueError("option checkpoint is missing")
    checkouts.use(checkout, "isegm")
    saved = options_lib.load_weights(checkpoint)
    if not (isinstance(saved, dict) and {"config", "state_dict"} <= saved.keys()):
        raise ValueError(
            f"{checkpoint} is no checkpoint of isegm: it must be a dictionary with "
            "config and state_dict"
        )
    config = _checked(saved["config"], checkpoint, renamed or {})
    # Some checkouts print while they build.
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        network = checkouts.find("isegm.utils.serialization:load_model")(config)
    sys.stderr.write(printed.getvalue())
    options_lib.fill(network, saved["state_dict"], checkpoint)
    return network


def instances(network: Any) -> Any:
    """Returns a network as a function from images and points to logits."""

    def answer(inputs: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        return network(inputs, points)["instances"]

    return answer


def _checked(
    config: dict[str, Any], checkpoint: str, renamed: dict[str, str]
) -> dict[str, Any]:
    """Returns a configuration that names classes of the allowed packages only."""
    params = {key: dict(value) for key, value in config["params"].items()}
    checked = {"class": config["class"], "params": params}
    holders = [(checked, "class")]
    holders += [(one, "value") for one in params.values() if one["type"] == "class"]
    for holder, key in holders:
        module, _, name = str(holder[key]).rpartition(".")
        holder[key] = f"{renamed.get(module, module)}.{name}"
        if not holder[key].startswith(_ALLOWED):
            raise ValueError(
                f"{checkpoint} asks for {holder[key]}; a checkpoint may only name "
                f"what begins with {' or '.join(_ALLOWED)}"
            )
    return checked
