"""Published weights of SAM to our variables: by the original's names, or the hub's.

The names of our modules follow the original's, so each of our leaves knows the one key
that it comes from. Every key must be used and every leaf filled.
"""

import re

import jax
import jax.numpy as jnp

from rclicks_jax.networks import architectures
from rclicks_jax.networks.architectures import LeafPath, Variables
from rclicks_jax.networks.sam import network
from rclicks_jax.networks.sam.sizes import SamSizes, sizes_of
from rclicks_jax.weights import key_maps, state_dicts

_LEAF_NAMES = {"kernel": "weight", "scale": "weight", "table": "weight"}
# IOHW to IHWO.
_TRANSPOSED_CONVOLUTION = key_maps.Layout((0, 2, 3, 1))
_MLP = r"iou_prediction_head|output_hypernetworks_mlps\.\d+"
# From the hub's names to the original's, applied one after the other.
_HUB: key_maps.Rules = (
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
)
# It is `shared_image_embedding.positional_embedding` once more.
_TIED = "prompt_encoder.shared_embedding.positional_embedding"
_HUB_SIGN = "vision_encoder."
# The hub has names for the first and the last layer, and numbers those between from 0.
_LAYER = re.compile(rf"({_MLP})\.(?:(proj_in)|(proj_out)|layers\.([0-9]{{1,4}}))\.")
_SCORE_LAYER = re.compile(r"mask_decoder\.iou_prediction_head\.layers\.\d+\.weight")


def from_torch(state: state_dicts.State) -> tuple[SamSizes, Variables]:
    """Returns the sizes and the variables of a state dict, of the original or the hub.

    Raises:
        DataError: It is of no SAM; names what is missing, left over or wrong.
    """
    state = by_original_names(state)
    sizes = sizes_of(state)
    leaves = architectures.flatten(shapes_of(sizes))
    filled = key_maps.fill(
        state,
        {path: leaf.shape for path, leaf in leaves.items()},
        lambda path: _origin(path, leaves[path].ndim),
        network=f"SAM ({sizes.variant})",
    )
    return sizes, architectures.unflatten(filled)


def by_original_names(state: state_dicts.State) -> state_dicts.State:
    """Returns a state dict by the original's names, whichever names it has.

    Raises:
        DataError: Two keys are of the same weight.
    """
    if not any(key.startswith(_HUB_SIGN) for key in state):
        return state
    between = sum(bool(_SCORE_LAYER.fullmatch(key)) for key in state)

    def layer(match: re.Match[str]) -> str:
        if match[2]:
            number = 0
        elif match[3]:
            number = between + 1
        else:
            number = int(match[4]) + 1
        return f"{match[1]}.layers.{number}."

    def rename(key: str) -> str | None:
        if key == _TIED:
            return None
        return _LAYER.sub(layer, key_maps.renamed(key, _HUB))

    return state_dicts.renamed(state, rename)


def torch_shapes(sizes: SamSizes) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the original's state dict of a SAM."""
    shapes: dict[str, tuple[int, ...]] = {}
    for path, leaf in architectures.flatten(shapes_of(sizes)).items():
        shapes.update(_origin(path, leaf.ndim).shapes(leaf.shape))
    return shapes


def shapes_of(sizes: SamSizes) -> Variables:
    """Returns the shapes of the variables of a SAM; nothing is computed."""
    square = jax.ShapeDtypeStruct((1, sizes.side, sizes.side, 3), jnp.float32)
    return jax.eval_shape(network.Sam(sizes).init, jax.random.key(0), square)


def _origin(path: LeafPath, axes: int) -> key_maps.Origin:
    """Returns where a leaf of so many axes comes from.

    Args:
        path: Names of the collection, the modules and the leaf.
        axes: Number of axes of the leaf.
    """
    _, *modules, leaf = (re.sub(r"_(\d+)$", r".\1", name) for name in path)
    key = ".".join([*modules, _LEAF_NAMES.get(leaf, leaf)])
    if leaf != "kernel":
        layout = key_maps.SAME
    elif axes == 2:
        layout = key_maps.DENSE
    elif path[-2].startswith("output_upscaling"):
        layout = _TRANSPOSED_CONVOLUTION
    else:
        layout = key_maps.CONVOLUTION
    return key_maps.Origin((key,), layout)
