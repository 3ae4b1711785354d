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
from rclicks_jax.launch import commands, config_file, endings, flag_helpers, host_flags

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
    config, segmenters = host_flags.start(_read_settings)
    if _DRY_RUN.value:
        return _forecast(config, segmenters)
    if not segmenters:
        return _run_one(config, _WORKDIR.value)
    status = 0
    for label, spec in segmenters.items():
        config = dataclasses.replace(config, segmenter=spec)
        status = max(status, _run_one(config, f"{_WORKDIR.value}/{label}"))
        if status > 128:
            return status
    _compare(list(segmenters))
    return status


def _read_settings() -> tuple[BenchmarkConfig, dict[str, str]]:
    """Returns the settings, and the segmenters of --segmenters by label.

    Raises:
        RClicksError: A value is wrong, or names nothing.
    """
    settings = flag_helpers.with_shortcuts(_CONFIG.value, _SHORT)
    config = from_config_dict(BenchmarkConfig, settings)
    segmenters = _several_segmenters()
    flag_helpers.say_left_out(_CONFIG, _SHORT, "data", flag_helpers.SAMPLE)
    if not segmenters:
        used = f"{config.segmenter}, which needs no weights"
        flag_helpers.say_left_out(_CONFIG, _SHORT, "segmenter", used)
    # It needs NumPy, which --help does without.
    from rclicks_jax.benchmark import preconditions

    preconditions.check(config, list(segmenters.values()))
    return config, segmenters


def _several_segmenters() -> dict[str, str]:
    """Returns the specs of --segmenters by label; empty without the flag."""
    if _SEGMENTERS.value is None:
        return {}
    segmenters = registry.parse_several(_SEGMENTERS.value)
    if _SHORT["segmenter"].value is not None:
        raise errors.BadValueError(
            "Segmenters", "--segmenter and --segmenters", "one of the two"
        )
    return segmenters


def _forecast(config: BenchmarkConfig, segmenters: dict[str, str]) -> int:
    """Prints what a run would do and how long it would take."""
    # JAX takes seconds to import, which wrong settings are refused without; so below.
    from rclicks_jax.benchmark import forecast

    for spec in segmenters.values() or [config.segmenter]:
        print(forecast.forecast(dataclasses.replace(config, segmenter=spec)).text())
    return 0


def _run_one(config: BenchmarkConfig, workdir: str) -> int:
    """Runs one segmenter and prints its tables; returns the exit status."""
    from rclicks_jax.benchmark import job as benchmark_job
    from rclicks_jax.jobs import store
    from rclicks_jax.results import outputs

    def show() -> None:
        folder = store.RunFolder(workdir)
        for table in outputs.first_shown(outputs.write(folder)):
            flag_helpers.show(table, turned=True)
        print(f"Report: {folder.path / 'report.html'}")

    outcome = benchmark_job.run(config, workdir)
    failures = "the objects failed: see the report"
    return endings.conclude(outcome, show, config.max_failed, failures)


def _compare(labels: Sequence[str]) -> None:
    """Prints and writes a comparison of the segmenters with these labels."""
    from rclicks_jax import distributed
    from rclicks_jax.results import outputs

    if distributed.is_first():
        runs = [(label, f"{_WORKDIR.value}/{label}") for label in labels]
        flag_helpers.show(outputs.compare(runs, _WORKDIR.value)[0])
        print(f"Comparison: {_WORKDIR.value}/comparison.html")


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "", settings=BenchmarkConfig)


if __name__ == "__main__":
    run()
