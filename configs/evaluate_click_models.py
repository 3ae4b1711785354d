"""Comparison of click models with people: `full` as the paper, `tiny` for a look.

`toy` adds a small network that learns the sample dataset's synthetic clicks, once, in a
few minutes.
"""

import ml_collections

from rclicks_jax.settings import dicts, evaluation, variants

VARIANTS = {
    "full": evaluation.EvaluateConfig(),
    "tiny": evaluation.EvaluateConfig(draws=20),
    "toy": evaluation.EvaluateConfig(click_models=("UD", "DT", "toy"), draws=20),
}


def get_config(variant: str = "full") -> ml_collections.ConfigDict:
    """Returns the settings of a variant: `full`, `tiny` or `toy`."""
    chosen = variants.variant("evaluation", VARIANTS, variant)
    return dicts.to_config_dict(chosen)
