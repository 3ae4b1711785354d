"""Comparison of click models with people: `full` as the paper, `tiny` to look."""

import ml_collections

from rclicks_jax import config as config_lib

VARIANTS = {
    "full": config_lib.EvaluateConfig(),
    "tiny": config_lib.EvaluateConfig(click_models=("UD", "DT", "sample"), draws=20),
}


def get_config(variant: str = "full") -> ml_collections.ConfigDict:
    """Returns the settings of a variant: `full` or `tiny`."""
    chosen = config_lib.variant("evaluation", VARIANTS, variant)
    return config_lib.to_config_dict(chosen)
