"""The process of a segmenter for live rounds: a worker, as the bridge knows them.

The web server starts it as `python -P -m rclicks_jax.collection.web.live_worker`. It
loads any segmenter that `segmenters.load` knows, bridged ones in workers of their own.
Photographs come as paths, so that the server does not decode them.
"""

import os
import pathlib
import sys

import numpy as np

from rclicks_jax.bridge import wire, worker
from rclicks_jax.data import raw
from rclicks_jax.ops import images
from rclicks_jax.segmenters import base, load
from rclicks_jax.types import Clicks

_NICE = 10


class _Photograph:
    """A photograph of a live task: what the segmenter made of it, and its session."""

    def __init__(self, segmenter: base.Segmenter, header: wire.Header) -> None:
        """Encodes the photograph.

        Args:
            segmenter: The segmenter.
            header: A request `encode`: `photograph` and `gt_mask`, paths of files.
        """
        path, gt_path = pathlib.Path(header["photograph"]), header["gt_mask"]
        # Only simulated segmenters look at the target.
        gt_mask = images.decode_mask(pathlib.Path(gt_path).read_bytes(), gt_path)
        self._target = gt_mask == raw.OBJECT
        self._segmenter = segmenter
        pixels = images.decode_image(path.read_bytes(), path.name)
        self._features = segmenter.encode(
            images.resize_image(pixels, self._target.shape)
        )
        self._start()

    def _start(self) -> None:
        self._session = self._segmenter.start(self._features, [self._target])
        self._answered: list[tuple[int, int, bool]] = []

    def mask(self, clicks_yx: np.ndarray, positive: np.ndarray) -> np.ndarray:
        """Returns the mask after some clicks, `bool[h w]`.

        A session goes on if it has answered all clicks but the last ones; else, as
        after an undo or in a new process, it begins anew with the first click.

        Args:
            clicks_yx: All clicks that stand, at least one, `i32[n 2]`.
            positive: Whether each says "object", `bool[n]`.
        """
        wanted = [
            (int(y), int(x), bool(sign))
            for (y, x), sign in zip(clicks_yx, positive, strict=True)
        ]
        known = len(self._answered)
        if self._answered != wanted[:known] or known == len(wanted):
            self._start()
        mask = np.zeros(self._target.shape, bool)
        for count in range(len(self._answered) + 1, len(wanted) + 1):
            clicks = Clicks(
                yx=clicks_yx[None, :count].astype(np.int32),
                positive=positive[None, :count],
                count=np.array([count], np.int32),
            )
            mask = self._session.predict(np.array([0], np.int32), clicks)[0]
            self._answered = wanted[:count]
        return mask

    def release(self) -> None:
        """Forgets the photograph."""
        self._segmenter.release(self._features)


class LiveWorker:
    """A segmenter with the photographs of people who click now."""

    def __init__(self) -> None:
        """Holds nothing; the segmenter is loaded by the first request."""
        self._segmenter: base.Segmenter | None = None
        self._held: dict[str, _Photograph] = {}

    def answer(
        self, header: wire.Header, arrays: wire.Arrays
    ) -> tuple[wire.Header, wire.Arrays]:
        """Does what a request asks; returns the header and arrays of the reply."""
        action, key = header["action"], header.get("assignment", "")
        if action == "load":
            self._segmenter = load.load(header["options"]["segmenter"])
            return {"versions": self._segmenter.versions}, {}
        if action == "encode":
            assert self._segmenter is not None
            self._release(key)
            self._held[key] = _Photograph(self._segmenter, header)
            return {}, {}
        if action == "predict":
            mask = self._held[key].mask(arrays["yx"], arrays["positive"])
            return {}, {"mask": mask}
        if action == "release":
            self._release(key)
            return {}, {}
        raise ValueError(f"unknown action {action!r}")

    def _release(self, key: str) -> None:
        if key in self._held:
            self._held.pop(key).release()


if __name__ == "__main__":
    # Where cores are few, the answers of the web server come first.
    os.nice(_NICE)
    worker.run(sys.argv[1:], lambda empty: LiveWorker())
