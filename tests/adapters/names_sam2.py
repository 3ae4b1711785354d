"""Names of SAM 2's weights: those of `transformers` and those of the original."""

import re

import torch

_RULES = [
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d+)\.", r"image_encoder.neck.convs.\1.conv."),
    (r"patch_embed\.projection\.", "patch_embed.proj."),
    (r"^no_memory_embedding$", "no_mem_embed"),
    (
        r"^(shared_image_embedding|prompt_encoder\.shared_embedding)\..*",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"\.mask_embed\.conv1\.", ".mask_downscaling.0."),
    (r"\.mask_embed\.layer_norm1\.", ".mask_downscaling.1."),
    (r"\.mask_embed\.conv2\.", ".mask_downscaling.3."),
    (r"\.mask_embed\.layer_norm2\.", ".mask_downscaling.4."),
    (r"\.mask_embed\.conv3\.", ".mask_downscaling.6."),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
    (r"\.layer_norm_final_attn\.", ".norm_final_attn."),
    (r"\.layer_norm(\d)\.", r".norm\1."),
    (r"\.o_proj\.", ".out_proj."),
    # Blocks have perceptrons of two layers, heads have some of three.
    (r"\.mlp\.proj_in\.", ".mlp.layers.0."),
    (r"\.mlp\.proj_out\.", ".mlp.layers.1."),
    (r"(mlps\.\d+|_head)\.layers\.0\.", r"\1.layers.1."),
    (r"(mlps\.\d+|_head)\.proj_in\.", r"\1.layers.0."),
    (r"(mlps\.\d+|_head)\.proj_out\.", r"\1.layers.2."),
    (r"^(prompt_encoder|mask_decoder)\.", r"sam_\1."),
]
_POINTS = "prompt_encoder.point_embed.weight"


def originals(name):
    """Returns the names of the weights that `transformers` holds as one."""
    if name == _POINTS:
        return [f"sam_prompt_encoder.point_embeddings.{kind}.weight" for kind in "0123"]
    for pattern, replacement in _RULES:
        name = re.sub(pattern, replacement, name)
    return [name]


def original_shapes(weights):
    """Returns weights of `transformers` by the original's names, with its shapes."""
    parts = {}
    for name, value in weights.items():
        names = originals(name)
        split = [value] if len(names) == 1 else value.split(1)
        parts.update(zip(names, split, strict=True))
    return parts


def renamed(weights, names):
    """Returns the original's weights by names of `transformers`.

    Args:
        weights: The original's; those of its memory are left out.
        names: What the network of `transformers` holds.
    """
    return {
        name: torch.cat([weights[one] for one in originals(name)]) for name in names
    }
