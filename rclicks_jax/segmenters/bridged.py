"""Segmenters that run in a worker; features and states stay there."""

import itertools
import sys
from collections.abc import Sequence

import numpy as np

from rclicks_jax.bridge import client, wire
from rclicks_jax.segmenters import base
from rclicks_jax.types import Clicks

Request = tuple[wire.Header, wire.Arrays]


class BridgedSegmenter:
    """A worker as a segmenter; see `base.Segmenter`."""

    def __init__(self, options: dict[str, str]) -> None:
        """Starts the worker.

        Args:
            options: `adapter`, a file or the name of a module of `bridge.adapters`;
                perhaps `python`, the interpreter of its environment, and `timeout` in
                seconds; what else there is goes to the adapter.
        """
        options = dict(options)
        adapter = options.pop("adapter", "")
        python = options.pop("python", sys.executable)
        timeout = float(options.pop("timeout", "300"))
        self.name = adapter.rsplit("/", 1)[-1].removesuffix(".py")
        self.encodes = 0
        self._client = client.WorkerClient(python, adapter, options, timeout)
        self.description = {
            "name": self.name,
            "options": options,
            "worker": {**self._client.versions},
        }
        self._images = itertools.count()
        self._sessions = itertools.count()

    def encode(self, image: np.ndarray) -> tuple[int, Request, tuple[int, ...]]:
        """Sends a photograph to be encoded."""
        self.encodes += 1
        number = next(self._images)
        request: Request = (
            {"action": "encode", "image": number},
            {"image": np.ascontiguousarray(image)},
        )
        self._client.call(*request)
        return number, request, image.shape[:2]

    def start(
        self,
        features: tuple[int, Request, tuple[int, int]],
        gt_masks: Sequence[np.ndarray],
    ) -> "BridgedSession":
        """Starts trajectories; the targets do not leave this process."""
        del gt_masks
        return BridgedSession(self, features, next(self._sessions))

    def call(self, request: Request, replay: Sequence[Request]) -> wire.Arrays:
        """Calls the worker; see `client.WorkerClient.call`."""
        return self._client.call(*request, replay)[1]

    def release(self, features: tuple[int, Request, tuple[int, int]]) -> None:
        """Lets the worker forget a photograph."""
        self._client.call({"action": "release", "image": features[0]}, {})

    def close(self) -> None:
        """Ends the worker."""
        self._client.close()


class BridgedSession:
    """Trajectories whose clicks are kept, to be replayed to a restarted worker."""

    def __init__(
        self,
        segmenter: BridgedSegmenter,
        features: tuple[int, Request, tuple[int, int]],
        number: int,
    ) -> None:
        """Starts with no click."""
        self._segmenter = segmenter
        self._image, encode, self._shape = features
        self._number = number
        self._history: list[Request] = [encode]

    def predict(self, rows: np.ndarray, clicks: Clicks) -> np.ndarray:
        """Answers a click; see `base.Session`."""
        request: Request = (
            {"action": "predict", "image": self._image, "session": self._number},
            {"rows": np.asarray(rows, np.int32), **clicks._asdict()},
        )
        arrays = self._segmenter.call(request, self._history)
        self._history.append(request)
        name = self._segmenter.name
        masks = arrays.get("masks")
        return base.checked_masks(name, masks, len(rows), self._shape)
