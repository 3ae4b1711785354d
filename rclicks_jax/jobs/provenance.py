"""What a run notes of its command, its machine and its releases: good to know."""

import dataclasses
import datetime
import importlib.metadata
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rclicks_jax.jobs import processes

_RELEASES = (
    "rclicks-jax",
    "jax",
    "jaxlib",
    "flax",
    "numpy",
    "opencv-python-headless",
    "tensorflow-datasets",
)
# What of it can change the last bits of numbers.
OF_LAST_BITS = ("backend", "devices", "cores", "batches")


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where a run was made, and by what; no part of its identity.

    Attributes:
        command: As the shell gave it.
        versions: Releases by name.
        platform: Operating system and processor.
        devices: Names of all devices of all processes.
        backend: Which kind of devices they are.
        processes: How many processes of several hosts share the run.
        cores: How many this process may use, which changes the last bits of what XLA
            computes on a CPU.
        started: Date and time.
        batches: Shapes of passes, by what is passed; None where nothing decides.
        config: The settings.
        data_notes: What was decided or left out when data was packaged.
        job: What else the job notes.
    """

    command: Sequence[str]
    versions: Mapping[str, str]
    platform: str
    devices: Sequence[str]
    backend: str
    processes: int
    cores: int
    started: str
    batches: Mapping[str, int | None] = dataclasses.field(default_factory=dict)
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    data_notes: Sequence[str] = ()
    job: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def of_this_process() -> Provenance:
    """Returns command, versions, devices, cores and time of this process."""
    # Processes that only measure import this module, and no JAX.
    import jax

    releases = {}
    for name in _RELEASES:
        try:
            releases[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            releases[name] = "not installed"
    return Provenance(
        command=sys.argv,
        versions={"python": platform.python_version(), **releases},
        platform=platform.platform(),
        devices=[str(device) for device in jax.devices()],
        backend=jax.default_backend(),
        processes=jax.process_count(),
        cores=processes.cores(),
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
