"""Published weights of SAM to our variables: by the original's names, or the hub's.

The names of our modules follow the original's, so each of our leaves knows the one key
that it comes from. Every key must be used and every leaf filled.
"""

import pathlib
import re
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy
from jax.typing import DTypeLike

from rclicks_jax import errors
from rclicks_jax.networks import architectures
from rclicks_jax.networks.architectures import LeafPath, Variables
from rclicks_jax.networks.sam import network
from rclicks_jax.networks.sam.sizes import SamSizes, sizes_of
from rclicks_jax.weights import state_dicts, torch_files

_LEAF_NAMES = {"kernel": "weight", "scale": "weight", "table": "weight"}
_MLP = r"iou_prediction_head|output_hypernetworks_mlps\.\d+"
# From the hub's names to the original's, applied one after the other.
_HUB = (
    (r"^vision_encoder\.", "image_encoder."),
    (r"\.patch_embed\.projection\.", ".patch_embed.proj."),
    (r"^image_encoder\.layers\.(\d+)\.layer_norm", r"image_encoder.blocks.\1.norm"),
    (r"^image_encoder\.layers\.", "image_encoder.blocks."),
    (r"\.neck\.conv1\.", ".neck.0."),
    (r"\.neck\.layer_norm1\.", ".neck.1."),
    (r"\.neck\.conv2\.", ".neck.2."),
    (r"\.neck\.layer_norm2\.", ".neck.3."),
    (
        r"^shared_image_embedding\.positional_embedding$",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"\.point_embed\.", ".point_embeddings."),
    (r"\.mask_embed\.conv1\.", ".mask_downscaling.0."),
    (r"\.mask_embed\.layer_norm1\.", ".mask_downscaling.1."),
    (r"\.mask_embed\.conv2\.", ".mask_downscaling.3."),
    (r"\.mask_embed\.layer_norm2\.", ".mask_downscaling.4."),
    (r"\.mask_embed\.conv3\.", ".mask_downscaling.6."),
    (r"\.transformer\.layer_norm_final_attn\.", ".transformer.norm_final_attn."),
    (r"\.transformer\.layers\.(\d+)\.layer_norm", r".transformer.layers.\1.norm"),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
    (rf"({_MLP})\.layers\.(\d+)\.", r"\1.layers.\2+1."),
    (rf"({_MLP})\.proj_in\.", r"\1.layers.0."),
)
# It is `shared_image_embedding.positional_embedding` once more.
_TIED = "prompt_encoder.shared_embedding.positional_embedding"
_HUB_FILE = "model.safetensors"
_HUB_SIGN = "vision_encoder."
_PROJ_OUT = re.compile(rf"({_MLP})\.proj_out\.")
_PLUS_ONE = re.compile(r"\.(\d+)\+1\.")


def file_of(checkpoint: str) -> pathlib.Path:
    """Returns the file of a checkpoint: itself, or the one of a hub's folder.

    Raises:
        SegmenterError: There is no such file.
    """
    path = pathlib.Path(checkpoint).expanduser()
    if path.is_dir():
        path = path / _HUB_FILE
    if not path.is_file():
        raise errors.SegmenterError(
            f"{path} is not there: a checkpoint is a file such as "
            f"sam_vit_b_01ec64.pth, or a hub's folder with {_HUB_FILE}."
        )
    return path


def read(path: pathlib.Path) -> tuple[SamSizes, Variables]:
    """Returns the sizes and the variables of a file.

    Raises:
        DataError: It cannot be read, or is of no SAM; names what is wrong.
    """
    if path.suffix != pathlib.PurePath(_HUB_FILE).suffix:
        return from_torch(state_dicts.state_dict(torch_files.read(path)))
    try:
        return from_torch(safetensors.numpy.load_file(path))
    except (safetensors.SafetensorError, KeyError, OSError) as error:
        raise errors.DataError(
            f"The file is damaged or no safetensors file of float32 ({error})."
        ) from error


def in_precision(variables: Variables, dtype: DTypeLike) -> Variables:
    """Returns variables whose matrices have a type already; others stay float32."""
    leaves = {
        path: np.asarray(leaf).astype(dtype) if path[-1] == "kernel" else leaf
        for path, leaf in architectures.flatten(variables).items()
    }
    return architectures.unflatten(leaves)


def from_torch(state: state_dicts.State) -> tuple[SamSizes, Variables]:
    """Returns the sizes and the variables of a state dict, of the original or the hub.

    Raises:
        DataError: It is of no SAM; names what is missing, left over or wrong.
    """
    state = by_original_names(state)
    sizes = sizes_of(state)
    template = architectures.flatten(shapes_of(sizes))
    keys = {path: torch_key(path[1:]) for path in template}
    expected = {
        key: torch_shape(path, template[path].shape) for path, key in keys.items()
    }
    wrong = [
        f"{key} {array.shape} instead of {expected[key]}"
        for key, array in state.items()
        if key in expected and array.shape != expected[key]
    ]
    problems = {
        "lacks": expected.keys() - state.keys(),
        "has unknown": state.keys() - expected.keys(),
        "has wrong shapes at": wrong,
        "has NaN or infinity at": _not_finite(state),
    }
    clauses = [
        f"{verb} {state_dicts.listed(found)}"
        for verb, found in problems.items()
        if found
    ]
    if clauses:
        raise errors.DataError(f"The checkpoint of SAM {'; it '.join(clauses)}.")
    leaves: dict[LeafPath, np.ndarray] = {
        path: _our_layout(path, np.asarray(state[key], np.float32))
        for path, key in keys.items()
    }
    return sizes, architectures.unflatten(leaves)


def by_original_names(state: state_dicts.State) -> Mapping[str, np.ndarray]:
    """Returns a state dict by the original's names, whichever names it has.

    Raises:
        DataError: Two keys are of the same weight.
    """
    if not any(key.startswith(_HUB_SIGN) for key in state):
        return state
    last = 1 + max(
        (int(found[1]) for key in state if (found := _SCORE_LAYER.match(key))),
        default=-1,
    )
    named: dict[str, np.ndarray] = {}
    for key, array in state.items():
        if key == _TIED:
            continue
        name = key
        for pattern, replacement in _HUB:
            name = re.sub(pattern, replacement, name)
        name = _PLUS_ONE.sub(lambda found: f".{int(found[1]) + 1}.", name)
        name = _PROJ_OUT.sub(rf"\1.layers.{last + 1}.", name)
        if name in named:
            raise errors.DataError(f"The checkpoint has {name} twice, once as {key}.")
        named[name] = array
    return named


_SCORE_LAYER = re.compile(r"mask_decoder\.iou_prediction_head\.layers\.(\d+)\.weight")


def torch_key(path: LeafPath) -> str:
    """Returns the original's key of a leaf of `params`.

    Args:
        path: Names of the modules and of the leaf.
    """
    *modules, leaf = (re.sub(r"_(\d+)$", r".\1", name) for name in path)
    return ".".join([*modules, _LEAF_NAMES.get(leaf, leaf)])


def shapes_of(sizes: SamSizes) -> Variables:
    """Returns the shapes of the variables of a SAM; nothing is computed."""
    square = jax.ShapeDtypeStruct((1, sizes.side, sizes.side, 3), jnp.float32)
    return jax.eval_shape(network.Sam(sizes).init, jax.random.key(0), square)


def _is_transposed_convolution(path: LeafPath) -> bool:
    return path[-1] == "kernel" and path[-2].startswith("output_upscaling")


def torch_shape(path: LeafPath, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the original's shape of a leaf of variables.

    Args:
        path: Names of the collection, the modules and the leaf.
        shape: Our shape.
    """
    if path[-1] != "kernel":
        return tuple(shape)
    if _is_transposed_convolution(path):
        inputs, height, width, outputs = shape
        return inputs, outputs, height, width
    if len(shape) == 2:
        return shape[::-1]
    height, width, inputs, outputs = shape
    return outputs, inputs, height, width


def _our_layout(path: LeafPath, array: np.ndarray) -> np.ndarray:
    if path[-1] != "kernel":
        return array
    if _is_transposed_convolution(path):
        return array.transpose(0, 2, 3, 1)
    if array.ndim == 2:
        return np.ascontiguousarray(array.T)
    return np.ascontiguousarray(array.transpose(2, 3, 1, 0))


def _not_finite(state: state_dicts.State) -> list[str]:
    return [
        key
        for key, array in state.items()
        if array.dtype.kind == "f" and not np.isfinite(array.sum(dtype=np.float64))
    ]
