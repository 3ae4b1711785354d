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
    """Trains."""
    # JAX takes seconds to import, which --help does without.
    from rclicks_jax.training import loop

    flag_helpers.expect_no_arguments(arguments)
    settings = flag_helpers.with_shortcuts(_CONFIG.value, _SHORT)
    config = from_config_dict(TrainConfig, settings)
    model = loop.train_and_evaluate(config, _WORKDIR.value)
    print(f"Model: {model}")


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "", settings=TrainConfig, prepare=host_flags.start)


if __name__ == "__main__":
    run()
