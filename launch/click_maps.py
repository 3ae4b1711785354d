r"""rclicks-click-maps: where people would click on the objects of a dataset.

  rclicks-click-maps --model=models/clickability --data=folder:datasets/mine \
      --out=runs/click_maps

For each object a click map (16-bit PNG), a drawing and sampled clicks (clicks.csv).
The same command goes on after an interruption.
"""

import functools
import sys
from collections.abc import Mapping, Sequence

from absl import flags
from rclicks_jax.launch import commands, endings, flag_helpers, host_flags

from rclicks_jax import errors
from rclicks_jax.settings.click_maps import ClickMapsConfig
from rclicks_jax.settings.dicts import from_config_dict

# Lines on objects that were skipped or failed.
_SHOWN = 10
_OUT = flags.DEFINE_string(
    "out", None, "Folder for click maps, drawings and clicks.csv.", required=True
)
_SETTINGS = flag_helpers.define_settings(ClickMapsConfig)


def main(arguments: Sequence[str]) -> int:
    """Writes click maps, then says what came of it."""
    flag_helpers.expect_no_arguments(arguments)
    config = host_flags.start(_read_settings)
    # JAX takes seconds to import, which wrong settings are refused without; so below.
    from rclicks_jax.click_maps import job as click_maps_job

    outcome = click_maps_job.run(config, _OUT.value)
    show = functools.partial(_show, outcome.counts)
    failures = "the objects failed: index.json says why"
    return endings.conclude(outcome, show, config.max_failed, failures)


def _read_settings() -> ClickMapsConfig:
    """Returns the settings; raises `RClicksError` if one is wrong."""
    # It needs NumPy, which --help does without.
    from rclicks_jax.click_maps import preconditions

    config = from_config_dict(ClickMapsConfig, flag_helpers.given(_SETTINGS))
    preconditions.check(config)
    return config


def _show(counts: Mapping[str, int]) -> None:
    """Prints problems and counts."""
    from rclicks_jax.click_maps import files
    from rclicks_jax.jobs import store

    problems = files.problems(store.RunFolder(_OUT.value))
    for line in problems[:_SHOWN]:
        print(errors.printable(line), file=sys.stderr)
    if len(problems) > _SHOWN:
        more = len(problems) - _SHOWN
        print(f"... and {more} more: index.json lists them", file=sys.stderr)
    counted = ", ".join(f"{count} {status}" for status, count in counts.items())
    print(f"Objects: {counted}. {_OUT.value}/README.txt says what is what.")


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "", settings=ClickMapsConfig, prefix="")


if __name__ == "__main__":
    run()
