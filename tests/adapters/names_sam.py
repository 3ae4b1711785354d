"""Names of weights: those of SAM and SAM-HQ in transformers and in the original.

Shapes are the same, so that seeded weights, which are a function of the original's
name and shape, can be given to either.
"""

import re

import kit

_MLP = r"hf_mlp|iou_prediction_head|output_hypernetworks_mlps\.\d+"
# Applied one after the other.
_RULES = (
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
    (r"\.hq_token\.", ".hf_token."),
    (r"\.hq_mask_mlp\.", ".hf_mlp."),
    (rf"({_MLP})\.layers\.0\.", r"\1.layers.1."),
    (rf"({_MLP})\.proj_in\.", r"\1.layers.0."),
    (rf"({_MLP})\.proj_out\.", r"\1.layers.2."),
    (r"\.compress_vit_conv1\.", ".compress_vit_feat.0."),
    (r"\.compress_vit_norm\.", ".compress_vit_feat.1."),
    (r"\.compress_vit_conv2\.", ".compress_vit_feat.3."),
    (r"\.encoder_conv1\.", ".embedding_encoder.0."),
    (r"\.encoder_norm\.", ".embedding_encoder.1."),
    (r"\.encoder_conv2\.", ".embedding_encoder.3."),
    (r"\.mask_conv1\.", ".embedding_maskfeature.0."),
    (r"\.mask_norm\.", ".embedding_maskfeature.1."),
    (r"\.mask_conv2\.", ".embedding_maskfeature.3."),
)
# It is `shared_image_embedding.positional_embedding` once more.
_TIED = "prompt_encoder.shared_embedding.positional_embedding"


def original(name):
    """Returns what the original calls a weight of transformers."""
    for pattern, replacement in _RULES:
        name = re.sub(pattern, replacement, name)
    return name


def seed(network, number, factors):
    """Gives a network of transformers the weights the original has for a seed."""
    weights = network.state_dict()
    weights.pop(_TIED, None)
    names = {original(name): name for name in weights}
    assert len(names) == len(weights)
    shapes = {known: weights[name] for known, name in names.items()}
    made = kit.seeded(shapes, number, factors=factors)
    given = {names[known]: value for known, value in made.items()}
    left = network.load_state_dict(given, strict=False)
    assert not left.unexpected_keys
    assert set(left.missing_keys) <= {_TIED}
    network.tie_weights()
