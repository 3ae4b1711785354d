"""What a run notes of the machine and the releases it ran on."""

import datetime
import importlib.metadata
import platform
from typing import Any

import jax

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
    """Returns versions, devices and time; none of it is part of a run's hash."""
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
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
