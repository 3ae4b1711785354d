"""SAM 2 by `sam2` against RClicks's driver of it; the trunk is made like tiny's."""

import networks
import sam2_parts

from rclicks_jax.bridge.adapters import sam2 as adapter

REPOSITORY = "facebookresearch/sam2"
CHECKOUT = "sam2"
SEED = 63
# The single mask is the first: unstable at some clicks, stable at others.
FACTORS = {
    "output_hypernetworks_mlps": 2.0,
    "output_hypernetworks_mlps.0": 0.4,
    "point_embeddings": 2.0,
}
TRUNK = {"embed_dim": 16, "stages": [1, 1, 2, 1], "global_att_blocks": [3]}
RECIPE = f"seed {SEED}, {FACTORS}; sam2_hiera_t, side 128, trunk {TRUNK}, decoder 32"
LONGEST = sam2_parts.LONGEST
OMITTED = {}


def network(original):
    """Returns a small SAM 2."""
    del original
    made = sam2_parts.build("configs/sam2/sam2_hiera_t.yaml", TRUNK)
    return networks.seeded(made, SEED, factors=FACTORS)


def model(made):
    """Returns what the adapter's `load` would."""
    return adapter.Model(made)


reference = sam2_parts.reference
BUGS = {
    "mask prompt as probabilities": sam2_parts.AS_PROBABILITIES,
    "mask prompt not clamped": sam2_parts.unclamped(model),
    "image padded instead of squashed": sam2_parts.padded(model),
    "no fallback where a mask is unstable": sam2_parts.no_fallback(model),
    "fallback also where a mask is stable": sam2_parts.always_fallback(model),
    "embedding of no memory left out": sam2_parts.no_memory(model),
}
