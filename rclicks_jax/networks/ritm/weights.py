"""Published weights of RITM to our variables.

The names of our modules follow the original's, so each of our leaves knows the keys
that it comes from. Every key must be used and every leaf filled, apart from counts of
steps of training. The parts that compare pixels with classes must be there as well,
though with a single class they change nothing (`ocr`).

A batch normalisation becomes part of the kernel and the bias before it, in float64.
"""

import re
from collections.abc import Mapping

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
    leaves = _foreign_leaves(sizes)
    filled = key_maps.fill(
        state,
        {path: shape for path, (_, shape) in leaves.items()},
        lambda path: leaves[path][0],
        network=f"RITM ({sizes.variant})",
        also=_without_effect(sizes),
        unused=_UNUSED,
    )
    return sizes, architectures.unflatten(_folded(filled))


def torch_shapes(sizes: RitmSizes) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict that must be there."""
    shapes = _without_effect(sizes)
    for origin, shape in _foreign_leaves(sizes).values():
        shapes.update(origin.shapes(shape))
    return shapes


def shapes_of(sizes: RitmSizes) -> Variables:
    """Returns the shapes of the variables of a RITM; nothing is computed."""
    side = 32
    return jax.eval_shape(
        network.Ritm(sizes).init,
        jax.random.key(0),
        jax.ShapeDtypeStruct((1, side, side, sizes.layers + 1), jnp.float32),
        jax.ShapeDtypeStruct((1, 2), jnp.int32),
        jax.ShapeDtypeStruct((1, 1, 2), jnp.float32),
        jax.ShapeDtypeStruct((1, 1), jnp.bool_),
    )


def _foreign_leaves(
    sizes: RitmSizes,
) -> dict[LeafPath, tuple[key_maps.Origin, tuple[int, ...]]]:
    """Returns where leaves come from and their shapes, before anything is folded."""
    found: dict[LeafPath, tuple[key_maps.Origin, tuple[int, ...]]] = {}
    for path, leaf in architectures.flatten(shapes_of(sizes)).items():
        *modules, kind = path
        name = _original(modules[1:])
        outputs = leaf.shape[-1:]
        if kind == "kernel":
            origin = key_maps.Origin((f"{name}.weight",), key_maps.CONVOLUTION)
            found[path] = origin, leaf.shape
            continue
        if _PLAIN.search(name) or _BIASED.search(name):
            found[path] = key_maps.Origin((f"{name}.bias",)), outputs
        if not _PLAIN.search(name):
            normalisation = _normalisation(name)
            for ours, theirs in _STATISTICS.items():
                origin = key_maps.Origin((f"{normalisation}.{theirs}",))
                found[(*modules, ours)] = origin, outputs
        if name == _SCALED:
            found[(*modules, "factor")] = key_maps.Origin((_SCALE,)), (1,)
    return found


def _original(modules: list[str]) -> str:
    """Returns the original's name of a module of ours."""
    name = ".".join(modules)
    if name.startswith("head."):
        name = f"feature_extractor.{name.removeprefix('head.')}"
    # A number is that of a layer in a list.
    name = re.sub(r"_(\d+)", r".\1", name)
    name = re.sub(r"(transition1\.0)$", r"\1.0", name)
    name = re.sub(r"(transition1\.1)$", r"\1.0.0", name)
    name = re.sub(r"transition([23])$", r"transition\1.\1.0.0", name)
    fusion = re.search(r"fuse_layers\.(\d)\.(\d)\.\d$", name)
    # What halves is nested once more.
    return f"{name}.0" if fusion and fusion[2] < fusion[1] else name


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


def _folded(filled: Mapping[LeafPath, np.ndarray]) -> dict[LeafPath, np.ndarray]:
    """Returns kernels and biases with the normalisations in them, as float32."""
    folded: dict[LeafPath, np.ndarray] = {}
    for path, leaf in filled.items():
        *modules, kind = path
        if kind != "kernel":
            continue
        kernel = leaf.astype(np.float64)
        kernel, bias = _of_convolution(
            kernel,
            {
                name: filled[(*modules, name)].astype(np.float64)
                for name in ("bias", "factor", *_STATISTICS)
                if (*modules, name) in filled
            },
        )
        folded[path] = kernel.astype(np.float32)
        folded[(*modules, "bias")] = bias.astype(np.float32)
    return folded


def _of_convolution(
    kernel: np.ndarray, given: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns a kernel and a bias with all that follows them."""
    bias = given.get("bias", np.zeros(kernel.shape[-1]))
    if "scale" in given:
        factor = given["scale"] / np.sqrt(given["var"] + _EPSILON)
        return kernel * factor, given["offset"] + (bias - given["mean"]) * factor
    factor = np.abs(given.get("factor", np.ones(1)))
    return kernel * factor, bias * factor
