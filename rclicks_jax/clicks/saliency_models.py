"""The click models SM and SI: saliency of a cut-out of the error region.

In SM the saliency model sees the region alone, on grey; in SI it sees the surroundings
too.

Source: emb-ai/rclicks, rclicks/rclicks/clicksim.py, `SaliencyModel` and
`SaliencyImageModel`.
"""

import functools
import weakref
from collections.abc import Callable, Mapping

import numpy as np

from rclicks_jax import errors
from rclicks_jax.bridge import client, provenance
from rclicks_jax.clicks import specs
from rclicks_jax.ops import masks, spectral_residual
from rclicks_jax.types import ClickQuery

# A function from an image `u8[h w 3]` to saliency `[h w]`, non-negative, of any sum.
Source = Callable[[np.ndarray], np.ndarray]
_CLASSICAL: dict[str, Source] = {"spectral_residual": spectral_residual.saliency}
# Size of the cut-out relative to the box of the region; grey level around it in SM.
GROWTH = 1.4
GREY = 127
# Image that is sent to a worker when it starts, to see whether it answers.
_PROBE = np.full((16, 16, 3), GREY, np.uint8)
# Options of where and how a worker runs, which change maps by rounding only.
_UNRECORDED = ("device",)


def load(name: str, options: Mapping[str, str]) -> Callable[[ClickQuery], np.ndarray]:
    """Returns a saliency model as a function from a query to a click map, `f32[h w]`.

    Args:
        name: `SI` or `SM`.
        options: `source`, one of `specs.CLASSICAL`; or the options of
            `client.launch_of` and of the adapter, which is TranSalNet's by default.

    Raises:
        BadValueError: Options are missing or exclude each other.
        UnknownNameError: `source` is not one of `specs.CLASSICAL`.
        SegmenterError: The worker does not start or does not answer.
    """
    classical = specs.classical_source(name, options)
    source: Source
    if classical is None:
        source = BridgedSaliency(specs.with_adapter(options))
    else:
        source = _CLASSICAL[classical]
    return functools.partial(click_map, source=source, background=name == "SI")


def describe(name: str, options: Mapping[str, str]) -> dict[str, object]:
    """Returns the description for a run: all options that can change maps.

    Args:
        name: `SI` or `SM`.
        options: The options of the model, as `load` takes them.
    """
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
    """Returns the saliency of the cut-out within the region, scaled to a sum of one.

    If the saliency is zero everywhere, the map is the region itself.

    Args:
        query: The query. Its error mask may be soft; it then weighs the saliency.
        source: The saliency model.
        background: Whether the model sees the surroundings of the region.

    Returns:
        The map, `f32[h w]`; all zero if the region is empty.
    """
    region = query.error_mask.astype(np.float32)
    result = np.zeros(region.shape, np.float32)
    box = cut_out(region)
    if box is None:
        return result
    y0, y1, x0, x1 = box
    inside, image = region[y0:y1, x0:x1], query.image[y0:y1, x0:x1]
    if not background:
        image = np.where(inside[..., None] > 0, image, np.uint8(GREY))
    weighed = inside * source(np.ascontiguousarray(image)).astype(np.float64)
    total = weighed.sum()
    result[y0:y1, x0:x1] = weighed / total if total > 0 else inside
    return result


def cut_out(region: np.ndarray) -> masks.Box | None:
    """Returns the box of an error region, larger by `GROWTH` and within the image.

    In a soft region only pixels of value 1 count; if there are none, all pixels above 0
    do.

    Args:
        region: The error region, in [0, 1], `f32[h w]`.

    Returns:
        The box, half-open `(y0, y1, x0, x1)`; None if the region is empty.
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
        """Starts the worker and sends it one request.

        The worker ends when this object is garbage collected.

        Args:
            options: Options as `client.launch_of` takes them.

        Raises:
            SegmenterError: The worker does not start or does not answer.
        """
        launch = client.launch_of(options)
        self._name = options.get("adapter") or launch.command[0]
        self._worker = client.WorkerClient(launch)
        weakref.finalize(self, self._worker.close)
        self(_PROBE)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Returns the saliency of `u8[h w 3]`, non-negative numbers `[h w]`.

        Raises:
            SegmenterError: The adapter raised an error, the worker died twice, or its
                answer is not saliency.
        """
        self._worker.close_if_due()
        request: client.Request = ({"action": "saliency"}, {"image": image})
        arrays = self._worker.survive(lambda: self._worker.call(request))
        return _checked(self._name, arrays.get("saliency"), image.shape[:2])


def _checked(
    name: str, saliency: np.ndarray | None, shape: tuple[int, ...]
) -> np.ndarray:
    if saliency is None or saliency.shape != shape:
        got = (
            "no saliency" if saliency is None else f"saliency of shape {saliency.shape}"
        )
        raise errors.SegmenterError(
            f"{name} returned {got} instead of {shape}: one number for each pixel."
        )
    if not (np.isfinite(saliency).all() and (saliency >= 0).all()):
        raise errors.SegmenterError(
            f"{name} returned saliency that is negative or no number."
        )
    return saliency
