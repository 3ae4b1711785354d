"""Loads the segmenter that a user named."""

import pathlib

from rclicks_jax import catalogue
from rclicks_jax.segmenters import base, bridged, host


def load(spec: str, trajectories: int = 0) -> base.Segmenter:
    """Loads `name:key=value:...`.

    `name` is in the catalogue; or ends in `.py`, an adapter of the user's to run in
    this process; or is `bridge`, with `adapter=FILE` and perhaps `python=INTERPRETER`,
    to run in a worker.

    Args:
        spec: What the user named.
        trajectories: How many a run advances together; 0 if that is not known.

    Raises:
        UnknownNameError: The catalogue has no such segmenter.
        BadValueError: An option is unknown or of a wrong type.
        SegmenterError: It cannot be loaded.
    """
    name, options = catalogue.parse_spec(spec)
    if name == "bridge":
        return bridged.BridgedSegmenter(options)
    if name.endswith(".py"):
        path = pathlib.Path(name)
        return host.HostSegmenter(
            path.stem, host.load_file(path), options, trajectories
        )
    adapter = catalogue.find("segmenter", catalogue.SEGMENTERS, name)
    return host.HostSegmenter(name, adapter, options, trajectories)
