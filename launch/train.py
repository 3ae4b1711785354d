r"""rclicks-train: a clickability network.

  rclicks-train --config=b --data=TETRIS:datasets/TETRIS \
      --workdir=runs/clickability

The same command goes on after an interruption. The model folder is WORKDIR/model.
"""

from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import commands, config_file, flag_helpers, host_flags

from rclicks_jax.settings.dicts import from_config_dict
from rclicks_jax.settings.training import TrainConfig

_CONFIG = config_file.define("train_clickability", TrainConfig)
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of the training: checkpoints, metrics and, in model/, the model.",
    required=True,
)
_SHORT = flag_helpers.define_shortcuts(TrainConfig, "data")


def main(arguments: Sequence[str]) -> None:
    """Trains a network, and prints where its model folder is."""
    flag_helpers.expect_no_arguments(arguments)
    config = host_flags.start(_read_settings)
    # JAX takes seconds to import, which wrong settings are refused without.
    from rclicks_jax.training import loop

    model = loop.train_and_evaluate(config, _WORKDIR.value)
    print(f"Model: {model}")


def _read_settings() -> TrainConfig:
    """Returns the settings; raises `RClicksError` if one is wrong."""
    # It needs NumPy, which --help does without.
    from rclicks_jax.training import preconditions

    settings = flag_helpers.with_shortcuts(_CONFIG.value, _SHORT)
    config = from_config_dict(TrainConfig, settings)
    preconditions.check(config)
    return config


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "", settings=TrainConfig)


if __name__ == "__main__":
    run()
