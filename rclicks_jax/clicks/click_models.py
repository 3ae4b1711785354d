"""Models of where people click: uniform, distance, saliency, and the network.

`clicks.specs` says how a user names one.

Source: emb-ai/rclicks, rclicks/rclicks/clicksim.py.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from rclicks_jax import errors, registry
from rclicks_jax.clicks import groups, region_maps, saliency_models, specs
from rclicks_jax.clicks.specs import check as check
from rclicks_jax.clicks.specs import title as title
from rclicks_jax.clicks.specs import titles as titles
from rclicks_jax.networks import cards, infer
from rclicks_jax.settings import networks
from rclicks_jax.types import ClickQuery


class ClickModel(Protocol):
    """Anything that gives a click map.

    One that makes several at once has `rows` as well: how many in one pass. A pass
    takes the same time for fewer.

    Attributes:
        name: UD, DT, SI, SM or CM.
    """

    name: str

    def __call__(self, queries: Sequence[ClickQuery]) -> list[np.ndarray]:
        """Returns a non-negative density for each query, `f32[h w]`, of any sum."""
        ...


class PerQuery:
    """A click model that is a function of one query.

    Attributes:
        name: UD, DT, SI or SM.
        is_concurrent: Whether several threads may call it at a time.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[ClickQuery], np.ndarray],
        *,
        is_concurrent: bool = False,
    ) -> None:
        """Names the function."""
        self.name = name
        self.is_concurrent = is_concurrent
        self._function = function

    def __call__(self, queries: Sequence[ClickQuery]) -> list[np.ndarray]:
        """Applies the function to each query."""
        return [self._function(query) for query in queries]

    def __repr__(self) -> str:
        """Names the click model."""
        return f"<click model {self.name}>"


def is_network(spec: str) -> bool:
    """Tells whether what the user named is a network, which runs on devices."""
    name, _ = specs.parse(spec)
    return name not in specs.FUNCTIONS and name not in specs.SALIENCY


def load(
    spec: str,
    *,
    batch: int = 0,
    devices: int = 0,
    rescale: bool = False,
    precision: str = infer.AUTO,
    sharing: int = 1,
) -> ClickModel:
    """Loads a click model.

    Args:
        spec: What the user named.
        batch: Maps in one pass of a network on each device; 0 lets the device decide.
        devices: Devices of this host on which a network runs; 0 for all.
        rescale: See `networks.infer.ClickabilityModel`.
        precision: Precision of a network: `float32`, `bfloat16`, or `auto`.
        sharing: See `networks.infer.ClickabilityModel`.

    Raises:
        UnknownNameError: There is no such click model.
        DataError: There is no such folder, or it is a folder of something else.
        BadValueError: Nothing was named, an option is not allowed, there is no such
            precision, the host has fewer devices, or they cannot hold the batch.
        SegmenterError: The worker of a saliency model does not start.
    """
    precision = infer.resolve_precision(precision)
    name, options = specs.parse(spec)
    if name in specs.FUNCTIONS:
        return PerQuery(name, region_maps.FUNCTIONS[name], is_concurrent=True)
    if name in specs.SALIENCY:
        # A worker takes one call after the other.
        is_concurrent = specs.classical_source(name, options) is not None
        saliency = saliency_models.load(name, options)
        return PerQuery(name, saliency, is_concurrent=is_concurrent)
    folder = _folder(spec)
    return infer.load(
        folder,
        batch=batch,
        devices=devices,
        rescale=rescale,
        precision=precision,
        sharing=sharing,
    )


def describe(spec: str, precision: str = infer.AUTO) -> dict[str, Any]:
    """Returns what a run records of a click model: all that can change its maps."""
    name, options = specs.parse(spec)
    if name in specs.FUNCTIONS:
        return {"name": name}
    if name in specs.SALIENCY:
        return saliency_models.describe(name, options)
    card = cards.load_card(_folder(spec))
    # Runs of before there were others name none.
    is_first = card.architecture == networks.CLICKABILITY
    return {
        "name": "CM",
        **({} if is_first else {"architecture": card.architecture}),
        "variant": card.network.variant,
        "size": card.size,
        "sigma": card.sigma,
        "data": card.data,
        "checksum": card.checksum,
        "precision": infer.resolve_precision(precision),
    }


def maps_of(model: ClickModel, queries: Sequence[ClickQuery]) -> list[np.ndarray]:
    """Asks a click model, and checks its answers: every job asks through this.

    Args:
        model: Anything that gives click maps.
        queries: What it is asked.

    Returns:
        `f32[h w]` for each query, finite and not negative. A map may be zero
        everywhere; see `is_blank`.

    Raises:
        DataError: An answer is no such map; the message says why.
    """
    answered = model(queries)
    if not isinstance(answered, Iterable):
        raise errors.DataError("the click model gave no list of maps")
    maps = list(answered)
    if len(maps) != len(queries):
        raise errors.DataError(
            f"the click model gave {len(maps)} maps for {len(queries)} queries"
        )
    return [_checked(made, query) for made, query in zip(maps, queries, strict=True)]


@dataclasses.dataclass(frozen=True)
class Stages:
    """A click model in four stages; the first and last may run in many threads.

    Attributes:
        batch: Queries of a pass; fewer take as long. 0 if the model has no passes.
        prepare: Prepares queries of one object.
        send: Begins to answer prepared queries of any objects, at most `batch`.
        answer: Answers them, of what `send` returned.
        finish: Makes maps `f32[h w]` of the queries and of what `answer` returned for
            them, and checks them as `maps_of` does.
    """

    batch: int
    prepare: Callable[[Sequence[ClickQuery]], Sequence[Any]]
    send: Callable[[Sequence[Any]], Any]
    answer: Callable[[Any], Sequence[Any]]
    finish: Callable[[Sequence[ClickQuery], Sequence[Any]], list[np.ndarray]]


def stages(model: ClickModel) -> Stages:
    """Returns the stages of a click model; a model that has none answers at once."""

    def as_it_is(values: Sequence[Any]) -> Sequence[Any]:
        return values

    if isinstance(model, infer.ClickabilityModel):
        network = model
        return Stages(
            network.rows,
            network.prepare,
            lambda squares: (network.start(squares), len(squares)),
            lambda sent: list(network.fetch(sent[0])[: sent[1]]),
            lambda queries, squares: [
                _checked(network.native(query, square), query)
                for query, square in zip(queries, squares, strict=True)
            ],
        )
    if isinstance(model, PerQuery) and model.is_concurrent:
        return Stages(
            0, as_it_is, as_it_is, as_it_is, lambda queries, _: maps_of(model, queries)
        )
    return Stages(
        getattr(model, "rows", 0),
        as_it_is,
        as_it_is,
        lambda queries: maps_of(model, queries),
        lambda _, maps: list(maps),
    )


def is_blank(click_map: np.ndarray) -> bool:
    """Tells whether a map says that people click nowhere at all, in any region."""
    return click_map.max(initial=0) <= groups.SMALLEST_PEAK


def _checked(click_map: np.ndarray, query: ClickQuery) -> np.ndarray:
    made = np.asarray(click_map)
    shape = query.gt_mask.shape
    if made.shape != shape:
        raise errors.DataError(
            f"the click model gave a map of shape {made.shape} for an image of {shape}"
        )
    if made.dtype.kind not in "fiub" or np.ma.is_masked(click_map):
        kind = "masked" if np.ma.is_masked(click_map) else made.dtype
        raise errors.DataError(
            f"the click model gave a map of {kind} values; allowed: real numbers"
        )
    # What float32 cannot hold is infinite from here on.
    with np.errstate(over="ignore"):
        made = made.astype(np.float32, copy=False)
    low, high = made.min(initial=0), made.max(initial=0)
    # NaN is in no range.
    if not (low >= 0 and high < np.inf):
        check_values(int((~np.isfinite(made)).sum()), float(low))
    return made


def check_values(wrong: int, low: float) -> None:
    """Checks what was counted of the values of a click map.

    Args:
        wrong: Number of values that are no finite numbers.
        low: The least value.

    Raises:
        DataError: There is a wrong value, or a negative one.
    """
    if wrong:
        raise errors.DataError(
            f"the click model gave {wrong} values that are no finite numbers"
        )
    if low < 0:
        raise errors.DataError(f"the click model gave negative values, down to {low:g}")


def attempt(
    model: ClickModel, queries: Sequence[ClickQuery]
) -> list[np.ndarray | Exception]:
    """Asks a click model; one that cannot answer a query answers the others.

    Args:
        model: Asked for as many maps at a time as it makes in one pass.
        queries: What it is asked. Those of a pass that fails are asked again alone.

    Returns:
        For each query its map, or why there is none.

    Raises:
        DeviceError: A device is lost, so that no query can be answered.
    """
    together: int = getattr(model, "rows", 1)
    answers: list[np.ndarray | Exception] = []
    for first in range(0, len(queries), together):
        some = queries[first : first + together]
        try:
            answers += maps_of(model, some)
        except errors.DeviceError:
            raise
        except Exception as error:
            if len(some) == 1:
                answers.append(error)
            else:
                answers += [made for one in some for made in attempt(model, [one])]
    return answers


def _folder(spec: str) -> str:
    """Returns the folder of a network; one with a name is made if need be."""
    if spec in registry.CLICK_MODELS and not specs.is_there(spec):
        return registry.find("click model", registry.CLICK_MODELS, spec)()
    return spec
