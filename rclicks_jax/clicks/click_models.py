"""Models of where people click: uniform, distance, and the clickability network.

Source: emb-ai/rclicks, rclicks/rclicks/clicksim.py.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from rclicks_jax import errors
from rclicks_jax.models import cards, infer
from rclicks_jax.ops import distance
from rclicks_jax.types import ClickQuery


class ClickModel(Protocol):
    """Anything that gives a click map.

    Attributes:
        name: What tables call it: UD, DT, SI, SM, CM.
    """

    name: str

    def __call__(self, queries: Sequence[ClickQuery]) -> list[np.ndarray]:
        """Returns a non-negative density for each query, `f32[h w]`, of any sum."""
        ...


def uniform(query: ClickQuery) -> np.ndarray:
    """UD: every pixel of the error region alike, `f32[h w]`."""
    region = query.error_mask.astype(np.float32)
    return region / max(float(region.max(initial=0)), 1e-9)


def distance_inside(query: ClickQuery) -> np.ndarray:
    """DT: the deeper inside the error region the likelier, `f32[h w]`.

    The border of the image is no border of the region, other than for the baseline
    click.
    """
    inside = (query.error_mask.astype(np.float32) * 255).astype(np.uint8) > 0
    depth = distance.distance_inside(inside, pad_border=False)
    return depth / max(float(depth.max(initial=0)), 1e-9)


class PerQuery:
    """A click model that is a function of one query."""

    def __init__(self, name: str, function: Callable[[ClickQuery], np.ndarray]) -> None:
        """Names the function."""
        self.name = name
        self._function = function

    def __call__(self, queries: Sequence[ClickQuery]) -> list[np.ndarray]:
        """Applies the function to each query."""
        return [self._function(query) for query in queries]


_FUNCTIONS = {"UD": uniform, "DT": distance_inside}


def load(
    spec: str, *, batch: int = 0, rescale: bool = False, precision: str = infer.AUTO
) -> ClickModel:
    """Loads a click model: `UD`, `DT`, or a model folder.

    Args:
        spec: What the user named.
        batch: Maps in one pass of a network; 0 lets the device decide.
        rescale: See `models.infer.ClickabilityModel`.
        precision: Of a network: `float32`, `bfloat16`, or `auto`.

    Raises:
        DataError: It is neither a name nor a model folder.
        BadValueError: Nothing was named, or there is no such precision.
    """
    precision = infer.resolve_precision(precision)
    if spec in _FUNCTIONS:
        return PerQuery(spec, _FUNCTIONS[spec])
    _check_given(spec)
    return infer.load(spec, batch=batch, rescale=rescale, precision=precision)


def describe(spec: str, precision: str = infer.AUTO) -> dict[str, Any]:
    """Returns what a run records of a click model: all that can change its maps."""
    if spec in _FUNCTIONS:
        return {"name": spec}
    _check_given(spec)
    card = cards.load_card(spec)
    return {
        "name": "CM",
        "variant": card.network.variant,
        "size": card.size,
        "sigma": card.sigma,
        "data": card.data,
        "checksum": card.checksum,
        "precision": infer.resolve_precision(precision),
    }


def _check_given(spec: str) -> None:
    if not spec:
        raise errors.BadValueError(
            "Click model",
            "none",
            "a model folder (--click_model=DIR, or --model=DIR of rclicks-click-maps); "
            "or UD or DT; or sample, a small network trained on the sample dataset",
        )
