"""rclicks-evaluate: how well click models predict real clicks.

  rclicks-evaluate --data=TETRIS:datasets/TETRIS --click_models=UD,DT,models/mine
      --workdir=runs/click_models [--against=published] [--maps=masked]

Two sets of people on the same tasks, without click models:
  rclicks-evaluate --compare_clicks=device --data=TETRIS:datasets/TETRIS
      --workdir=runs/pc_mobile
  rclicks-evaluate --compare_clicks=display_mode --data=TETRIS:datasets/PREVIEW
      --workdir=runs/display_modes
"""

from collections.abc import Sequence

from absl import flags
from ml_collections import config_flags
from rclicks_jax.launch import commands, compare_people, defaults, evaluation_tables

from rclicks_jax import config as config_lib
from rclicks_jax import hosts
from rclicks_jax.runs import evaluate, store

_CONFIG = config_flags.DEFINE_config_file(
    "config", defaults.config_file("evaluate_click_models"), "Settings of the run."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "The run folder.", required=True)
_SHORT = defaults.define_shortcuts("data", "click_models", "split")


def main(arguments: Sequence[str]) -> None:
    """Evaluates, then writes tables and report and prints the means."""
    defaults.expect_no_arguments(arguments)
    settings = defaults.with_shortcuts(_CONFIG.value, _SHORT)
    config = config_lib.from_config_dict(config_lib.EvaluateConfig, settings)
    if compare_people.was_asked(config, _WORKDIR.value):
        return
    evaluate.run(config, _WORKDIR.value)
    if hosts.is_first():
        evaluation_tables.show(store.RunFolder(_WORKDIR.value))


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
