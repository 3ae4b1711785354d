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

    `name` is one of these:
    - a segmenter of the catalogue, or one of the paper's in JAX, which runs in this
      process;
    - a method of `methods.toml`, which runs in a worker of its environment;
    - a user's file that ends in `.py`, an adapter that runs in this process;
    - `bridge`, with `adapter=FILE` and perhaps `python=INTERPRETER`, for a worker.

    Args:
        spec: The segmenter as the user named it.
        trajectories: Number of trajectories that a run advances together; 0 if it is
            not known.
        protocol: Protocol of the run; the segmenter gets the switches that concern it.

    Raises:
        UnknownNameError: There is no such segmenter, or it has no such option.
        BadValueError: An option is missing or has a value that is not allowed.
        SegmenterError: The segmenter cannot be loaded.
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
    if name in registry.NATIVE_SEGMENTERS:
        native = registry.find("segmenter", registry.NATIVE_SEGMENTERS, name)
        return native.open_segmenter(native.load(options), switches)
    if name not in registry.SEGMENTERS:
        raise specs.unknown(name)
    adapter = registry.find("segmenter", registry.SEGMENTERS, name)
    return host.HostSegmenter(name, adapter, options, switches, trajectories)


def switches_of(protocol: protocols.Protocol) -> Switches:
    """Returns the switches of a protocol that concern segmenters."""
    return Switches(**{name: getattr(protocol, name) for name in Switches._fields})


def _load_method(
    method: methods.Method, options: Mapping[str, str], switches: Switches
) -> base.Segmenter:
    """Starts the worker of a method, by default in the method's environment."""
    methods.check_options(method, options)
    python = specs.interpreter(method, options)
    segmenter = bridged.BridgedSegmenter(
        {**options, "adapter": method.adapter, "python": python}, switches
    )
    segmenter.name = method.name
    segmenter.description = methods.describe(method, options)
    return segmenter
