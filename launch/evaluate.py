r"""rclicks-evaluate: how well click models predict real clicks.

rclicks-evaluate --data=TETRIS:datasets/TETRIS
--click_models=UD,DT,models/clickability \
      --workdir=runs/click_models
"""

from collections.abc import Sequence

from absl import flags
from ml_collections import config_flags
from rclicks_jax.launch import commands, defaults

from rclicks_jax import config as config_lib
from rclicks_jax import hosts
from rclicks_jax.results import click_model_tables, formats, publish
from rclicks_jax.runs import evaluate, store

_CONFIG = config_flags.DEFINE_config_file(
    "config", defaults.config_file("evaluate_click_models"), "Settings of the run."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "The run folder.", required=True)
_SHORT = defaults.define_shortcuts("data", "click_models", "split")


def main(arguments: Sequence[str]) -> None:
    """Evaluates, then writes and prints the table."""
    defaults.expect_no_arguments(arguments)
    settings = defaults.with_shortcuts(_CONFIG.value, _SHORT)
    config = config_lib.from_config_dict(config_lib.EvaluateConfig, settings)
    evaluate.run(config, _WORKDIR.value)
    if hosts.is_first():
        folder = store.RunFolder(_WORKDIR.value)
        table = click_model_tables.table(folder)
        publish.write_tables(folder.path, [table])
        print(formats.to_text(table))


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
