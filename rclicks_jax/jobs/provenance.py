"""Provenance of a run: its command, its machine and the versions of packages."""

import dataclasses
import datetime
import importlib.metadata
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import cast

from rclicks_jax.jobs import processes
from rclicks_jax.types import JsonObject

_RELEASES = (
    "rclicks-jax",
    "jax",
    "jaxlib",
    "flax",
    "numpy",
    "opencv-python-headless",
    "tensorflow-datasets",
)
# Fields that can change the last bits of numbers.
OF_LAST_BITS = ("backend", "devices", "cores", "batches")


@dataclasses.dataclass(frozen=True)
class Provenance:
    """The origin of a run; it is no part of the identity.

    Attributes:
        command: The command line, `sys.argv`.
        versions: Versions of packages, by name.
        platform: Operating system and processor.
        devices: Names of all devices of all processes.
        backend: JAX's name of the kind of devices: `cpu`, `gpu` or `tpu`.
        processes: Number of processes, on all hosts, that share the run.
        cores: Number of cores that this process may use; it changes the last bits of
            what XLA computes on a CPU.
        started: Date and time.
        batches: Batch size of network passes, by kind of pass; None where the batch
            does not matter.
        config: The settings of the run.
        data_notes: Notes on what was decided or left out when data was packaged.
        job: Further values of this kind of job, by name.
    """

    command: Sequence[str]
    versions: Mapping[str, str]
    platform: str
    devices: Sequence[str]
    backend: str
    processes: int
    cores: int
    started: str
    batches: Mapping[str, int | None] = dataclasses.field(
        default_factory=dict[str, int | None]
    )
    config: JsonObject = dataclasses.field(default_factory=dict[str, object])
    data_notes: Sequence[str] = ()
    job: JsonObject = dataclasses.field(default_factory=dict[str, object])


def of_this_process() -> Provenance:
    """Returns command, versions, devices, cores and time of this process."""
    # Processes that only measure import this module, and no JAX.
    import jax

    releases: dict[str, str] = {}
    for name in _RELEASES:
        try:
            releases[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            releases[name] = "not installed"
    return Provenance(
        command=sys.argv,
        versions={"python": platform.python_version(), **releases},
        platform=platform.platform(),
        devices=list(map(str, cast(list[object], jax.devices()))),
        backend=jax.default_backend(),
        processes=jax.process_count(),
        cores=processes.cores(),
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
