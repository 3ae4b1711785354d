r"""rclicks-benchmark: segmenters under realistic clicks.

  rclicks-benchmark --workdir=runs/mine --segmenter=random_walker \
      --data=GrabCut:datasets/GrabCut --click_model=models/clickability

The same command goes on after an interruption. --config=configs/benchmark.py:tiny is a
small run; any setting can be changed, such as --config.groups=1,10. With several,
--segmenters=random_walker,grabcut, each has a run folder in the workdir, and a page
there compares them.
"""

import dataclasses
from collections.abc import Sequence

from absl import flags
from etils import epath
from rclicks_jax.launch import commands, config_file, defaults

from rclicks_jax import catalogue, hosts
from rclicks_jax import config as config_lib
from rclicks_jax.results import publish
from rclicks_jax.runs import benchmark, store

_CONFIG = config_file.define("benchmark", config_lib.BenchmarkConfig)
_WORKDIR = flags.DEFINE_string("workdir", None, "The run folder.", required=True)
_SEGMENTERS = flags.DEFINE_string("segmenters", "", "Several, parted by commas.")
_SHORT = defaults.define_shortcuts("data", "segmenter", "click_model", "split")


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark, then writes and prints its tables."""
    defaults.expect_no_arguments(arguments)
    settings = defaults.with_shortcuts(_CONFIG.value, _SHORT)
    config = config_lib.from_config_dict(config_lib.BenchmarkConfig, settings)
    if not _SEGMENTERS.value:
        return _one(config, _WORKDIR.value)
    named = catalogue.parse_several(_SEGMENTERS.value)
    status = 0
    for label, spec in named.items():
        of_one = dataclasses.replace(config, segmenter=spec)
        status = max(status, _one(of_one, epath.Path(_WORKDIR.value) / label))
        if status > 128:
            return status
    if hosts.is_first():
        runs = [(label, epath.Path(_WORKDIR.value) / label) for label in named]
        defaults.show(publish.compare(runs, _WORKDIR.value)[0])
        print(f"Comparison: {_WORKDIR.value}/comparison.html")
    return status


def _one(config: config_lib.BenchmarkConfig, workdir: epath.PathLike) -> int:
    outcome = benchmark.run(config, workdir)
    if outcome.stopped:
        return commands.stopped(outcome.stopped)
    hosts.barrier(f"benchmarked {workdir}")
    if not hosts.is_first():
        return 0
    folder = store.RunFolder(workdir)
    defaults.show(publish.publish(folder)[0], turned=True)
    print(f"Report: {folder.path / 'report.html'}")
    what = "the objects failed: see the report"
    return commands.status_of(outcome.failed_share(), config.max_failed, what)


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
