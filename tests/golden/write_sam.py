"""Writes what the authors' SAM answers with seeded weights, for tests of ours.

    PYTHON_WITH_TORCH tests/golden/write_sam.py CHECKOUT OUT.npz [small|vit_b|...]

CHECKOUT is one of https://github.com/facebookresearch/segment-anything. Photographs and
prompts go through the bridge's adapter, which is compared with RClicks's own code.
"""

import functools
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parent / "adapters")]

import numpy as np
import sam_cases
import stand_ins
import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import sam as adapter


def small(package):
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
        global_attn_indexes=[1],
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
    factors = sam_cases.FACTORS if size == "small" else {}
    state = sam_cases.state_of(shapes, factors)
    made.load_state_dict({key: torch.from_numpy(each) for key, each in state.items()})
    return made.eval().requires_grad_(False)


def play(network, shape, rounds=sam_cases.ROUNDS):
    """Returns the embedding and, of each round, logits, choices, scores and masks."""
    model = adapter.Model(network)
    features = adapter.encode(model, sam_cases.photograph(shape))
    yx, positive = sam_cases.clicks_on(shape)
    scores = []

    def heard(module, inputs, outputs):
        scores.append(outputs[1].numpy())

    handle = network.mask_decoder.register_forward_hook(heard)
    state, answers = None, []
    for count in range(1, rounds + 1):
        clicks = Clicks(yx, positive, np.full(len(yx), count, np.int32))
        scores.clear()
        logits, state = adapter.predict(model, features, clicks, state)
        # Trajectories with and without a mask prompt have passes of their own.
        parts = list(np.concatenate(scores))
        if len(scores) == 2:
            parts = in_order(parts, positive, count)
        answers.append((state["low_res"].numpy(), np.stack(parts), logits.numpy() > 0))
    handle.remove()
    low_res, scored, masks = map(np.stack, zip(*answers, strict=True))
    return features.embeddings[0].numpy(), low_res, scored, masks


def in_order(parts, positive, count):
    """Returns scores, which came by kind of trajectory, by trajectory."""
    drops = [
        max(signs[:count].sum(), (~signs[:count]).sum()) == 1 for signs in positive
    ]
    kinds = {}
    for row, kind in enumerate(drops):
        kinds.setdefault(kind, []).append(row)
    rows = [row for members in kinds.values() for row in members]
    return [parts[rows.index(row)] for row in range(len(rows))]


def main(checkout, out, size="small"):
    """Writes a file."""
    stand_ins.install()
    sys.path.insert(0, checkout)
    import segment_anything

    network = network_of(segment_anything, size)
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    kept = {"keys": np.array([f"{key} {[*shape]}" for key, shape in shapes.items()])}
    photographs = sam_cases.SHAPES["small" if size == "small" else "published"]
    for number, shape in enumerate(photographs):
        start = time.perf_counter()
        embedding, low_res, scores, masks = play(network, shape)
        print(
            f"{shape}: embedding {embedding.mean():.3f} +- {embedding.std():.3f}, "
            f"logits {low_res.mean():.3f} +- {low_res.std():.3f}, "
            f"chosen {np.bincount(scores.argmax(-1).ravel())}, "
            f"margin {np.diff(np.sort(scores, -1))[..., -1].min():.4f}, "
            f"foreground {masks.mean():.2f}, {time.perf_counter() - start:.1f} s"
        )
        kept[f"{number}/embedding"] = embedding.reshape(len(embedding), -1).T
        flat = low_res.reshape(*low_res.shape[:2], -1)
        kept[f"{number}/low_res"] = flat[..., :: sam_cases.STRIDE]
        kept[f"{number}/deviation"] = low_res.std()
        kept[f"{number}/scores"] = scores
        rounds = [count - 1 for count in sam_cases.KEPT]
        kept[f"{number}/masks"] = np.packbits(masks[rounds], axis=-1)
    np.savez_compressed(out, **kept)


if __name__ == "__main__":
    torch.set_num_threads(1 if sys.argv[3:] in ([], ["small"]) else 2)
    main(*sys.argv[1:])
