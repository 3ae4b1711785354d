"""Loads the segmenter that a user named."""

import pathlib
from collections.abc import Mapping

from rclicks_jax import registry
from rclicks_jax.segmenters import base, bridged, host, methods, specs


def load(spec: str, trajectories: int = 0, protocol: str = "") -> base.Segmenter:
    """Loads `name:key=value:...`.

    `name` is in the catalogue; or is a method of `methods.toml`, to run in a worker of
    its environment; or ends in `.py`, an adapter of the user's to run in this process;
    or is `bridge`, with `adapter=FILE` and perhaps `python=INTERPRETER`, to run in a
    worker.

    Args:
        spec: What the user named.
        trajectories: How many a run advances together; 0 if that is not known.
        protocol: Of the run, for methods that have such an option; empty for theirs.

    Raises:
        UnknownNameError: There is no such segmenter, or it has no such option.
        BadValueError: An option is missing or is not what it can be.
        SegmenterError: It cannot be loaded.
    """
    name, options = registry.parse_spec(spec)
    if name == "bridge":
        return bridged.BridgedSegmenter(options)
    if name.endswith(".py"):
        return host.load_file(pathlib.Path(name), options, trajectories)
    known = methods.catalogue().methods
    if name in known:
        return _load_method(known[name], options, protocol)
    if name not in registry.SEGMENTERS:
        raise specs.unknown(name)
    adapter = registry.find("segmenter", registry.SEGMENTERS, name)
    return host.HostSegmenter(name, adapter, options, trajectories)


def _load_method(
    method: methods.Method, options: Mapping[str, str], protocol: str
) -> base.Segmenter:
    """Starts the worker of a method, in its environment unless another is named."""
    given = specs.with_protocol(method, options, protocol)
    methods.check_options(method, given)
    python = specs.interpreter(method, given)
    segmenter = bridged.BridgedSegmenter(
        {**given, "adapter": method.adapter, "python": python}
    )
    segmenter.name = method.name
    segmenter.description = methods.describe(method, given)
    return segmenter
