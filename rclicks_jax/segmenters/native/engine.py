"""Methods in JAX as segmenters, on the devices of this host.

Features and states stay on the devices. A pass answers a fixed number of trajectories,
of any photographs on the device, whatever number goes on: XLA does not promise equal
bits for another shape. `method` says what a method is, and how to add one.
"""

import pathlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import flax
import jax
import numpy as np

from rclicks_jax import errors
from rclicks_jax.networks import infer, passes
from rclicks_jax.segmenters import base
from rclicks_jax.segmenters.native import lane as lanes
from rclicks_jax.segmenters.native import sessions
from rclicks_jax.segmenters.native.method import Method, Tree
from rclicks_jax.segmenters.native.programs import programs
from rclicks_jax.segmenters.native.sessions import Features, Session
from rclicks_jax.segmenters.native.settings import Settings
from rclicks_jax.weights import foreign, state_dicts

# Makes a method and its variables, in the precision already, of the state dict of a
# checkpoint and a precision, `float32` or `bfloat16`. Raises DataError if the state
# dict is of another method.
Make: TypeAlias = Callable[[state_dicts.State, str], tuple[Method, Tree]]
# Trajectories of a pass. On CPU a row takes as long in a pass of one as in one of 16,
# so there few are computed for nothing (`Method.batch_on_cpu`).
_BATCH = 64
# Rows of a photograph that are brought to a pass, and back, at a time.
_TOGETHER_ON_CPU, _TOGETHER = 4, 16
# Share of a device's memory that photographs may take.
_SHARE = 1 / 8
# Calls at the same time on an accelerator: one on the device, and the next, which is
# prepared meanwhile.
_CALLS = 2
# Of a checkpoint's SHA-256, in a run's record.
_DIGITS = 16


class NativeSegmenter:
    """A method as a segmenter; see `segmenters.base.Segmenter`.

    Attributes:
        method: The method.
        batch: Trajectories in a pass.
        calls: Calls that a device answers at a time.
    """

    has_probabilities = True
    printed = ""

    def __init__(
        self,
        name: str,
        method: Method,
        variables: Tree,
        options: dict[str, Any],
        *,
        exact: bool,
        batch: int,
        devices: int,
    ) -> None:
        """Puts the variables on the devices.

        Args:
            name: Name of the segmenter in tables.
            method: The method.
            variables: Its variables, on the host.
            options: What a run records of its settings.
            exact: Whether products of float32 have all their bits.
            batch: Trajectories in a pass; 0 for the default of the device.
            devices: Devices of this host; 0 for all.

        Raises:
            BadValueError: The host has fewer devices.
            SegmenterError: A device has too little memory.
        """
        self.name = name
        self.encodes = 0
        self.most_images = 0
        self.description: dict[str, Any] = {"name": name, "options": options}
        self.versions = {
            "jax": jax.__version__,
            "flax": flax.__version__,
            "numpy": np.__version__,
        }
        chosen: list[Any] = list(passes.local_mesh(devices).devices.flat)
        self.lanes = len(chosen)
        on_cpu = chosen[0].platform == "cpu"
        self.method = method = method.on(chosen[0].platform)
        self.batch = batch or (method.batch_on_cpu if on_cpu else _BATCH)
        self.calls = 1 if on_cpu else _CALLS
        together = _TOGETHER_ON_CPU if on_cpu else _TOGETHER
        self._together = min(self.batch, method.rows_together or together)
        plan = lanes.Plan(
            name,
            method,
            programs(method, exact=exact),
            self.batch,
            self._together,
            at_once=method.at_once_on_cpu if on_cpu else 1,
        )
        self._lanes = [
            lanes.Lane(number, device, plan, variables)
            for number, device in enumerate(chosen)
        ]
        self._lock = threading.Lock()

    def reserve(self, photographs: int) -> None:
        """Makes room for photographs on the devices; see `base.SharedSegmenter`."""
        fitting = min(each.slots_in(_SHARE) for each in self._lanes)
        wanted = -(-photographs // self.lanes)
        # Runs that play a few objects more or fewer at a time share programs.
        wanted = -(-wanted // lanes.FEW) * lanes.FEW
        slots = max(1, min(wanted, fitting))
        for lane in self._lanes:
            lane.reserve(slots)
        self.most_images = slots * self.lanes

    def encode(self, image: np.ndarray, lane: int | None = None) -> Features:
        """Encodes a photograph on the device of a lane; see `base.Segmenter`.

        Raises:
            SegmenterError: It is no `u8[h w 3]`, or has no pixels.
        """
        shape = image.shape
        if image.dtype != np.uint8 or shape[2:] != (3,) or not image.size:
            raise errors.SegmenterError(
                f"{self.name} was given a photograph of {image.dtype}{list(shape)}. It "
                "takes uint8 of [height width 3], with a pixel at least."
            )
        with self._lock:
            self.encodes += 1
            if lane is None:
                held = [each.held for each in self._lanes]
                lane = held.index(min(held))
        return self._lanes[lane].encode(self.method.place(image))

    def start(self, features: Features, gt_masks: Sequence[np.ndarray]) -> Session:
        """Starts trajectories; the targets are not used."""
        return Session(features, len(gt_masks), self._together, self._answered)

    def predict_together(
        self, requests: Sequence[base.Request[Session]]
    ) -> list[np.ndarray]:
        """Answers clicks of sessions on one device; see `base.SharedSegmenter`."""
        return [each.masks for each in self._answered(requests, False)]

    def release(self, features: Features) -> None:
        """Frees the photograph's place on its device."""
        features.forget()

    def abort(self) -> None:
        """Does nothing: a pass ends by itself."""

    def close(self) -> None:
        """Does nothing: there are no processes."""

    def _answered(
        self, requests: Sequence[base.Request[Session]], soft: bool
    ) -> list[lanes.Answers]:
        sessions.check(self.name, requests)
        if not requests:
            return []
        lane = self._lanes[requests[0].session.features.lane]
        return lane.answer(requests, soft=soft)


def open_segmenter(
    name: str,
    settings: Settings,
    make: Make,
    options: Mapping[str, Any] | None = None,
) -> NativeSegmenter:
    """Loads a method.

    Args:
        name: Name of the segmenter in tables.
        settings: Its settings.
        make: Makes the method of its checkpoint.
        options: What a run records of its own settings, those that can change answers.

    Raises:
        SegmenterError: The checkpoint cannot be read, or is of another method; or a
            device has too little memory.
        BadValueError: The host has fewer devices.
    """
    precision = infer.resolve_precision(settings.precision)
    try:
        place = pathlib.Path(settings.checkpoint).expanduser()
        checkpoint = foreign.load(place)
        method, variables = make(checkpoint, precision)
    except errors.DataError as error:
        raise errors.SegmenterError(str(error)) from error
    content = foreign.checksum(checkpoint)[:_DIGITS]
    return NativeSegmenter(
        name,
        method,
        variables,
        {
            "checkpoint": f"{checkpoint.files[0].name} sha256:{content}",
            "precision": precision,
            **(options or {}),
        },
        exact=precision == infer.FLOAT32,
        batch=settings.batch,
        devices=settings.devices,
    )
