"""Training of the clickability network.

`b` is the original's training on TETRIS train (27.6 M parameters, 20 epochs, batch 16);
`s` and `t` are the smaller encoders. `tiny` learns the sample dataset in about two
minutes on two cores, `nano` is for tests. --config.recipe=improved changes what
looks like an oversight of the original.
"""

import ml_collections

from rclicks_jax.settings import dicts, training, variants

VARIANTS = {
    "b": training.TrainConfig(),
    "s": training.TrainConfig(variant="s"),
    "t": training.TrainConfig(variant="t"),
    "tiny": training.SAMPLE_TRAINING,
    "nano": training.TrainConfig(
        variant="nano", data="sample", size=64, batch_size=4, epochs=1
    ),
}


def get_config(variant: str = "b") -> ml_collections.ConfigDict:
    """Returns the settings of a variant: `b`, `s`, `t`, `tiny` or `nano`."""
    chosen = variants.variant("training", VARIANTS, variant)
    return dicts.to_config_dict(chosen)
