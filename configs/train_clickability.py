"""Training of the clickability network.

`b` is the original's training on TETRIS train (27.6 M parameters, 20 epochs, batch 16);
`s` and `t` are the smaller encoders. `tiny` learns the sample dataset in about two
minutes on two cores, `nano` is for tests. --config.recipe=improved changes what
looks like an oversight of the original.
"""

import ml_collections

from rclicks_jax import config as config_lib

VARIANTS = {
    "b": config_lib.TrainConfig(),
    "s": config_lib.TrainConfig(variant="s"),
    "t": config_lib.TrainConfig(variant="t"),
    "tiny": config_lib.SAMPLE_TRAINING,
    "nano": config_lib.TrainConfig(
        variant="nano", data="sample", size=64, batch_size=4, epochs=1
    ),
}


def get_config(variant: str = "b") -> ml_collections.ConfigDict:
    """Returns the settings of a variant: `b`, `s`, `t`, `tiny` or `nano`."""
    chosen = config_lib.variant("training", VARIANTS, variant)
    return config_lib.to_config_dict(chosen)
