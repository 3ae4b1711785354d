"""Measures how far transformers is from the original with the same seeded weights.

    python compare_sam.py sam|sam_hq small|vit_b

Needs the checkouts that RCLICKS_CHECKOUTS names, and for `vit_b` a few minutes. Eleven
trajectories of random clicks on one photograph; the original is driven by our adapter,
which the cases show to be as RClicks drives it. Seconds are those of one processor.
"""

import functools
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import kit
import names_sam
import numpy as np
import stand_ins
import torch
import transformers

from rclicks_jax.bridge import answers
from rclicks_jax.bridge.adapters import checkouts, sam, sam_hq, transformers_sam

SEED, TRAJECTORIES, ROUNDS = 3, 11, {"small": 5, "vit_b": 3}
# Side, width, depth, heads, layers that see all, window; then of the decoder.
SIZES = {
    "small": (256, 64, 4, 4, [1, 3], 7, 64, 128, 4),
    "vit_b": (1024, 768, 12, 12, [2, 5, 8, 11], 14, 256, 2048, 8),
}
PACKAGES = {
    "sam": ("segment-anything", sam, "MaskDecoder", "Sam"),
    "sam_hq": ("sam-hq", sam_hq, "MaskDecoderHQ", "SamHQ"),
}


def factors(name, size):
    """Returns what makes masks with both sides of each network."""
    mlps = {"sam": 1.5, "sam_hq": 0.9}[name] * {"small": 1, "vit_b": 0.8}[size]
    hq_mlp = 0.9 * {"small": 1, "vit_b": 0.8}[size]
    return {"output_hypernetworks_mlps": mlps, "hf_mlp": hq_mlp, "point_embed": 2.0}


def _of_kind(prefix, name):
    return getattr(transformers, f"{prefix}{name}")


def of_transformers(name, size):
    """Returns the network as transformers has it."""
    side, width, depth, heads, everywhere, window, inner, mlp, inner_heads = SIZES[size]
    prefix = PACKAGES[name][3]
    make = functools.partial(_of_kind, prefix)
    decoder = {"vit_dim": width} if name == "sam_hq" else {}
    config = make("Config")(
        vision_config=make("VisionConfig")(
            hidden_size=width,
            output_channels=inner,
            num_hidden_layers=depth,
            num_attention_heads=heads,
            image_size=side,
            window_size=window,
            global_attn_indexes=everywhere,
            num_pos_feats=inner // 2,
        ),
        prompt_encoder_config=make("PromptEncoderConfig")(
            hidden_size=inner, image_size=side
        ),
        mask_decoder_config=make("MaskDecoderConfig")(
            hidden_size=inner,
            mlp_dim=mlp,
            num_attention_heads=inner_heads,
            iou_head_hidden_dim=inner,
            **decoder,
        ),
    )
    network = make("Model")(config)
    names_sam.seed(network, SEED, factors(name, size))
    return network.eval()


def of_checkout(name, size):
    """Returns the original network."""
    side, width, depth, heads, everywhere, window, inner, mlp, inner_heads = SIZES[size]
    repository, _, decoder, _ = PACKAGES[name]
    checkouts.use(str(kit.checkout(repository)), "segment_anything")
    parts = checkouts.find("segment_anything.modeling")
    norm = functools.partial(torch.nn.LayerNorm, eps=1e-6)
    encoder = parts.ImageEncoderViT(
        img_size=side,
        embed_dim=width,
        depth=depth,
        num_heads=heads,
        out_chans=inner,
        norm_layer=norm,
        use_rel_pos=True,
        window_size=window,
        global_attn_indexes=everywhere,
    )
    prompts = parts.PromptEncoder(inner, (side // 16,) * 2, (side,) * 2, 16)
    network = parts.Sam(
        encoder,
        prompts,
        getattr(parts, decoder)(
            transformer_dim=inner,
            transformer=parts.TwoWayTransformer(2, inner, inner_heads, mlp),
            iou_head_hidden_dim=inner,
            **({"vit_dim": width} if name == "sam_hq" else {}),
        ),
    )
    weights = kit.seeded(network.state_dict(), SEED, factors=factors(name, size))
    network.load_state_dict(weights)
    return network.eval()


def play(adapter, model, image, rounds):
    """Returns maps, `f32[t rounds h w]`, and processor seconds of each kind of call."""
    random = np.random.default_rng(1)
    yx = random.integers(0, image.shape[:2], (TRAJECTORIES, rounds, 2)).astype(np.int32)
    positive = random.random((TRAJECTORIES, rounds)) < 0.5
    positive[:, 0] = True
    start = time.process_time()
    features = adapter.encode(model, image)
    seconds, state, maps = [time.process_time() - start], None, []
    for count in range(1, rounds + 1):
        every = np.full(TRAJECTORIES, count, np.int32)
        clicks = kit.Clicks(yx[:, :count], positive[:, :count], every)
        start = time.process_time()
        answer, state = adapter.predict(model, features, clicks, state)
        seconds.append(time.process_time() - start)
        maps.append(answers.arrays_of(answer, adapter, True)["probabilities"].copy())
    return np.stack(maps, axis=1), seconds


def _shown(seconds):
    calls = " ".join(f"{one:.2f}" for one in seconds[1:])
    return f"encoded in {seconds[0]:.2f} s, clicks in {calls} s"


def main(name, size):
    """Prints a line for each way to run the network."""
    as_it_is = of_transformers(name, size)
    stand_ins.install()
    image = kit.photographs(300 if size == "small" else None)[0]
    _, adapter, _, _ = PACKAGES[name]
    model = sam.Model(of_checkout(name, size))
    expected, seconds = play(adapter, model, image, ROUNDS[size])
    shares = (expected > 0.5).mean(axis=(-2, -1))
    print(
        f"original: {_shown(seconds)}; shares of the object {shares.min():.2f} to "
        f"{shares.max():.2f}"
    )
    for kind in ("as it is", "changed by the adapter"):
        # In place, hence last.
        if kind != "as it is":
            transformers_sam.as_original(as_it_is)
        model = transformers_sam.Model(as_it_is)
        maps, seconds = play(transformers_sam, model, image, ROUNDS[size])
        away, other = abs(maps - expected), (maps > 0.5) != (expected > 0.5)
        print(
            f"{kind}: {_shown(seconds)}; probabilities {away.max():.1e} at most, "
            f"{away.mean():.1e} in the mean; {other.mean():.1e} of the pixels of "
            f"masks differ, {other.mean(axis=(-2, -1)).max():.1e} of the worst mask"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
