"""SM and SI: where people look in a cut-out of the error region, as a click model.

SM shows a saliency model the region alone, on grey; SI shows it what is around as well.

Source: emb-ai/rclicks, rclicks/rclicks/clicksim.py, `SaliencyModel` and
`SaliencyImageModel`.
"""

import functools
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rclicks_jax import errors
from rclicks_jax.bridge import client, provenance
from rclicks_jax.clicks import specs
from rclicks_jax.ops import masks, spectral_residual
from rclicks_jax.types import ClickQuery

# `u8[h w 3]` to a non-negative `[h w]` of any sum.
Source = Callable[[np.ndarray], np.ndarray]
_CLASSICAL: dict[str, Source] = {"spectral_residual": spectral_residual.saliency}
# The cut-out beside the box of the region, and the level around the region in SM.
GROWTH = 1.4
GREY = 127
# What a worker is asked once when it starts: whether it answers at all.
_PROBE = np.full((16, 16, 3), GREY, np.uint8)
# Options that change where and how a worker runs, and no map beyond rounding.
_UNRECORDED = ("device",)


def load(name: str, options: Mapping[str, str]) -> Callable[[ClickQuery], np.ndarray]:
    """Returns a saliency model as a function from a query to a click map, `f32[h w]`.

    Args:
        name: `SI` or `SM`.
        options: `source`, one of `specs.CLASSICAL`; or those of `client.launch_of` and
            of the adapter, which is TranSalNet's if none is named.

    Raises:
        BadValueError: Options are missing or exclude each other.
        UnknownNameError: There is no such source.
        SegmenterError: The worker does not start or does not answer.
    """
    classical = specs.classical_source(name, options)
    source: Source
    if classical is None:
        source = BridgedSaliency(specs.with_adapter(options))
    else:
        source = _CLASSICAL[classical]
    return functools.partial(click_map, source=source, background=name == "SI")


def describe(name: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Returns what a run records: all that can change maps; see `load`."""
    source = specs.classical_source(name, options)
    if source is not None:
        return {"name": name, "source": source}
    given = specs.with_adapter(options)
    launch = client.launch_of(given)
    recorded = {k: v for k, v in launch.options.items() if k not in _UNRECORDED}
    return {
        "name": name,
        "options": provenance.describe_options(recorded),
        "code": provenance.describe(given.get("adapter") or launch.command[0]),
    }


def click_map(query: ClickQuery, *, source: Source, background: bool) -> np.ndarray:
    """Returns the saliency of the cut-out within the region, of sum one.

    Where it is zero everywhere, all of the region is alike.

    Args:
        query: Its error mask may be soft, and then weighs the saliency.
        source: The saliency model.
        background: Whether it sees what is around the region.

    Returns:
        `f32[h w]`; all zero if the region is empty.
    """
    region = query.error_mask.astype(np.float32)
    made = np.zeros(region.shape, np.float32)
    box = cut_out(region)
    if box is None:
        return made
    y0, y1, x0, x1 = box
    inside, image = region[y0:y1, x0:x1], query.image[y0:y1, x0:x1]
    if not background:
        image = np.where(inside[..., None] > 0, image, np.uint8(GREY))
    weighed = inside * source(np.ascontiguousarray(image)).astype(np.float64)
    total = weighed.sum()
    made[y0:y1, x0:x1] = weighed / total if total > 0 else inside
    return made


def cut_out(region: np.ndarray) -> masks.Box | None:
    """Returns the box of an error region, larger by `GROWTH` and within the image.

    Of a soft region, pixels that are wholly wrong count; if there are none, all that
    are wrong at all.

    Args:
        region: In [0, 1], `f32[h w]`.

    Returns:
        Half-open `(y0, y1, x0, x1)`; None if nothing is wrong.
    """
    box = masks.bounding_box(region == 1) or masks.bounding_box(region > 0)
    if box is None:
        return None
    y0, y1, x0, x1 = box
    height, width = region.shape
    dy = (int(GROWTH * (y1 - y0)) - (y1 - y0)) // 2
    dx = (int(GROWTH * (x1 - x0)) - (x1 - x0)) // 2
    return max(0, y0 - dy), min(height, y1 + dy), max(0, x0 - dx), min(width, x1 + dx)


class BridgedSaliency:
    """A saliency model in a worker, which is restarted once if it dies."""

    def __init__(self, options: Mapping[str, str]) -> None:
        """Starts the worker and asks it once.

        The worker ends when nobody has this any more.

        Args:
            options: As `client.launch_of` takes them.

        Raises:
            SegmenterError: It does not start or does not answer.
        """
        launch = client.launch_of(options)
        self._name = options.get("adapter") or launch.command[0]
        self._worker = client.WorkerClient(launch)
        weakref.finalize(self, self._worker.close)
        self(_PROBE)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Returns the saliency of `u8[h w 3]`, non-negative numbers `[h w]`.

        Raises:
            SegmenterError: The adapter raised, the worker died twice, or it answered
                something else.
        """
        self._worker.close_if_due()
        request: client.Request = ({"action": "saliency"}, {"image": image})
        arrays = self._worker.survive(lambda: self._worker.call(request))
        return _checked(self._name, arrays.get("saliency"), image.shape[:2])


def _checked(name: str, made: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    if made is None or made.shape != shape:
        got = "no saliency" if made is None else f"saliency of shape {made.shape}"
        raise errors.SegmenterError(
            f"{name} returned {got} instead of {shape}: one number for each pixel."
        )
    if not (np.isfinite(made).all() and (made >= 0).all()):
        raise errors.SegmenterError(
            f"{name} returned saliency that is negative or no number."
        )
    return made
