r"""rclicks-benchmark: segmenters under realistic clicks.

  rclicks-benchmark --config=tiny --workdir=runs/first_look
  rclicks-benchmark --data=GrabCut:datasets/GrabCut --click_model=models/clickability \
      --segmenter=random_walker --workdir=runs/grabcut

The first command is a first look, without any download: few objects, clicks of the
simple click model DT. The second is the whole protocol with the published click model,
which rclicks-convert makes of its weights (docs/weights.md). --dry_run says what would
be done and how long it would take. The same command goes on after an interruption. With
several, --segmenters=random_walker,grabcut, each has a run folder in the workdir, and a
page there compares them.
"""

import dataclasses
from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import commands, config_file, flag_helpers, host_flags

from rclicks_jax import errors, registry
from rclicks_jax.settings.benchmark import BenchmarkConfig
from rclicks_jax.settings.dicts import from_config_dict

_CONFIG = config_file.define("benchmark", BenchmarkConfig)
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of the run: records, tables and report.",
    required=True,
)
_SEGMENTERS = flags.DEFINE_string(
    "segmenters",
    None,
    "Several segmenters, separated by commas, each as --segmenter takes it.",
)
_DRY_RUN = flags.DEFINE_boolean(
    "dry_run",
    False,
    "Play two photographs in a temporary folder and say how long all would take.",
)
_SHORT = flag_helpers.define_shortcuts(
    BenchmarkConfig, "data", "segmenter", "click_model", "split"
)


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark, then writes and prints its tables."""
    flag_helpers.expect_no_arguments(arguments)
    settings = flag_helpers.with_shortcuts(_CONFIG.value, _SHORT)
    config = from_config_dict(BenchmarkConfig, settings)
    named = _named()
    flag_helpers.say_left_out(_CONFIG, _SHORT, "data", flag_helpers.SAMPLE)
    if not named:
        what = f"{config.segmenter}, which needs no weights"
        flag_helpers.say_left_out(_CONFIG, _SHORT, "segmenter", what)
    # JAX takes seconds to import, which --help does without; so below.
    from rclicks_jax.benchmark import job as benchmark_job

    benchmark_job.check(config, list(named.values()))
    if _DRY_RUN.value:
        return _forecast(config, named)
    if not named:
        return _one(config, _WORKDIR.value)
    status = 0
    for label, spec in named.items():
        of_one = dataclasses.replace(config, segmenter=spec)
        status = max(status, _one(of_one, f"{_WORKDIR.value}/{label}"))
        if status > 128:
            return status
    _compare(list(named))
    return status


def _named() -> dict[str, str]:
    """Returns the specs of --segmenters by label; empty without the flag."""
    if _SEGMENTERS.value is None:
        return {}
    named = registry.parse_several(_SEGMENTERS.value)
    if _SHORT["segmenter"].value is not None:
        raise errors.BadValueError(
            "Segmenters", "--segmenter and --segmenters", "one of the two"
        )
    return named


def _forecast(config: BenchmarkConfig, named: dict[str, str]) -> int:
    """Prints what a run would do and how long it would take."""
    from rclicks_jax.benchmark import forecast

    for spec in named.values() or [config.segmenter]:
        print(forecast.forecast(dataclasses.replace(config, segmenter=spec)).text())
    return 0


def _one(config: BenchmarkConfig, workdir: str) -> int:
    from rclicks_jax.benchmark import job as benchmark_job
    from rclicks_jax.jobs import store
    from rclicks_jax.results import outputs

    def show() -> None:
        folder = store.RunFolder(workdir)
        flag_helpers.show(outputs.write(folder)[0], turned=True)
        print(f"Report: {folder.path / 'report.html'}")

    outcome = benchmark_job.run(config, workdir)
    what = "the objects failed: see the report"
    return commands.concluded(outcome, show, config.max_failed, what)


def _compare(labels: Sequence[str]) -> None:
    from rclicks_jax import distributed
    from rclicks_jax.results import outputs

    if distributed.is_first():
        runs = [(label, f"{_WORKDIR.value}/{label}") for label in labels]
        flag_helpers.show(outputs.compare(runs, _WORKDIR.value)[0])
        print(f"Comparison: {_WORKDIR.value}/comparison.html")


def run() -> None:
    """Entry point of the command."""
    commands.run(
        main, __doc__ or "", settings=BenchmarkConfig, prepare=host_flags.start
    )


if __name__ == "__main__":
    run()
