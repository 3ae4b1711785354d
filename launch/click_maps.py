r"""rclicks-click-maps: where people would click on the objects of a dataset.

  rclicks-click-maps --model=models/clickability --data=folder:datasets/mine \
      --out=runs/click_maps

For each object a click map (16-bit PNG), a drawing and sampled clicks (clicks.csv).
The same command goes on after an interruption.
"""

import sys
from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import commands, defaults

from rclicks_jax import config as config_lib
from rclicks_jax import hosts
from rclicks_jax.runs import click_maps

# Lines on objects that were skipped or failed.
_SHOWN = 10
_OUT = flags.DEFINE_string("out", None, "Folder for everything.", required=True)
_SETTINGS = defaults.define_settings(
    config_lib.ClickMapsConfig(),
    model="A model folder; UD or DT; or sample, a small one trained on the sample.",
    data="NAME:DIR, folder:DIR, coco:JSON,DIR or sample; several with commas.",
    split="all, train, val or test.",
    tasks="Click tasks with what was segmented before, instead of first clicks.",
    samples="Clicks drawn for each group.",
    groups="Clicking groups of 1 to 10 to draw from; 0 is the whole map.",
    drawings="Whether pictures are drawn.",
    protocol="paper or strict: how groups are cut.",
    seed="Of every draw.",
    precision="float32, bfloat16 or auto: float32 on CPU, else bfloat16.",
    batch="Maps in one pass of the network; 0 lets the device decide.",
    max_images="Images of each dataset; 0 takes all.",
    max_side="Limit on the longest side of photographs, pixels; 0 for none.",
    max_failed="Share of failed objects above which the exit status is not 0.",
)


def main(arguments: Sequence[str]) -> int:
    """Writes click maps, then says what came of it."""
    defaults.expect_no_arguments(arguments)
    settings = {name: holder.value for name, holder in _SETTINGS.items()}
    config = config_lib.from_config_dict(config_lib.ClickMapsConfig, settings)
    outcome = click_maps.run(config, _OUT.value)
    if outcome.stopped:
        return commands.stopped(outcome.stopped)
    if not hosts.is_first():
        return 0
    for line in outcome.problems[:_SHOWN]:
        print(line, file=sys.stderr)
    if len(outcome.problems) > _SHOWN:
        more = len(outcome.problems) - _SHOWN
        print(f"... and {more} more: index.json lists them", file=sys.stderr)
    counts = ", ".join(f"{count} {status}" for status, count in outcome.counts.items())
    print(f"Objects: {counts}. {_OUT.value}/README.txt says what is what.")
    return int(outcome.failed_share() > config.max_failed)


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
