"""Names of weights of SAM and its successors: the original's, the hub's, and ours.

The names of our modules follow the original's, so each of our leaves knows the key that
it comes from.
"""

import re
from collections.abc import Callable

from rclicks_jax.networks.architectures import LeafPath
from rclicks_jax.weights import key_maps, state_dicts

_LEAF_NAMES = {"kernel": "weight", "scale": "weight", "table": "weight"}
# Beginnings of the names of modules that are transposed convolutions.
_DOUBLING = ("output_upscaling", "compress_vit_feat", "embedding_encoder")
# IOHW to IHWO.
_TRANSPOSED_CONVOLUTION = key_maps.Layout((0, 2, 3, 1))
# From the hub's names of prompts and decoder to the original's, one after the other.
HUB: key_maps.Rules = (
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
# The hub holds the matrix of positions twice; a file may hold it once.
HUB_TWINS = (
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.shared_embedding.positional_embedding",
)
FREQUENCIES = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
_MLP = r"iou_prediction_head|output_hypernetworks_mlps\.\d+"
# The hub has names for the first and the last layer, and numbers those between from 0.
_LAYER = re.compile(rf"({_MLP})\.(?:(proj_in)|(proj_out)|layers\.([0-9]{{1,4}}))\.")
_SCORE_LAYER = re.compile(r"mask_decoder\.iou_prediction_head\.layers\.\d+\.weight")


def hub_layers(state: state_dicts.State) -> Callable[[str], str]:
    """Returns what numbers the layers of the decoder's heads as the original does.

    Args:
        state: Arrays by the hub's names.
    """
    between = sum(bool(_SCORE_LAYER.fullmatch(key)) for key in state)

    def layer(match: re.Match[str]) -> str:
        if match[2]:
            number = 0
        elif match[3]:
            number = between + 1
        else:
            number = int(match[4]) + 1
        return f"{match[1]}.layers.{number}."

    return lambda name: _LAYER.sub(layer, name)


def is_second_twin(key: str, state: state_dicts.State) -> bool:
    """Tells whether the hub's weights have the array of a key by another name too."""
    first, second = HUB_TWINS
    return key == second and first in state


def origin(path: LeafPath, axes: int, rules: key_maps.Rules = ()) -> key_maps.Origin:
    """Returns where a leaf of so many axes comes from.

    Args:
        path: Names of the collection, the modules and the leaf.
        axes: Number of axes of the leaf.
        rules: Where the original has other names than our modules.
    """
    _, *modules, leaf = (re.sub(r"_(\d+)$", r".\1", name) for name in path)
    key = key_maps.renamed(".".join([*modules, _LEAF_NAMES.get(leaf, leaf)]), rules)
    if leaf != "kernel":
        layout = key_maps.SAME
    elif axes == 2:
        layout = key_maps.DENSE
    elif path[-2].startswith(_DOUBLING):
        layout = _TRANSPOSED_CONVOLUTION
    else:
        layout = key_maps.CONVOLUTION
    return key_maps.Origin((key,), layout)
