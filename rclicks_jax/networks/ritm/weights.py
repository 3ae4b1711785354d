"""Published weights of RITM to our variables.

The names of our modules follow the original's, so each of our leaves knows the keys
that it comes from. Every key must be used and every leaf filled, apart from counts of
steps of training. The parts that compare pixels with classes must be there as well,
though with a single class they change nothing (`ocr`).

A batch normalisation becomes part of the kernel and the bias before it, in float64.
"""

import re
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks import architectures
from rclicks_jax.networks.architectures import LeafPath, Variables
from rclicks_jax.networks.ritm import network
from rclicks_jax.networks.ritm.sizes import RitmSizes, sizes_of
from rclicks_jax.weights import key_maps, state_dicts

# PyTorch's default.
_EPSILON = 1e-5
_UNUSED = (r"\.num_batches_tracked$",)
# Convolutions without a normalisation, and those with one that have a bias as well.
_PLAIN = re.compile(r"^maps_transform\.[02]$|\.(cls_head|aux_head\.3)$")
_BIASED = re.compile(r"\.(aux_head|conv3x3_ocr)\.0$")
_SCALED, _SCALE = "maps_transform.2", "maps_transform.3.scale"
# Leaves of a normalisation, by ours and the original's names.
_STATISTICS = {
    "scale": "weight",
    "offset": "bias",
    "mean": "running_mean",
    "var": "running_var",
}
_ATTENTION = "feature_extractor.ocr_distri_head.object_context_block"


def from_torch(state: state_dicts.State) -> tuple[RitmSizes, Variables]:
    """Returns the sizes and the variables of a state dict.

    Raises:
        DataError: It is of no RITM; names what is missing, left over or wrong.
    """
    sizes = sizes_of(state)
    leaves = _leaves(sizes)
    filled = key_maps.fill(
        state,
        {path: shape for path, (_, shape) in leaves.items()},
        lambda path: leaves[path][0],
        network=f"RITM ({sizes.variant})",
        also=_without_effect(sizes),
        unused=_UNUSED,
    )
    variables: dict[LeafPath, np.ndarray] = {}
    for (*modules, kind), leaf in architectures.flatten(shapes_of(sizes)).items():
        if kind != "kernel":
            continue
        repeats = leaf.shape[:-4]
        both = [_of_convolution(filled, name) for name in _originals(modules, repeats)]
        for name, arrays in zip(
            ("kernel", "bias"), zip(*both, strict=True), strict=True
        ):
            shape = (*repeats, *arrays[0].shape)
            variables[(*modules, name)] = np.stack(arrays).reshape(shape)
    return sizes, architectures.unflatten(variables)


def torch_shapes(sizes: RitmSizes) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict that must be there."""
    shapes = _without_effect(sizes)
    for origin, shape in _leaves(sizes).values():
        shapes.update(origin.shapes(shape))
    return shapes


def shapes_of(sizes: RitmSizes) -> Variables:
    """Returns the shapes of the variables of a RITM; nothing is computed."""
    side = 32
    return architectures.shapes(
        network.Ritm(sizes),
        jax.ShapeDtypeStruct((1, side, side, sizes.layers + 1), jnp.float32),
        jax.ShapeDtypeStruct((1, 2), jnp.int32),
        jax.ShapeDtypeStruct((1, 1, 2), jnp.float32),
        jax.ShapeDtypeStruct((1, 1), jnp.bool_),
    )


def _leaves(
    sizes: RitmSizes,
) -> dict[LeafPath, tuple[key_maps.Origin, tuple[int, ...]]]:
    """Returns where arrays come from and their shapes, before any becomes another.

    Their paths are the original's name of a convolution and what they are of it.
    """
    found: dict[LeafPath, tuple[key_maps.Origin, tuple[int, ...]]] = {}
    for (*modules, kind), leaf in architectures.flatten(shapes_of(sizes)).items():
        if kind != "kernel":
            continue
        shape, outputs = leaf.shape[-4:], leaf.shape[-1:]
        for name in _originals(modules, leaf.shape[:-4]):
            origin = key_maps.Origin((f"{name}.weight",), key_maps.CONVOLUTION)
            found[name, "kernel"] = origin, shape
            is_plain = _PLAIN.search(name)
            if is_plain or _BIASED.search(name):
                found[name, "bias"] = key_maps.Origin((f"{name}.bias",)), outputs
            if name == _SCALED:
                found[name, "factor"] = key_maps.Origin((_SCALE,)), (1,)
            if is_plain:
                continue
            for ours, theirs in _STATISTICS.items():
                origin = key_maps.Origin((f"{_normalisation(name)}.{theirs}",))
                found[name, ours] = origin, outputs
    return found


def _originals(modules: Sequence[str], repeats: tuple[int, ...]) -> list[str]:
    """Returns the original's names of a convolution, in the order of its repetitions.

    Args:
        modules: Our names of it and of what it is in.
        repeats: How often the modules that are repeated are there, the outer ones
            first.
    """
    name = ".".join(modules[1:])
    if name.startswith("head."):
        name = f"feature_extractor.{name.removeprefix('head.')}"
    # A number is that of a layer in a list.
    name = re.sub(r"_(\d+)", r".\1", name)
    name = re.sub(r"(transition1\.0)$", r"\1.0", name)
    name = re.sub(r"(transition1\.1)$", r"\1.0.0", name)
    name = re.sub(r"transition([23])$", r"transition\1.\1.0.0", name)
    fusion = re.search(r"fuse_layers\.(\d)\.(\d)\.\d$", name)
    if fusion and fusion[2] < fusion[1]:
        # What halves is nested once more.
        name = f"{name}.0"
    # Where the number of a repetition belongs.
    name = re.sub(r"(stage\d|layer1|branches\.\d)\.(?!0\.)", r"\1.{}.", name)
    first = 1 if ".layer1." in name else 0
    return [
        name.format(*(first + number for number in numbers))
        for numbers in np.ndindex(*repeats)
    ]


def _normalisation(name: str) -> str:
    """Returns the original's name of the normalisation after a convolution."""
    parent, _, last = name.rpartition(".")
    if last.startswith("conv"):
        return f"{parent}.bn{last.removeprefix('conv')}"
    after = f"{parent}.{int(last) + 1}"
    nested = re.search(r"\.(f_\w+|conv_bn_dropout)$", parent)
    return f"{after}.0" if nested else after


def _without_effect(sizes: RitmSizes) -> dict[str, tuple[int, ...]]:
    """Returns shapes of what compares pixels with classes."""
    shapes: dict[str, tuple[int, ...]] = {}
    for compared in ("f_pixel", "f_object"):
        for layer, inputs in ((0, sizes.context), (2, sizes.keys)):
            name = f"{_ATTENTION}.{compared}.{layer}"
            shapes[f"{name}.weight"] = (sizes.keys, inputs, 1, 1)
            for theirs in _STATISTICS.values():
                shapes[f"{_normalisation(name)}.{theirs}"] = (sizes.keys,)
    return shapes


def _of_convolution(
    filled: Mapping[LeafPath, np.ndarray], name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the kernel and the bias of a convolution with all that follows it.

    Args:
        filled: Arrays of all convolutions.
        name: The original's name of one.
    """
    given = {
        kind: filled[name, kind].astype(np.float64)
        for kind in ("kernel", "bias", "factor", *_STATISTICS)
        if (name, kind) in filled
    }
    kernel = given["kernel"]
    bias = given["bias"] if "bias" in given else np.zeros(kernel.shape[-1])
    factor = np.abs(given["factor"]) if "factor" in given else np.ones(1)
    bias = bias * factor
    if "scale" in given:
        factor = given["scale"] / np.sqrt(given["var"] + _EPSILON)
        bias = given["offset"] + (bias - given["mean"]) * factor
    return (kernel * factor).astype(np.float32), bias.astype(np.float32)
