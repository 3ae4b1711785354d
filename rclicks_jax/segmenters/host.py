"""Segmenters that run in this process: JAX, NumPy, OpenCV."""

import importlib.util
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from rclicks_jax import errors
from rclicks_jax.bridge import answers, provenance
from rclicks_jax.segmenters import base
from rclicks_jax.types import Clicks

# The package's own adapters go by its version; a user's file by its content.
_PACKAGE = pathlib.Path(__file__).resolve().parent


class HostSegmenter:
    """An adapter of three functions as a segmenter; see `base.Segmenter`."""

    def __init__(
        self, name: str, adapter: Any, options: Mapping[str, str], trajectories: int = 0
    ) -> None:
        """Loads the model of an adapter.

        Args:
            name: What tables call it.
            adapter: With `load`, `encode` and `predict`; perhaps with
                `with_batch(model, trajectories)`, to settle its one batch shape.
            options: For `load`.
            trajectories: How many a run advances together; 0 if that is not known.
        """
        self.name = name
        self.description = {
            "name": name,
            "options": provenance.describe_options(options),
        }
        code = getattr(adapter, "__file__", "")
        if code and not code.startswith(str(_PACKAGE)):
            self.description["code"] = provenance.describe(code)
        self.versions: dict[str, str] = {}
        self.parallel = 1
        self.encodes = 0
        self._adapter = adapter
        self._model = _guarded(name, adapter.load, options)
        if trajectories and hasattr(adapter, "with_batch"):
            self._model = adapter.with_batch(self._model, trajectories)

    def encode(self, image: np.ndarray) -> Any:
        """Encodes a photograph; remembers its shape to check masks by."""
        self.encodes += 1
        features = _guarded(self.name, self._adapter.encode, self._model, image)
        return features, image.shape[:2]

    def start(self, features: Any, gt_masks: Sequence[np.ndarray]) -> "HostSession":
        """Starts trajectories."""
        encoded, shape = features
        state = None
        if getattr(self._adapter, "sees_targets", False):
            state = np.stack(gt_masks)
        return HostSession(self, encoded, shape, len(gt_masks), state)

    def predict(
        self, features: Any, clicks: Clicks, state: Any, wanted: bool
    ) -> tuple[dict[str, np.ndarray], Any]:
        """Calls the adapter; returns masks, and probabilities if they are wanted."""
        predict = self._adapter.predict
        answer, state = _guarded(
            self.name, predict, self._model, features, clicks, state
        )
        arrays = _guarded(self.name, answers.arrays_of, answer, self._adapter, wanted)
        return arrays, state

    def release(self, features: Any) -> None:
        """Does nothing: what nobody holds is freed."""
        del features

    def close(self) -> None:
        """Does nothing."""


class HostSession:
    """Trajectories and their state; rows are dropped as trajectories end."""

    def __init__(
        self,
        segmenter: HostSegmenter,
        features: Any,
        shape: tuple[int, int],
        count: int,
        state: Any,
    ) -> None:
        """Starts with all `count` trajectories."""
        self._segmenter = segmenter
        self._features = features
        self._shape = shape
        self._rows = np.arange(count)
        self._state = state

    def predict(self, rows: np.ndarray, clicks: Clicks) -> np.ndarray:
        """Answers a click; see `base.Session`."""
        return self._answer(rows, clicks, wanted=False)["masks"]

    def predict_with_probabilities(
        self, rows: np.ndarray, clicks: Clicks
    ) -> tuple[np.ndarray, np.ndarray]:
        """Answers a click with masks and with what they were cut from.

        Returns:
            `bool[t h w]` and `f32[t h w]`.

        Raises:
            SegmenterError: It failed, or its adapter has masks only.
        """
        arrays = self._answer(rows, clicks, wanted=True)
        base.check_probabilities(self._segmenter.name, arrays)
        return arrays["masks"], arrays["probabilities"]

    def _answer(
        self, rows: np.ndarray, clicks: Clicks, wanted: bool
    ) -> dict[str, np.ndarray]:
        if not np.array_equal(rows, self._rows):
            kept = np.searchsorted(self._rows, rows)
            self._state = jax.tree.map(lambda leaf: leaf[kept], self._state)
            self._rows = np.asarray(rows)
        arrays, self._state = self._segmenter.predict(
            self._features, clicks, self._state, wanted
        )
        name = self._segmenter.name
        masks = base.checked_masks(name, arrays["masks"], len(rows), self._shape)
        return {**arrays, "masks": masks}


def load_file(path: pathlib.Path) -> Any:
    """Imports an adapter from a file of the user's.

    Raises:
        SegmenterError: It cannot be imported or lacks one of the three functions.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.exists():
        raise errors.SegmenterError(f"{path} is not a Python file.")
    adapter = importlib.util.module_from_spec(spec)
    _guarded(str(path), spec.loader.exec_module, adapter)
    missing = [f for f in ("load", "encode", "predict") if not hasattr(adapter, f)]
    if missing:
        raise errors.SegmenterError(
            f"{path} lacks {', '.join(missing)}: an adapter has load(options), "
            "encode(model, image) and predict(model, features, clicks, state)."
        )
    return adapter


def _guarded(name: str, function: Any, *arguments: Any) -> Any:
    """Calls foreign code; whatever it raises becomes a `SegmenterError`."""
    try:
        return function(*arguments)
    except errors.RClicksError:
        raise
    except Exception as error:
        message = f"{name} failed: {type(error).__name__}: {error}"
        raise errors.SegmenterError(message) from error
