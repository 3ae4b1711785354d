"""Segmenters that run in workers; features and states stay in the workers."""

import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import sys
import threading
from collections.abc import Mapping, Sequence

import numpy as np

from rclicks_jax import errors
from rclicks_jax.bridge import client, connection, provenance
from rclicks_jax.bridge.client import Request
from rclicks_jax.bridge.switches import Switches
from rclicks_jax.segmenters import base
from rclicks_jax.types import Clicks


class Photograph:
    """A photograph that a worker encodes, as this process knows it."""

    def __init__(
        self, number: int, image: np.ndarray, worker: client.WorkerClient
    ) -> None:
        """Assigns the photograph to a worker, which has not encoded it yet."""
        self.number = number
        self.shape = image.shape[:2]
        self.worker = worker
        self._request: Request = (
            {"action": "encode", "image": number},
            {"image": image},
        )
        self._generation = 0

    def bring(self) -> None:
        """Has the worker encode the photograph, unless this worker has done so."""
        # A worker that has exited counts as holding the images of its predecessor.
        if not self.worker.alive or self._generation != self.worker.generation:
            self.worker.call(self._request)
            self._generation = self.worker.generation

    def forget(self) -> None:
        """Has the worker forget the photograph, if this worker has encoded it."""
        with self.worker.lock:
            if self.worker.alive and self._generation == self.worker.generation:
                # If the worker dies in this call, the photograph is forgotten too.
                with contextlib.suppress(connection.WorkerDeadError):
                    self.worker.call(({"action": "release", "image": self.number}, {}))


class BridgedSegmenter:
    """One or several workers as a segmenter; see `base.Segmenter`."""

    def __init__(self, options: Mapping[str, str], protocol: Switches) -> None:
        """Starts the workers.

        Args:
            options: Options for `client.launch_of`, and perhaps `workers`, their
                number, or `devices`, a CUDA device for each worker.
            protocol: Switches of the run's protocol.
        """
        rest = dict(options)
        environments = split_environments(rest)
        launch = client.launch_of(rest)._replace(protocol=protocol)
        launches = [
            launch._replace(environment=environment) for environment in environments
        ]
        code = options.get("adapter") or launch.command[0]
        self.name = pathlib.PurePath(code).stem
        self.encodes = 0
        self.lanes = len(launches)
        # A worker is replaced only when it has no photograph.
        is_replaced = launch.recycle or launch.max_rss
        self.most_images = len(launches) if is_replaced else 0
        self._cancelled = threading.Event()
        self._workers = _started(launches, self._cancelled)
        self.printed = self._workers[0].printed
        if self.printed:
            print(
                f"The worker of {self.name} wrote while it was loaded:\n{self.printed}",
                file=sys.stderr,
            )
        self.description = {
            "name": self.name,
            "options": provenance.describe_options(launch.options),
            "code": provenance.describe(code),
        }
        self.versions = self._workers[0].versions
        self._lock = threading.Lock()
        self._held = dict.fromkeys(self._workers, 0)
        self._numbers = itertools.count()

    def encode(self, image: np.ndarray, lane: int | None = None) -> Photograph:
        """Sends a photograph to the worker of a lane; see `base.Segmenter`."""
        with self._lock:
            self.encodes += 1
            worker = (
                min(self._workers, key=self._held.__getitem__)
                if lane is None
                else self._workers[lane]
            )
            self._held[worker] += 1
        photograph = Photograph(next(self._numbers), image, worker)
        try:
            worker.survive(photograph.bring)
        except BaseException:
            self._let_go(worker)
            raise
        return photograph

    def start(
        self, features: Photograph, gt_masks: Sequence[np.ndarray]
    ) -> "BridgedSession":
        """Starts trajectories; the targets do not leave this process."""
        del gt_masks
        return BridgedSession(self.name, features, next(self._numbers))

    def release(self, features: Photograph) -> None:
        """Lets the worker forget a photograph."""
        try:
            features.forget()
        finally:
            self._let_go(features.worker)

    def abort(self) -> None:
        """Ends calls that other threads wait for; no worker is started again."""
        self._cancelled.set()

    def close(self) -> None:
        """Ends the workers."""
        for worker in self._workers:
            worker.close()

    def _let_go(self, worker: client.WorkerClient) -> None:
        with self._lock:
            self._held[worker] -= 1
            if not self._held[worker]:
                worker.close_if_due()


class BridgedSession:
    """Trajectories, with their earlier clicks, which a new worker is sent again."""

    def __init__(self, name: str, photograph: Photograph, number: int) -> None:
        """Starts with no click."""
        self._name = name
        self._photograph = photograph
        self._number = number
        self._history: list[Request] = []
        self._generation = 0

    def predict(self, rows: np.ndarray, clicks: Clicks) -> np.ndarray:
        """Answers a click; see `base.Session`."""
        return self._answer(rows, clicks, {})["masks"]

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
        arrays = self._answer(rows, clicks, {"probabilities": True})
        base.check_probabilities(self._name, arrays)
        return arrays["masks"], arrays["probabilities"]

    def _answer(
        self, rows: np.ndarray, clicks: Clicks, flags: Mapping[str, bool]
    ) -> dict[str, np.ndarray]:
        header = {
            "action": "predict",
            "image": self._photograph.number,
            "session": self._number,
            **flags,
        }
        request = (header, {"rows": np.asarray(rows, np.int32), **clicks._asdict()})
        arrays = self._photograph.worker.survive(lambda: self._call(request))
        self._history.append(request)
        masks = base.checked_masks(
            self._name, arrays.get("masks"), len(rows), self._photograph.shape
        )
        return {**arrays, "masks": masks}

    def _call(self, request: Request) -> dict[str, np.ndarray]:
        """Calls the worker; a new one first gets the photograph and earlier clicks."""
        worker = self._photograph.worker
        self._photograph.bring()
        if self._generation != worker.generation:
            for earlier in self._history:
                worker.call(earlier)
            self._generation = worker.generation
        return worker.call(request)


def _started(
    launches: Sequence[client.Launch], cancelled: threading.Event
) -> list[client.WorkerClient]:
    """Starts workers in parallel; if one cannot be started, all are ended."""

    def close(started: concurrent.futures.Future[client.WorkerClient]) -> None:
        if started.exception() is None:
            started.result().close()

    with concurrent.futures.ThreadPoolExecutor(len(launches)) as pool:
        starting = [
            pool.submit(client.WorkerClient, launch, cancelled) for launch in launches
        ]
        try:
            return [future.result() for future in starting]
        except BaseException as error:
            if not isinstance(error, errors.RClicksError):
                # After an interrupt, the other workers are not waited for.
                cancelled.set()
            for future in starting:
                future.add_done_callback(close)
            raise


def split_environments(options: dict[str, str]) -> list[dict[str, str]]:
    """Removes `workers` and `devices` from options.

    Returns:
        The environment variables of each worker: its device, or its share of the cores.

    Raises:
        BadValueError: Both are given, or `workers` is not a whole number above 0.
    """
    devices = options.pop("devices", "")
    if devices:
        if "workers" in options:
            raise errors.BadValueError(
                "Option workers", repr(options["workers"]), "one of devices and workers"
            )
        return [{"CUDA_VISIBLE_DEVICES": device} for device in devices.split(",")]
    count = client.whole(options, "workers", 1)
    if count == 1 or "OMP_NUM_THREADS" in os.environ:
        return [{} for _ in range(count)]
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    share = str(max(1, (cores or 1) // count))
    return [{"OMP_NUM_THREADS": share, "MKL_NUM_THREADS": share} for _ in range(count)]
