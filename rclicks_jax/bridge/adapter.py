"""Imports, calls and checks an adapter, in the same way wherever it runs.

Both a worker and the benchmark's own process run adapters through this module. So an
adapter gets the same arguments and the same error messages in both.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from rclicks_jax.bridge import answers, faults, states
from rclicks_jax.bridge.switches import Switches

_OF_A_SEGMENTER = ("load", "encode", "predict")
_OF_SALIENCY = ("load", "saliency")
_FRAMEWORKS = ("torch", "transformers")
_VERSION_CHARACTERS = 200

T = TypeVar("T")
# The module of an adapter, or an object with its functions: `load`, `encode` and
# `predict`, or `load` and `saliency`.
Functions = Any
# What `load` of an adapter returned, for its own functions alone.
Model = Any
# What `encode` of an adapter returned, for its own `predict` alone.
Features = Any


class Clicks(NamedTuple):
    """All clicks so far of a batch of trajectories, as an adapter gets them.

    Attributes:
        yx: Pixel positions, `i32[t k 2]`.
        positive: Foreground click or not, `bool[t k]`.
        count: Clicks in use, `i32[t]`.
    """

    yx: np.ndarray
    positive: np.ndarray
    count: np.ndarray


class Encoded(NamedTuple):
    """The features that an adapter returned, and the image's height and width."""

    features: Features
    shape: tuple[int, int]


class Adapter:
    """The functions of an adapter and its model; every failure is a `FaultError`.

    Attributes:
        functions: The module, or an object with its functions.
        name: Name of the adapter in messages, such as the name of its file.
        model: What its `load` returned.
    """

    def __init__(self, functions: Functions, name: str) -> None:
        """Keeps the functions; nothing is loaded yet."""
        self.functions = functions
        self.name = name
        self.model: Model = None

    def load(
        self, options: Mapping[str, str], protocol: Switches | None = None
    ) -> dict[str, str]:
        """Loads the model; returns versions of what it runs on.

        Args:
            options: Options for the adapter's `load`, as text.
            protocol: Switches of the run's protocol, for an adapter whose `load` takes
                `protocol`; None for a saliency model, which obeys no switch.

        Raises:
            FaultError: The adapter raised an exception.
        """
        load = self.functions.load
        self.model = self._call("load", lambda: load_model(load, options, protocol))
        describe = getattr(self.functions, "describe", None)
        versions = _versions()
        if describe is not None:
            described = self._call("describe", lambda: dict(describe(self.model)))
            versions.update(
                (faults.plain(str(key)), faults.plain(str(value), _VERSION_CHARACTERS))
                for key, value in described.items()
            )
        return versions

    def encode(self, image: np.ndarray) -> Encoded:
        """Has the adapter encode an image, `u8[h w 3]`; the image is read-only.

        Raises:
            FaultError: The adapter raised an exception.
        """
        given = _read_only(image)
        features = self._call(
            "encode", lambda: self.functions.encode(self.model, given)
        )
        return Encoded(features, image.shape[:2])

    def predict(
        self,
        encoded: Encoded,
        clicks: Clicks,
        state: states.State,
        wanted: bool,
        empty: answers.Empty = np.empty,
    ) -> tuple[dict[str, np.ndarray], states.State]:
        """Has the adapter answer clicks; the clicks are read-only.

        Args:
            encoded: The encoded image.
            clicks: All clicks so far of each trajectory.
            state: The state that the adapter returned for the previous click, with a
                row for each trajectory.
            wanted: Whether probabilities are returned beside the masks.
            empty: Makes the array of masks that are cut on the host.

        Returns:
            A dictionary with `masks`, `bool[t h w]`, and perhaps `probabilities`,
            `f32[t h w]`; and the new state.

        Raises:
            FaultError: The adapter raised an exception, or returned an unusable value.
        """
        given = Clicks(*map(_read_only, clicks))
        count = len(clicks.count)
        features, model = encoded.features, self.model

        def answer() -> tuple[dict[str, np.ndarray], states.State]:
            returned = self.functions.predict(model, features, given, state)
            with _checking():
                masks, new_state = answers.pair_of(returned)
                arrays = answers.arrays_of(masks, self.functions, wanted, empty)
                answers.check_masks(arrays["masks"], count, encoded.shape)
                return arrays, new_state

        return self._call("predict", answer)

    def take(self, state: states.State, count: int, rows: np.ndarray) -> states.State:
        """Keeps the rows of a state whose trajectories go on; see `states.take`.

        Raises:
            FaultError: A part of the state has not one row for each trajectory.
        """

        def take_rows() -> states.State:
            with _checking():
                return states.take(state, count, rows)

        return self._call("predict", take_rows)

    def saliency(self, image: np.ndarray) -> np.ndarray:
        """Returns the answer of a saliency model to an image, `u8[h w 3]`.

        Raises:
            FaultError: The adapter raised an exception.
        """
        given = _read_only(image)
        return self._call(
            "saliency",
            lambda: answers.on_host(self.functions.saliency(self.model, given)),
        )

    def _call(self, action: str, function: Callable[[], T]) -> T:
        return called(f"{action} of {self.name}", function)


class _UnusableError(Exception):
    """What an adapter returned cannot be used; the message continues its name."""


def called(what: str, function: Callable[[], T]) -> T:
    """Calls foreign code; returns what it returns.

    Args:
        what: Name of the call in messages.
        function: Makes the call.

    Raises:
        FaultError: The code raised any exception but an interrupt from the keyboard.
    """
    process, missing = os.getpid(), ""
    try:
        result = function()
    except KeyboardInterrupt:
        _end_if_forked(process)
        raise
    except _UnusableError as error:
        message = f"{what} {faults.plain(str(error))}."
    except BaseException as error:
        message = f"{what} failed: {faults.describe(error)}"
        if isinstance(error, ModuleNotFoundError):
            missing = error.name or ""
    else:
        _end_if_forked(process)
        return result
    # Raised outside the handlers: inside it would keep the arrays of all frames alive.
    _end_if_forked(process)
    raise faults.FaultError(message, missing)


def load_model(
    load: Callable[..., Model], options: Mapping[str, str], protocol: Switches | None
) -> Model:
    """Calls the `load` of an adapter; returns its model.

    Args:
        load: `load(options)` or `load(options, protocol)`.
        options: Options as text.
        protocol: Switches for a `load` that takes them; None for a saliency model.
    """
    if protocol is None or not _takes_protocol(load):
        return load(dict(options))
    return load(dict(options), protocol=protocol)


def _takes_protocol(load: Callable[..., Model]) -> bool:
    try:
        return "protocol" in inspect.signature(load).parameters
    except (TypeError, ValueError):
        # Some compiled functions do not tell their arguments.
        return False


def import_adapter(name: str) -> Functions:
    """Imports an adapter: a Python file, or the name of a module of `bridge.adapters`.

    Python looks for the imports of a file in the file's own folder first. The module
    is in `sys.modules` under a name of its own. A file that is imported again becomes
    another module.

    Raises:
        FaultError: It cannot be imported, or lacks a function.
    """
    if name.endswith(".py"):
        module = called(f"Importing {os.path.basename(name)}", lambda: _from_file(name))
    else:
        full = f"rclicks_jax.bridge.adapters.{name}"
        module = called(f"Importing {name}", lambda: importlib.import_module(full))
    needed = _OF_SALIENCY if hasattr(module, "saliency") else _OF_A_SEGMENTER
    missing = [each for each in needed if not callable(getattr(module, each, None))]
    if missing:
        raise faults.FaultError(
            f"{name} lacks {', '.join(missing)}: an adapter has load(options), "
            "encode(model, image) and predict(model, features, clicks, state); one of "
            "a saliency model has load(options) and saliency(model, image)."
        )
    return module


def _from_file(path: str) -> Functions:
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path} is not a file")
    stem = re.sub(r"\W", "_", os.path.splitext(os.path.basename(path))[0])
    name, number = f"adapter_{stem}", 1
    while getattr(sys.modules.get(name), "__file__", path) != path:
        number += 1
        name = f"adapter_{stem}_{number}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


@contextlib.contextmanager
def _checking() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise _UnusableError(str(error)) from None


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _end_if_forked(process: int) -> None:
    """Ends a forked copy of this process that returned from the adapter's code."""
    if os.getpid() != process:
        os._exit(0)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    for name in _FRAMEWORKS:
        if name in sys.modules:
            versions[name] = str(getattr(sys.modules[name], "__version__", "unknown"))
    return versions
