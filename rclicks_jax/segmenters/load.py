"""Loads the segmenter that a user named."""

import pathlib
from collections.abc import Mapping

from rclicks_jax import registry
from rclicks_jax.bridge.switches import Switches
from rclicks_jax.segmenters import base, bridged, host, methods, specs
from rclicks_jax.settings import protocols


def load(
    spec: str,
    trajectories: int = 0,
    protocol: protocols.Protocol = protocols.PAPER,
) -> base.Segmenter:
    """Loads `name:key=value:...`.

    `name` is in the catalogue; or is a method of `methods.toml`, to run in a worker of
    its environment; or ends in `.py`, an adapter of the user's to run in this process;
    or is `bridge`, with `adapter=FILE` and perhaps `python=INTERPRETER`, to run in a
    worker.

    Args:
        spec: What the user named.
        trajectories: How many a run advances together; 0 if that is not known.
        protocol: Protocol of the run; the segmenter gets the switches that concern it.

    Raises:
        UnknownNameError: There is no such segmenter, or it has no such option.
        BadValueError: An option is missing or is not what it can be.
        SegmenterError: It cannot be loaded.
    """
    name, options = specs.parse(spec)
    switches = switches_of(protocol)
    if name == "bridge":
        return bridged.BridgedSegmenter(options, switches)
    if name.endswith(".py"):
        return host.load_file(pathlib.Path(name), options, switches, trajectories)
    known = methods.catalogue().methods
    if name in known:
        return _load_method(known[name], options, switches)
    if name not in registry.SEGMENTERS:
        raise specs.unknown(name)
    adapter = registry.find("segmenter", registry.SEGMENTERS, name)
    return host.HostSegmenter(name, adapter, options, switches, trajectories)


def switches_of(protocol: protocols.Protocol) -> Switches:
    """Returns what of a protocol concerns segmenters."""
    return Switches(**{name: getattr(protocol, name) for name in Switches._fields})


def _load_method(
    method: methods.Method, options: Mapping[str, str], switches: Switches
) -> base.Segmenter:
    """Starts the worker of a method, in its environment unless another is named."""
    methods.check_options(method, options)
    python = specs.interpreter(method, options)
    segmenter = bridged.BridgedSegmenter(
        {**options, "adapter": method.adapter, "python": python}, switches
    )
    segmenter.name = method.name
    segmenter.description = methods.describe(method, options)
    return segmenter
