"""SAM 2.1 by `sam2` against RClicks's driver; the trunk is made like large's."""

import networks
import sam2_parts

from rclicks_jax.bridge.adapters import sam2 as adapter

REPOSITORY = "facebookresearch/sam2"
CHECKOUT = "sam2"
SEED = 19
# The single mask is the first: unstable at some clicks, stable at others.
FACTORS = {
    "output_hypernetworks_mlps": 1.5,
    "output_hypernetworks_mlps.0": 0.5,
    "point_embeddings": 2.0,
}
TRUNK = {"embed_dim": 16, "stages": [1, 2, 2, 1], "global_att_blocks": [2, 4]}
RECIPE = f"seed {SEED}, {FACTORS}; sam2.1_hiera_l, side 128, trunk {TRUNK}, decoder 32"
LONGEST = sam2_parts.LONGEST
OMITTED = {}


def network(original):
    """Returns a small SAM 2.1."""
    del original
    made = sam2_parts.build("configs/sam2.1/sam2.1_hiera_l.yaml", TRUNK)
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
