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
from rclicks_jax.launch import commands, defaults, evaluation_tables

from rclicks_jax import config as config_lib
from rclicks_jax import hosts
from rclicks_jax.results import publish, publish_evaluation
from rclicks_jax.runs import click_agreement, evaluate, store

_CONFIG = config_flags.DEFINE_config_file(
    "config", defaults.config_file("evaluate_click_models"), "Settings of the run."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "The run folder.", required=True)
_SHORT = defaults.define_shortcuts("data", "click_models", "split")
_COMPARED = flags.DEFINE_enum(
    "compare_clicks",
    None,
    list(click_agreement.COMPARED),
    "Compares two sets of real clicks on the same tasks instead: "
    + "; ".join(f"{k}: {text}" for k, text in click_agreement.COMPARED.items()),
)


def main(arguments: Sequence[str]) -> None:
    """Evaluates, then writes tables and report and prints the means."""
    defaults.expect_no_arguments(arguments)
    settings = defaults.with_shortcuts(_CONFIG.value, _SHORT)
    config = config_lib.from_config_dict(config_lib.EvaluateConfig, settings)
    if _COMPARED.value:
        _compare_clicks(_COMPARED.value, config)
        return
    evaluate.run(config, _WORKDIR.value)
    if hosts.is_first():
        evaluation_tables.show(store.RunFolder(_WORKDIR.value))


def _compare_clicks(compared: str, config: config_lib.EvaluateConfig) -> None:
    if not hosts.is_first():
        return
    means, published = publish_evaluation.agreement(
        compared, config.data, config.split, _WORKDIR.value
    )
    defaults.show(means)
    if evaluation_tables.AGAINST.value:
        publish.write_tables(_WORKDIR.value, [published])
        defaults.show(published)


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
