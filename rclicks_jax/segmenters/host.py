"""Segmenters that run in this process: our own, and adapters in files of the user."""

import contextlib
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from rclicks_jax import errors
from rclicks_jax.bridge import adapter, answers, faults, provenance, states
from rclicks_jax.bridge.switches import Switches
from rclicks_jax.segmenters import base, surroundings
from rclicks_jax.types import Clicks

T = TypeVar("T")


class HostSegmenter:
    """An adapter of three functions as a segmenter; see `base.Segmenter`."""

    def __init__(
        self,
        name: str,
        functions: adapter.Functions,
        options: Mapping[str, str],
        protocol: Switches,
        trajectories: int = 0,
        around: surroundings.Surroundings | None = None,
    ) -> None:
        """Loads the model of an adapter.

        Args:
            name: Name of the segmenter in tables.
            functions: Object or module with `load`, `encode` and `predict`; perhaps
                with `with_batch(model, trajectories)`, which sets its batch shape.
            options: Options for `load`, as text.
            protocol: Switches of the run's protocol.
            trajectories: Number of trajectories that a run advances together; 0 if it
                is not known.
            around: The surroundings of a user's adapter; None for our own adapters,
                which do not change the state of this process.

        Raises:
            SegmenterError: The model cannot be loaded.
        """
        self.name = name
        self.description: dict[str, Any] = {
            "name": name,
            "options": provenance.describe_options(options),
        }
        code = getattr(functions, "__file__", "")
        # Our own adapters are identified by the version of this package, which a run
        # records. A user's file is identified by its content.
        if code and around is not None:
            self.description["code"] = provenance.describe(code)
        # A file of the user's may change what belongs to the whole process.
        self.lanes = 1 if around is None else 0
        self.most_images = 0
        self.encodes = 0
        self._around = around
        self._adapter = adapter.Adapter(
            functions, pathlib.PurePath(code).name if around else name
        )
        with _heard(around):
            self.versions = self._run(lambda: self._adapter.load(options, protocol))
            if trajectories and hasattr(functions, "with_batch"):
                model = self._run(lambda: self._with_batch(trajectories))
                self._adapter.model = model

    @property
    def has_probabilities(self) -> bool:
        """Whether its masks are cut from probabilities or logits."""
        return getattr(self._adapter.functions, "THRESHOLD", None) is not None

    @property
    def sees_targets(self) -> bool:
        """Whether it answers from the targets, as simulated segmenters do."""
        return getattr(self._adapter.functions, "sees_targets", False)

    @property
    def printed(self) -> str:
        """The end of what it wrote while it was loaded."""
        return self._around.printed if self._around else ""

    def encode(self, image: np.ndarray, lane: int | None = None) -> adapter.Encoded:
        """Encodes a photograph; keeps its shape, to check the masks later."""
        del lane
        self.encodes += 1
        if self._around is not None:
            # Libraries may write into memory that NumPy marks as read-only.
            image = image.copy()
        return self._run(lambda: self._adapter.encode(image))

    def start(
        self, features: adapter.Encoded, gt_masks: Sequence[np.ndarray]
    ) -> "HostSession":
        """Starts trajectories."""
        state = None
        if self.sees_targets:
            state = np.stack(gt_masks)
        return HostSession(self, features, len(gt_masks), state)

    def predict(
        self,
        features: adapter.Encoded,
        clicks: Clicks,
        state: states.State,
        wanted: bool,
    ) -> tuple[dict[str, np.ndarray], states.State]:
        """Calls the adapter; returns masks, and probabilities if they are wanted."""
        given = adapter.Clicks(*(np.array(each) for each in clicks))
        arrays, state = self._run(
            lambda: self._adapter.predict(features, given, state, wanted)
        )
        if self._around is not None:
            # An adapter may reuse the memory of its answers.
            arrays = {name: each.copy() for name, each in arrays.items()}
        masks = answers.with_clean_bytes(arrays["masks"])
        return {**arrays, "masks": masks}, state

    def take(self, state: states.State, count: int, rows: np.ndarray) -> states.State:
        """Keeps the rows of a state whose trajectories go on; see `states.take`."""
        return self._run(lambda: self._adapter.take(state, count, rows))

    def release(self, features: adapter.Encoded) -> None:
        """Does nothing: Python frees features that are not used any more."""
        del features

    def abort(self) -> None:
        """Does nothing: a call here runs in the thread that would be interrupted."""

    def close(self) -> None:
        """Ends processes that the adapter started."""
        if self._around is not None:
            self._around.end()

    def _with_batch(self, trajectories: int) -> adapter.Model:
        functions, model = self._adapter.functions, self._adapter.model
        return adapter.called(
            f"with_batch of {self.name}",
            lambda: functions.with_batch(model, trajectories),
        )

    def _run(self, function: Callable[[], T]) -> T:
        return _run(self._around, function)


class HostSession:
    """Trajectories and their state; rows are dropped as trajectories end."""

    def __init__(
        self,
        segmenter: HostSegmenter,
        features: adapter.Encoded,
        count: int,
        state: states.State,
    ) -> None:
        """Starts with all `count` trajectories."""
        self._segmenter = segmenter
        self._features = features
        self._rows = np.arange(count)
        self._state = state

    def predict(self, rows: np.ndarray, clicks: Clicks) -> np.ndarray:
        """Answers a click; see `base.Session`."""
        return self._answer(rows, clicks, wanted=False)["masks"]

    def predict_with_probabilities(
        self, rows: np.ndarray, clicks: Clicks
    ) -> tuple[np.ndarray, np.ndarray]:
        """Answers a click with masks and probabilities.

        Returns:
            Masks, `bool[t h w]`, and the probabilities that they were cut from,
            `f32[t h w]`.

        Raises:
            SegmenterError: The segmenter failed, or its adapter has masks only.
        """
        arrays = self._answer(rows, clicks, wanted=True)
        base.check_probabilities(self._segmenter.name, arrays)
        return arrays["masks"], arrays["probabilities"]

    def _answer(
        self, rows: np.ndarray, clicks: Clicks, wanted: bool
    ) -> dict[str, np.ndarray]:
        if not np.array_equal(rows, self._rows):
            places = np.searchsorted(self._rows, rows)
            self._state = self._segmenter.take(self._state, len(self._rows), places)
            self._rows = np.asarray(rows)
        arrays, self._state = self._segmenter.predict(
            self._features, clicks, self._state, wanted
        )
        return arrays


def load_file(
    path: pathlib.Path,
    options: Mapping[str, str],
    protocol: Switches,
    trajectories: int = 0,
) -> HostSegmenter:
    """Loads an adapter from a user's file in this process.

    Args:
        path: The Python file.
        options: Options for its `load`, as text.
        protocol: Switches of the run's protocol.
        trajectories: Number of trajectories that a run advances together; 0 if it is
            not known.

    Raises:
        SegmenterError: The file cannot be imported or loaded, or lacks one of the three
            functions.
    """
    if not path.is_file():
        raise errors.SegmenterError(f"{path} is not a Python file.")
    around = surroundings.Surroundings(path.parent)
    with around.heard():
        functions = _run(around, lambda: adapter.import_adapter(str(path)))
    if hasattr(functions, "saliency") and not hasattr(functions, "predict"):
        raise errors.SegmenterError(
            f"{path} is a saliency model, not a segmenter. Use it as a click model: "
            f"--click_model=SM:adapter={path}."
        )
    return HostSegmenter(path.stem, functions, options, protocol, trajectories, around)


def _heard(
    around: surroundings.Surroundings | None,
) -> contextlib.AbstractContextManager[None]:
    return around.heard() if around else contextlib.nullcontext()


def _run(around: surroundings.Surroundings | None, function: Callable[[], T]) -> T:
    """Calls an adapter's code in its surroundings.

    Raises:
        SegmenterError: The adapter failed; the message says how.
    """
    try:
        with around.entered() if around else contextlib.nullcontext():
            return function()
    except faults.FaultError as error:
        message = str(error)
        if error.missing and around is not None:
            message += (
                "\nRun the adapter in an environment that has it: "
                "bridge:adapter=FILE.py:python=/path/to/env/bin/python."
            )
    raise errors.SegmenterError(message)
