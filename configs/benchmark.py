"""Benchmark of a segmenter: `full` as the paper ran it, `tiny` for a first look.

`tiny` needs no download and no accelerator: its click model is a small network that is
trained on the sample dataset once, in a few minutes on two cores. About five seconds an
object on two cores.
"""

import ml_collections

from rclicks_jax import config as config_lib

VARIANTS = {
    "full": config_lib.BenchmarkConfig(),
    "tiny": config_lib.BenchmarkConfig(click_model="sample"),
    "smoke": config_lib.BenchmarkConfig(
        segmenter="noisy", click_model="DT", groups=(1, 10), max_images=1
    ),
}


def get_config(variant: str = "full") -> ml_collections.ConfigDict:
    """Returns the settings of a variant: `full`, `tiny` or `smoke`."""
    chosen = config_lib.variant("benchmark", VARIANTS, variant)
    return config_lib.to_config_dict(chosen)
