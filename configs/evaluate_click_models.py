"""Comparison of click models with people: `full` as the paper, `tiny` for a look.

`toy` adds a small network that learns the sample dataset's synthetic clicks, once, in a
few minutes.
"""

import ml_collections

from rclicks_jax import config as config_lib

VARIANTS = {
    "full": config_lib.EvaluateConfig(),
    "tiny": config_lib.EvaluateConfig(draws=20),
    "toy": config_lib.EvaluateConfig(click_models=("UD", "DT", "toy"), draws=20),
}


def get_config(variant: str = "full") -> ml_collections.ConfigDict:
    """Returns the settings of a variant: `full`, `tiny` or `toy`."""
    chosen = config_lib.variant("evaluation", VARIANTS, variant)
    return config_lib.to_config_dict(chosen)
