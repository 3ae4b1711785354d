"""Benchmark of a segmenter: `full` as the paper ran it, `tiny` for a first look.

`tiny` takes a minute on two cores: three photographs, the robot and two clicking groups
of the simple click model DT. `toy` is the whole protocol with a click model that needs
no download: a small network that learns the sample dataset's synthetic clicks, once, in
a few minutes. It shows that everything works; its numbers say nothing about people.
`smoke` is for tests.
"""

import ml_collections

from rclicks_jax.settings import benchmark, dicts, variants

VARIANTS = {
    "full": benchmark.BenchmarkConfig(),
    "tiny": benchmark.BenchmarkConfig(click_model="DT", groups=(1, 10), max_images=3),
    "toy": benchmark.BenchmarkConfig(click_model="toy"),
    "smoke": benchmark.BenchmarkConfig(
        segmenter="noisy", click_model="DT", groups=(1, 10), max_images=1
    ),
}


def get_config(variant: str = "full") -> ml_collections.ConfigDict:
    """Returns the settings of a variant: `full`, `tiny`, `toy` or `smoke`."""
    chosen = variants.variant("benchmark", VARIANTS, variant)
    return dicts.to_config_dict(chosen)
