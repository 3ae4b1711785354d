"""rclicks-evaluate: how well click models predict real clicks.

  rclicks-evaluate --data=TETRIS:datasets/TETRIS --click_models=UD,DT,models/mine
      --workdir=runs/click_models [--against=published] [--maps=masked]

The same command goes on after an interruption. With --config.shard=0/4 to 3/4, four
machines share one workdir, without knowing of each other.

Two sets of people on the same tasks, without click models:
  rclicks-evaluate --compare_clicks=device --data=TETRIS:datasets/TETRIS
      --workdir=runs/pc_mobile
  rclicks-evaluate --compare_clicks=display_mode --data=TETRIS:datasets/PREVIEW
      --workdir=runs/display_modes
"""

import functools
from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import (
    commands,
    compare_people,
    config_file,
    endings,
    evaluation_tables,
    flag_helpers,
    host_flags,
)

from rclicks_jax.settings.dicts import from_config_dict
from rclicks_jax.settings.evaluation import EvaluateConfig

_CONFIG = config_file.define("evaluate_click_models", EvaluateConfig)
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of the evaluation: records, tables and report.",
    required=True,
)
_SHORT = flag_helpers.define_shortcuts(EvaluateConfig, "data", "click_models", "split")


def main(arguments: Sequence[str]) -> int:
    """Evaluates, then writes and prints the table."""
    flag_helpers.expect_no_arguments(arguments)
    config = host_flags.start(_read_settings)
    if sides := compare_people.sides():
        return compare_people.compare(sides, config, _WORKDIR.value)
    # JAX takes seconds to import, which wrong settings are refused without.
    from rclicks_jax.evaluation import job as evaluation_job
    from rclicks_jax.jobs import store

    outcome = evaluation_job.run(config, _WORKDIR.value)
    folder = store.RunFolder(_WORKDIR.value)
    show = functools.partial(evaluation_tables.show, folder)
    failures = "the tasks failed: see records/"
    return endings.conclude(outcome, show, config.max_failed, failures)


def _read_settings() -> EvaluateConfig:
    """Returns the settings; raises `RClicksError` if one is wrong."""
    # It needs NumPy, which --help does without.
    from rclicks_jax.evaluation import preconditions

    settings = flag_helpers.with_shortcuts(_CONFIG.value, _SHORT)
    config = from_config_dict(EvaluateConfig, settings)
    flag_helpers.say_left_out(_CONFIG, _SHORT, "data", flag_helpers.SAMPLE)
    if not compare_people.sides():
        preconditions.check(config)
    return config


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "", settings=EvaluateConfig)


if __name__ == "__main__":
    run()
