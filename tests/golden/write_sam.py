"""Writes what the authors' SAM answers with seeded weights, for tests of ours.

    PYTHON_WITH_TORCH tests/golden/write_sam.py CHECKOUT OUT.npz [SIZE [MOST [exact]]]

CHECKOUT is one of https://github.com/facebookresearch/segment-anything. SIZE is small,
vit_b, vit_l or vit_h, and MOST a number of photographs, if not all. Photographs and
prompts go through the bridge's adapter, which is compared with RClicks's own code. With
`exact` the authors' code computes in float64.
"""

import functools
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parent / "adapters")]

import doubles
import played
import sam_cases
import stand_ins
import torch

from rclicks_jax.bridge.adapters import sam as adapter


def small(package, global_blocks=(1,)):
    """Returns a SAM for squares of 128 pixels, of the package's classes."""
    parts = package.modeling
    encoder = parts.ImageEncoderViT(
        depth=3,
        embed_dim=64,
        img_size=128,
        mlp_ratio=4,
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6),
        num_heads=4,
        patch_size=16,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=global_blocks,
        window_size=5,
        out_chans=64,
    )
    prompt_encoder = parts.PromptEncoder(
        embed_dim=64,
        image_embedding_size=(8, 8),
        input_image_size=(128, 128),
        mask_in_chans=16,
    )
    transformer = parts.TwoWayTransformer(
        depth=2, embedding_dim=64, mlp_dim=128, num_heads=8
    )
    decoder = parts.MaskDecoder(
        num_multimask_outputs=3,
        transformer=transformer,
        transformer_dim=64,
        iou_head_depth=3,
        iou_head_hidden_dim=48,
    )
    return parts.Sam(encoder, prompt_encoder, decoder)


def network_of(package, size):
    """Returns a network with seeded weights."""
    made = small(package) if size == "small" else package.sam_model_registry[size](None)
    shapes = {key: value.shape for key, value in made.state_dict().items()}
    is_small = size == "small"
    factors = sam_cases.FACTORS if is_small else sam_cases.PUBLISHED_FACTORS
    state = sam_cases.state_of(shapes, factors)
    made.load_state_dict({key: torch.from_numpy(each) for key, each in state.items()})
    return made.eval().requires_grad_(False)


def listen(network):
    """Returns a list to which each pass of the decoder adds the masks' scores."""
    heard = []
    network.mask_decoder.register_forward_hook(
        lambda module, inputs, outputs: heard.append(outputs[1].numpy())
    )
    return heard


def main(checkout, out, size="small", most="4", exact=None):
    """Writes a file."""
    stand_ins.install()
    sys.path.insert(0, checkout)
    import segment_anything

    if exact:
        doubles.theirs()
    network = network_of(segment_anything, size)
    heard, model = listen(network), adapter.Model(network)

    def answered(shape):
        features, low_res, scores, masks = played.play(adapter, model, heard, shape)
        return features.embeddings[0].numpy(), low_res, {"scores": scores}, masks

    played.write(out, network, size, answered, int(most))


if __name__ == "__main__":
    torch.set_num_threads(1 if sys.argv[3:] in ([], ["small"]) else 2)
    main(*sys.argv[1:])
