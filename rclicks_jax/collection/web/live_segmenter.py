"""A segmenter for live rounds in its own process: it needs seconds, and JAX."""

import asyncio
import collections
import concurrent.futures
import concurrent.futures.process
import multiprocessing
import pathlib
import time
from typing import Any

import numpy as np

from rclicks_jax.collection.service.answers import LiveTurn
from rclicks_jax.collection.service.desk import refusal


class Answerer:
    """A queue before a process with a segmenter.

    People whose photographs it holds are answered without encoding; of further ones it
    encodes the photograph anew.
    """

    def __init__(self, spec: str, seats: int) -> None:
        """Starts nothing yet.

        Args:
            spec: The segmenter, as `--segmenter` takes it.
            seats: Photographs that it holds at a time.
        """
        self._settings = spec, seats
        self._pool = self._start()

    def warm_up(self) -> None:
        """Loads the segmenter.

        Raises:
            RClicksError: It cannot be loaded.
        """
        self._pool.submit(_check).result()

    async def ask(self, turn: LiveTurn) -> tuple[np.ndarray, float]:
        """Returns a mask, `bool[h w]`, and the milliseconds of the segmenter alone.

        Raises:
            Refusal: Its process ended; the next question starts another.
        """
        question = (
            turn.assignment,
            turn.image_path,
            (turn.height, turn.width),
            turn.clicks_yx,
            turn.positive,
        )
        try:
            future = self._pool.submit(_answer, *question)
            return await asyncio.wrap_future(future)
        except concurrent.futures.process.BrokenProcessPool:
            self._pool = self._start()
            raise refusal(503, "busy", "The segmenter ended.") from None

    def close(self) -> None:
        """Ends the process."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self) -> concurrent.futures.ProcessPoolExecutor:
        return concurrent.futures.ProcessPoolExecutor(
            1,
            multiprocessing.get_context("spawn"),
            initializer=_load,
            initargs=self._settings,
        )


# ----- In the process -----

_held: dict[str, Any] = {}


def _load(spec: str, seats: int) -> None:
    _held["settings"] = spec, seats
    _held["kept"] = collections.OrderedDict()


def _segmenter() -> Any:
    if "segmenter" not in _held:
        from rclicks_jax.segmenters import load

        _held["segmenter"] = load.load(_held["settings"][0])
    return _held["segmenter"]


def _check() -> str:
    return _segmenter().name


class _Live:
    """A photograph of a live task: what the segmenter made of it, and its session."""

    def __init__(self, path: pathlib.Path, shape: tuple[int, int]) -> None:
        from rclicks_jax.ops import images

        pixels = images.decode_image(path.read_bytes(), path.name)
        self._shape = shape
        self._features = _segmenter().encode(images.resize_image(pixels, shape))
        self._start()

    def _start(self) -> None:
        # Only simulated segmenters look at the target.
        nothing = [np.zeros(self._shape, bool)]
        self._session = _segmenter().start(self._features, nothing)
        self._answered: list[tuple[int, int, bool]] = []

    def mask(self, clicks_yx: np.ndarray, positive: np.ndarray) -> np.ndarray:
        """Returns the mask after some clicks; a session that has others begins anew."""
        wanted = [
            (int(y), int(x), bool(sign))
            for (y, x), sign in zip(clicks_yx, positive, strict=True)
        ]
        if self._answered != wanted[: len(self._answered)] or self._answered == wanted:
            self._start()
        mask = np.zeros(self._shape, bool)
        for number in range(len(self._answered) + 1, len(wanted) + 1):
            mask = self._next(clicks_yx[:number], positive[:number])
        self._answered = wanted
        return mask

    def _next(self, clicks_yx: np.ndarray, positive: np.ndarray) -> np.ndarray:
        from rclicks_jax.types import Clicks

        clicks = Clicks(
            yx=clicks_yx[None].astype(np.int32),
            positive=positive[None],
            count=np.array([len(positive)], np.int32),
        )
        return self._session.predict(np.array([0], np.int32), clicks)[0]

    def release(self) -> None:
        """Forgets the photograph."""
        _segmenter().release(self._features)


def _answer(
    assignment: str,
    path: pathlib.Path,
    shape: tuple[int, int],
    clicks_yx: np.ndarray,
    positive: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Answers the newest click of a task; returns mask and milliseconds."""
    begun = time.perf_counter()
    kept: collections.OrderedDict[str, _Live] = _held["kept"]
    if assignment in kept:
        kept.move_to_end(assignment)
    else:
        while len(kept) >= _held["settings"][1]:
            kept.popitem(last=False)[1].release()
        kept[assignment] = _Live(path, shape)
    mask = kept[assignment].mask(clicks_yx, positive)
    return mask, (time.perf_counter() - begun) * 1000
