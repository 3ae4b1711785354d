r"""rclicks-train: a clickability network.

  rclicks-train --config=configs/train_clickability.py:b --data=TETRIS:datasets/TETRIS \
      --workdir=runs/clickability

The same command goes on after an interruption. The model folder is WORKDIR/model.
"""

from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import commands, config_file, defaults

from rclicks_jax import config as config_lib
from rclicks_jax.training import loop

_CONFIG = config_file.define("train_clickability", config_lib.TrainConfig)
_WORKDIR = flags.DEFINE_string("workdir", None, "Keeps everything.", required=True)
_SHORT = defaults.define_shortcuts("data")


def main(arguments: Sequence[str]) -> None:
    """Trains."""
    defaults.expect_no_arguments(arguments)
    settings = defaults.with_shortcuts(_CONFIG.value, _SHORT)
    config = config_lib.from_config_dict(config_lib.TrainConfig, settings)
    model = loop.train_and_evaluate(config, _WORKDIR.value)
    print(f"Model: {model}")


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
