"""How long a benchmark would take, from a few photographs that are played for it."""

import dataclasses
import datetime
import tempfile
from typing import cast

import jax

from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.data import packages, specs
from rclicks_jax.jobs import store, work_units
from rclicks_jax.settings.benchmark import BenchmarkConfig

# The first photograph compiles programs; the last one is measured.
_PLAYED = 2


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What a benchmark would do.

    Attributes:
        config: Its settings.
        images: Photographs.
        objects: Objects on them, usable or not.
        counts: Objects that were played for the forecast, by status.
        seconds: Measured for one object; None if none could be played.
    """

    config: BenchmarkConfig
    images: int
    objects: int
    counts: dict[str, int]
    seconds: float | None

    def text(self) -> str:
        """Says it in a few lines."""
        played = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        lines = [
            f"{self.config.segmenter} on {self.config.data}: {self.images} images, "
            f"{self.objects} objects; protocol {self.config.protocol}, click model "
            f"{self.config.click_model or 'none'}.",
            f"Objects played for this: {played}.",
        ]
        if self.seconds is None:
            lines.append("No time can be estimated: no object could be played.")
            return "\n".join(lines)
        whole = datetime.timedelta(seconds=round(self.seconds * self.objects))
        # JAX's own type is not known to type checkers.
        first = cast(object, jax.devices()[0])
        device = str(getattr(first, "device_kind", first))
        lines.append(
            f"Estimate: {self.seconds:.2g} s an object, {whole} (h:mm:ss) for all of "
            f"them in one process on this machine ({device})."
        )
        return "\n".join(lines)


def forecast(config: BenchmarkConfig) -> Forecast:
    """Plays a few photographs in a temporary folder, and extrapolates.

    Args:
        config: Settings of the benchmark.

    Raises:
        RClicksError: The benchmark could not start either.
    """
    sources = specs.parse(config.data, config.max_side)
    datasets = [packages.open_instances(source) for source in sources]
    units = work_units.of_packages(
        datasets, split=config.split, max_images=config.max_images
    )
    fewer = min(_PLAYED, config.max_images or _PLAYED)
    # One after the other, so that the last one waits for no program of the first.
    few = dataclasses.replace(config, max_images=fewer, pictures=0, objects_in_flight=1)
    with tempfile.TemporaryDirectory(prefix="rclicks-forecast-") as folder:
        outcome = benchmark_job.run(few, folder)
        images = list(records.read_all(store.RunFolder(folder)))
    seconds = None
    for image in images:
        ok = sum(instance.status == "ok" for instance in image.instances)
        if ok:
            seconds = sum(image.seconds.values()) / ok
    objects = sum(len(unit.objects) for unit in units)
    return Forecast(config, len(units), objects, outcome.counts, seconds)
