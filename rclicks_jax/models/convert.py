"""Weights of the original (a PyTorch state dict) to our variables, and back.

The names of our modules follow the original's, so each of our leaves knows the one
key it comes from. Every key must be used and every leaf filled.
"""

import re
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from rclicks_jax import errors

Variables = dict[str, Any]

_LEAF_NAMES = {
    "kernel": "weight",
    "scale": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "var": "running_var",
    "bases": "bases",
}
_RENAMED_MODULES = (
    (r"^backbone\.", "encoder_decoder.backbone."),
    (r"^decode_head\.", "encoder_decoder.decode_head.0."),
    (r"^maps_transform\.conv_(\d)", r"maps_transform.\1"),
    (r"\.patch_embed1\.proj_(\d)", r".patch_embed1.proj.\1"),
    (r"\.patch_embed(\d)_(proj|norm)", r".patch_embed\1.\2"),
    (r"\.block(\d)_(\d+)", r".block\1.\2"),
    (r"\.ham_in$", ".ham_in.conv"),
)


def torch_key(collection: str, path: tuple[str, ...]) -> str:
    """Returns the key of the original's state dict that one of our leaves comes from.

    Args:
        collection: `params`, `batch_stats` or `constants`.
        path: Names of the modules and of the leaf.
    """
    *modules, leaf = path
    if leaf == "scale" and modules == ["maps_transform"]:
        return "maps_transform.5.scale"
    module = ".".join(modules)
    for pattern, replacement in _RENAMED_MODULES:
        module = re.sub(pattern, replacement, module)
    if leaf.startswith("layer_scale"):
        return f"{module}.{leaf}"
    if collection == "constants":
        return f"{module}.ham.{leaf}"
    return f"{module}.{_LEAF_NAMES[leaf]}"


def from_torch(state: Mapping[str, np.ndarray], template: Variables) -> Variables:
    """Fills our variables from a state dict of the original.

    Args:
        state: Arrays by the original's names, in its layouts.
        template: Variables (or their shapes) of the same size of network.

    Returns:
        Variables of the template's structure.

    Raises:
        DataError: Keys are missing, left over or of a wrong shape; names them.
    """
    unused = {key for key in state if not key.endswith("num_batches_tracked")}
    missing, wrong = [], []

    def fill(path: tuple[Any, ...], leaf: Any) -> np.ndarray:
        collection, *names = (entry.key for entry in path)
        key = torch_key(collection, tuple(names))
        unused.discard(key)
        if key not in state:
            missing.append(key)
            return np.zeros(leaf.shape, np.float32)
        array = _to_ours(np.asarray(state[key]))
        if array.shape != leaf.shape:
            wrong.append(f"{key} {array.shape} instead of {leaf.shape}")
        return array.astype(np.float32)

    variables = jax.tree_util.tree_map_with_path(fill, template)
    for problem, keys in (("lacks", missing), ("has unknown", unused), ("has", wrong)):
        if keys:
            shown = ", ".join(sorted(keys)[:5])
            raise errors.DataError(f"The checkpoint {problem} {len(keys)}: {shown}")
    return variables


def to_torch(variables: Variables) -> dict[str, np.ndarray]:
    """Returns the state dict the original would have; counters of batches are 0."""
    state: dict[str, np.ndarray] = {}

    def add(path: tuple[Any, ...], leaf: Any) -> None:
        collection, *names = (entry.key for entry in path)
        key = torch_key(collection, tuple(names))
        array = np.asarray(leaf)
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        state[key] = array[None] if collection == "constants" else array
        if names[-1] == "var":
            counter = key.replace("running_var", "num_batches_tracked")
            state[counter] = np.zeros((), np.int64)

    jax.tree_util.tree_map_with_path(add, variables)
    return state


def _to_ours(array: np.ndarray) -> np.ndarray:
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    return array[0] if array.ndim == 3 else array
