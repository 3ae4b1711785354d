"""What a run notes of the machine and the releases it ran on."""

import datetime
import importlib.metadata
import platform
from typing import Any

import jax

from rclicks_jax.runs import processes

_RELEASES = (
    "rclicks-jax",
    "jax",
    "jaxlib",
    "flax",
    "numpy",
    "opencv-python-headless",
    "tensorflow-datasets",
)


def describe() -> dict[str, Any]:
    """Returns versions, devices, cores and time; none of it is part of a run's hash.

    The number of cores that this process may use changes the last bits of what XLA
    computes on a CPU.
    """
    releases = {}
    for name in _RELEASES:
        try:
            releases[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            releases[name] = "not installed"
    return {
        "versions": {"python": platform.python_version(), **releases},
        "platform": platform.platform(),
        "devices": [str(device) for device in jax.devices()],
        "backend": jax.default_backend(),
        "processes": jax.process_count(),
        "cores": processes.cores(),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
