"""SAM 2 by `transformers` against the original's answers, with the same weights."""

import kit
import names_sam2
import sam2_parts

from rclicks_jax.bridge.adapters import transformers_sam2 as adapter

GOLDEN = "sam2"
REPOSITORY = "huggingface/transformers"
CHECKOUT = ""
SEED = 63
# The single mask is the first: unstable at some clicks, stable at others.
FACTORS = {
    "output_hypernetworks_mlps": 2.0,
    "output_hypernetworks_mlps.0": 0.4,
    "point_embeddings": 2.0,
}
TRUNK = {
    "embed_dim_per_stage": [16, 32, 64, 128],
    "num_attention_heads_per_stage": [1, 2, 4, 8],
    "blocks_per_stage": [1, 1, 2, 1],
    "window_size_per_stage": [8, 4, 14, 7],
    "global_attention_blocks": [3],
}
LONGEST = sam2_parts.LONGEST
OMITTED = {}


def network(original):
    """Returns the small SAM 2 of the case `sam2`."""
    del original
    made = sam2_parts.build_transformers(TRUNK)
    held = made.state_dict()
    shapes = names_sam2.original_shapes(held)
    weights = kit.seeded(shapes, SEED, factors=FACTORS)
    made.load_state_dict(names_sam2.renamed(weights, held))
    return made


def model(made):
    """Returns what the adapter's `load` would."""
    return adapter.Model(made)


BUGS = {
    "mask prompt as probabilities": sam2_parts.AS_PROBABILITIES,
    "mask prompt not clamped": sam2_parts.unclamped(model),
    "image padded instead of squashed": sam2_parts.padded(model),
    "no fallback where a mask is unstable": sam2_parts.no_fallback(model),
    "fallback also where a mask is stable": sam2_parts.always_fallback(model),
    "embedding of no memory left out": sam2_parts.no_memory(model),
}
