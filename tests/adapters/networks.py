"""Builds the small networks of the cases, of the classes of their checkouts.

Weights are a function of names, shapes and a seed (`kit.seeded`), so a network of the
checkout and one of RClicks's copy of it have the same.
"""

import functools

import kit
import rclicks
import torch

from rclicks_jax.bridge.adapters import checkouts

_WIDTH = 32


def use(checkout, original=False):
    """Makes the package `isegm` of a checkout importable, or RClicks's copy of it."""
    if original:
        rclicks.use()
    else:
        checkouts.use(str(kit.checkout(checkout)), "isegm")


def seeded(made, seed, gain=1.6, factors=None):
    """Gives a network weights, see `kit.seeded`; returns it, ready to answer."""
    made.load_state_dict(kit.seeded(made.state_dict(), seed, gain, factors))
    return made.eval()


def hrnet(**changes):
    """Returns an HRNet-18s with a narrow OCR head, as RITM and FocalClick have it."""
    settings = {
        "width": 18,
        "ocr_width": 8,
        "small": True,
        "use_leaky_relu": True,
        "use_rgb_conv": False,
        "use_disks": True,
        "norm_radius": 5,
        "with_prev_mask": True,
        "with_aux_output": True,
    }
    make = checkouts.find("isegm.model.is_hrnet_model:HRNetModel")
    return make(**{**settings, **changes})


def plain_vit(side, patch, backbone, head, **more):
    """Returns a narrow plain ViT, as SimpleClick and SegNext have it.

    Args:
        side: Of its square, in pixels.
        patch: Side of a patch.
        backbone: Settings that differ between the two.
        head: The same of the head.
        **more: Arguments of the class.
    """
    widths = [8, 16, 32, 64]
    return checkouts.find("isegm.model.is_plainvit_model:PlainVitModel")(
        backbone_params={
            "img_size": (side, side),
            "patch_size": (patch, patch),
            "in_chans": 3,
            "embed_dim": _WIDTH,
            "num_heads": 2,
            "qkv_bias": True,
            **backbone,
        },
        neck_params={"in_dim": _WIDTH, "out_dims": widths},
        head_params={
            "in_channels": widths,
            "dropout_ratio": 0.1,
            "num_classes": 1,
            **head,
        },
        use_disks=True,
        norm_radius=5,
        **more,
    )


def sam(package, encoder, *, width=_WIDTH, grid=8, depth=2, heads=2, **decoder):
    """Returns a SAM of a package made like `segment_anything`.

    Args:
        package: Which, importable.
        encoder: Makes the image encoder of the package's parts.
        width: Of prompts and decoder.
        grid: Places of the encoder's answer along a side, 16 pixels each.
        depth: Of the decoder's transformer.
        heads: Of its attention.
        **decoder: `kind`, the decoder's class, and its further arguments.
    """
    parts = checkouts.find(f"{package}.modeling")
    transformer = parts.TwoWayTransformer(
        depth=depth, embedding_dim=width, mlp_dim=64, num_heads=heads
    )
    return parts.Sam(
        image_encoder=encoder(parts),
        prompt_encoder=parts.PromptEncoder(
            embed_dim=width,
            image_embedding_size=(grid, grid),
            input_image_size=(16 * grid, 16 * grid),
            mask_in_chans=16,
        ),
        mask_decoder=getattr(parts, decoder.pop("kind", "MaskDecoder"))(
            num_multimask_outputs=3,
            transformer=transformer,
            transformer_dim=width,
            iou_head_depth=3,
            iou_head_hidden_dim=32,
            **decoder,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    )


def sam_encoder(parts, depth, looks_everywhere):
    """Returns a narrow image encoder of SAM for squares of 128 pixels.

    Args:
        parts: Of the package.
        depth: Its blocks.
        looks_everywhere: Those that attend to the whole square, from 0.
    """
    return parts.ImageEncoderViT(
        depth=depth,
        embed_dim=_WIDTH,
        img_size=128,
        mlp_ratio=4,
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6),
        num_heads=2,
        patch_size=16,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=looks_everywhere,
        window_size=5,
        out_chans=_WIDTH,
    )
