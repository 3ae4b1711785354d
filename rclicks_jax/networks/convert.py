"""Weights of the original (a PyTorch state dict) to our variables, and back.

The names of our modules follow the original's, so each of our leaves knows the one
key it comes from. Every key must be used and every leaf filled.
"""

import numpy as np

from rclicks_jax import errors
from rclicks_jax.networks import architectures, checkpoint_sizes
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.weights import key_maps, state_dicts

# A collection of our variables: the counters of batches, by the original's keys.
# Nothing reads them, but a checkpoint that goes back must have them.
COUNTERS = "counters"
_COUNTER = "num_batches_tracked"
_LEAF_NAMES = {
    "kernel": "weight",
    "scale": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "var": "running_var",
    "bases": "bases",
}
_ENCODER = "an encoder of MSCAN"
_CONSTANT = key_maps.Layout(leading=1)
_RENAMED_MODULES: key_maps.Rules = (
    (r"^backbone\.", checkpoint_sizes.ENCODER),
    (r"^decode_head\.", checkpoint_sizes.HEAD),
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
    module = key_maps.renamed(".".join(modules), _RENAMED_MODULES)
    if leaf.startswith("layer_scale"):
        return f"{module}.{leaf}"
    if collection == "constants":
        return f"{module}.ham.{leaf}"
    return f"{module}.{_LEAF_NAMES[leaf]}"


def torch_shapes(variables: Variables) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the state dict that our variables come from."""
    shapes: dict[str, tuple[int, ...]] = {}
    for (collection, *path), leaf in architectures.flatten(variables).items():
        key = torch_key(collection, tuple(path))
        shapes[key] = _layout(collection, leaf.ndim).their_shape(leaf.shape)
        if path[-1] == "var":
            shapes[_counter_of(key)] = ()
    return shapes


def from_torch(state: state_dicts.State, template: Variables) -> Variables:
    """Fills our variables from a state dict of the original.

    Args:
        state: Arrays by the original's names, in its layouts.
        template: Variables (or their shapes) of the same size of network.

    Returns:
        Variables of the template's structure, float32.

    Raises:
        DataError: Keys are missing, left over or of a wrong shape, or numbers are not
            finite; names them.
    """
    return _filled(state, template, checkpoint_sizes.NETWORK)


def _filled(
    state: state_dicts.State, template: Variables, network: str, prefix: str = ""
) -> Variables:
    """Fills variables from a state dict whose keys lack `prefix`."""
    leaves = architectures.flatten(template)

    def origin(path: key_maps.LeafPath) -> key_maps.Origin:
        key = torch_key(path[0], path[1:]).removeprefix(prefix)
        return key_maps.Origin((key,), _layout(path[0], leaves[path].ndim))

    shapes = torch_shapes(template)
    counters = {key: shapes[key] for key in shapes if key.endswith(_COUNTER)}
    filled = key_maps.fill(
        state,
        {path: leaf.shape for path, leaf in leaves.items()},
        origin,
        network=network,
        also=state_dicts.without_prefix(counters, prefix),
    )
    return architectures.unflatten(filled)


def to_torch(variables: Variables) -> dict[str, np.ndarray]:
    """Returns the state dict of the original that our variables come from.

    Counters of batches are those of the collection `COUNTERS`, or 0 without it.
    """
    variables = dict(variables)
    counters = variables.pop(COUNTERS, {})
    state: dict[str, np.ndarray] = {}
    for (collection, *path), leaf in architectures.flatten(variables).items():
        key = torch_key(collection, tuple(path))
        state[key] = _layout(collection, leaf.ndim).theirs(np.asarray(leaf))
        if path[-1] == "var":
            counter = _counter_of(key)
            state[counter] = counters.get(counter, np.zeros((), np.int64))
    return state


def counters_of(state: state_dicts.State) -> dict[str, np.ndarray]:
    """Returns the counters of batches of a state dict, for `COUNTERS`."""
    return {
        key: np.asarray(array, np.int64)
        for key, array in state.items()
        if key.endswith(_COUNTER)
    }


def encoder_from_torch(state: state_dicts.State, variables: Variables) -> Variables:
    """Fills the encoder from an ImageNet checkpoint of MSCAN; the rest stays.

    Keys may start with `backbone.`. The classifier, `head.*`, is left out. Those of the
    SegNeXt repository, with `dwconv.dwconv`, are known as well as mmsegmentation's.

    Args:
        state: Arrays by name, in PyTorch's layouts.
        variables: `params`, `batch_stats` and whatever else of a network.

    Returns:
        Variables of the same structure.

    Raises:
        DataError: The checkpoint is of another size or no MSCAN; names it, or its keys.
    """
    theirs = state_dicts.renamed(state, _encoder_key)
    template = {
        collection: {"backbone": variables[collection]["backbone"]}
        for collection in ("params", "batch_stats")
    }
    shapes = state_dicts.without_prefix(
        torch_shapes(template), checkpoint_sizes.ENCODER
    )
    ours = checkpoint_sizes.encoder_sizes(shapes)
    read = checkpoint_sizes.encoder_sizes(theirs.shapes)
    if read != ours:
        raise errors.DataError(
            f"The checkpoint is the encoder of {checkpoint_sizes.in_words(read)}; "
            f"the network has that of {checkpoint_sizes.in_words(ours)}."
        )
    filled = _filled(theirs, template, _ENCODER, checkpoint_sizes.ENCODER)
    merged = {name: {**variables[name], **filled[name]} for name in filled}
    return {**variables, **merged}


def _encoder_key(key: str) -> str | None:
    """Returns mmsegmentation's name of a weight of an encoder; None for its head."""
    name = key.removeprefix(checkpoint_sizes.ENCODER).removeprefix("backbone.")
    name = name.replace(".dwconv.dwconv.", ".dwconv.")
    return None if name.startswith("head.") else name


def _counter_of(variance_key: str) -> str:
    return variance_key.replace("running_var", _COUNTER)


def _layout(collection: str, axes: int) -> key_maps.Layout:
    """Returns how a leaf of so many axes lies in the original."""
    if axes == 4:
        return key_maps.CONVOLUTION
    return _CONSTANT if collection == "constants" else key_maps.SAME
