"""Click maps of a trained network, at native size.

Source: emb-ai/rclicks, rclicks/rclicks/nets.py, `SegNeXtSaliencyApply`, and
rclicks/rclicks/clicksim.py, `ClickabilityModel`.
"""

import collections
import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath

from rclicks_jax import errors
from rclicks_jax.networks import architectures, batches, cards, passes
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.ops import images, letterbox
from rclicks_jax.types import ClickQuery

AUTO, FLOAT32, BFLOAT16 = "auto", "float32", "bfloat16"
# Memory for squares kept between calls.
_KEPT_BYTES = 1 << 28
_DTYPES = {FLOAT32: jnp.float32, BFLOAT16: jnp.bfloat16}


@dataclasses.dataclass(frozen=True)
class PrecisionError:
    """How far click maps are from those of the same network in float32.

    Attributes:
        maps: Click maps compared.
        largest: Largest absolute difference of a pixel; maps lie in [0, 1].
        mean: Mean absolute difference of all pixels of all maps.
    """

    maps: int
    largest: float
    mean: float


class ClickabilityModel:
    """A click model: the network, its parameters, and the devices that it runs on.

    Attributes:
        name: `CM`, as in the paper's tables.
        card: Card of the model folder.
        batch: Maps in one pass on each device.
        devices: Number of devices.
        rows: Maps in one pass on all devices; a pass takes the same time for fewer.
        precision: `float32` or `bfloat16`.
    """

    name = "CM"

    def __init__(
        self,
        variables: Variables,
        card: cards.Card,
        *,
        batch: int = 0,
        devices: int = 1,
        rescale: bool = False,
        precision: str = AUTO,
        sharing: int = 1,
    ) -> None:
        """Puts the parameters on the devices, in float32 whatever the precision.

        Args:
            variables: Variables of the network, whatever collections it has.
            card: Card of the model folder.
            batch: Maps in one pass on each device; 0 lets the device decide.
            devices: Number of devices of this host, 0 for all. It changes no bit of a
                map.
            rescale: Whether native maps are scaled to [0, 1] once more without the
                padding, as the original does where it evaluates click models.
            precision: Type of features and products: `float32`, `bfloat16` or `auto`.
            sharing: Networks that share the memory of the devices, this one included.

        Raises:
            BadValueError: There is no such precision, the host has fewer devices, or
                they cannot hold the batch.
            DataError: The weights do not fit the network; without limits of memory,
                only a call says so.
        """
        self.card = card
        self.precision = resolve_precision(precision)
        self._rescale = rescale
        architecture = architectures.find(card.architecture)
        plan = passes.Plan(
            net=architecture.network(card.network, dtype=_DTYPES[self.precision]),
            exact=self.precision == FLOAT32,
            mesh=passes.local_mesh(devices),
            batch=batch,
            size=card.size,
        )
        if batch:
            batches.check(plan, variables)
        else:
            chosen = batches.choose(plan, variables, sharing=sharing)
            plan = plan._replace(batch=chosen)
        self.batch = plan.batch
        self.devices = plan.mesh.size
        self.rows = plan.rows
        self._variables = variables
        self.passes = passes.Passes(plan, variables)
        self._letterboxed = _LetterboxMemo()

    def __call__(self, queries: Sequence[ClickQuery]) -> list[np.ndarray]:
        """Returns a click map for each query.

        The maps lie in [0, 1], do not sum to one, and are not masked to the error.

        Args:
            queries: Images of any shapes. While the devices make the maps of `rows`
                queries, the host prepares the next ones.

        Returns:
            `f32[h w]` for each.

        Raises:
            DataError: The weights do not fit the network.
            DeviceError: A device is lost.
        """
        maps: list[np.ndarray] = []
        started: tuple[Sequence[ClickQuery], jax.Array] | None = None
        for first in range(0, len(queries), self.rows):
            chunk = queries[first : first + self.rows]
            following = chunk, self.start(self.prepare(chunk))
            if started is not None:
                maps += map(self.native, started[0], self.fetch(started[1]))
            started = following
        if started is not None:
            maps += map(self.native, started[0], self.fetch(started[1]))
        return maps

    def __repr__(self) -> str:
        """Says which network it is, what it learned from, and how it runs."""
        on = f" on each of {self.devices} devices" if self.devices > 1 else ""
        return (
            f"<click model CM: variant {self.card.network.variant}, trained on "
            f"{self.card.data}, {self.card.size} pixels, batch {self.batch}{on}, "
            f"{self.precision}>"
        )

    def prepare(self, queries: Sequence[ClickQuery]) -> list["Squares"]:
        """Letterboxes queries; several threads may call this at a time.

        Args:
            queries: Images of any shapes. It saves time if those of an object follow
                each other.
        """
        prepared: list[Squares] = []
        before: ClickQuery | None = None
        for query in queries:
            box = letterbox.fit(query.image.shape, self.card.size)
            # Groups of an object share its image and target, and come together.
            if before is not None and query.image is before.image:
                image = prepared[-1].image
            else:
                image = self._letterboxed.get(
                    query.image, box, images.normalised_square
                )
            if before is not None and query.gt_mask is before.gt_mask:
                target = prepared[-1].target
            else:
                target = self._letterboxed.get(query.gt_mask, box, _mask_square)
            region = _mask_square(query.error_mask, box)
            prepared.append(Squares(image, target, region))
            before = query
        return prepared

    def start(self, prepared: Sequence["Squares"]) -> jax.Array:
        """Starts a pass for at most `rows` queries, and does not wait for it.

        Returns:
            The maps of the squares, `f32[rows s s]`, for `fetch`.

        Raises:
            DataError: The weights do not fit the network.
            DeviceError: A device is lost.
        """
        images, targets = self.passes.images, self.passes.targets
        size = self.card.size
        regions = np.zeros((self.rows, size, size), np.float32)
        with self.passes.preparing():
            for region, each in zip(regions, prepared, strict=False):
                region[:] = each.region
            return self.passes.start(
                [images.find(each.image, passes.put) for each in prepared],
                [targets.find(each.target, passes.put) for each in prepared],
                regions,
            )

    def fetch(self, maps: jax.Array) -> np.ndarray:
        """Waits for what `start` has started, `f32[rows s s]`; raises as it does."""
        return cast(np.ndarray, self.passes.fetch(maps))

    def native(self, query: ClickQuery, square: np.ndarray) -> np.ndarray:
        """Returns the map of a query at native size, `f32[h w]`, of its square."""
        box = letterbox.fit(query.image.shape, self.card.size)
        return self.rescaled(letterbox.restore(square, box))

    def rescaled(self, click_map: np.ndarray) -> np.ndarray:
        """Returns a native map scaled to [0, 1] once more, if the model does that."""
        if not self._rescale:
            return click_map
        low, high = click_map.min(), click_map.max()
        return (click_map - low) / (high - low) if high > low else click_map * 0

    def precision_error(self, queries: Sequence[ClickQuery]) -> PrecisionError:
        """Compares the click maps of some queries with those made in float32."""
        if self.precision == FLOAT32:
            return PrecisionError(len(queries), 0.0, 0.0)
        exact = ClickabilityModel(
            self._variables,
            self.card,
            # More could be more than the device holds in float32.
            batch=min(self.batch, batches.STEP),
            rescale=self._rescale,
            precision=FLOAT32,
        )
        differences = [
            np.abs(ours - theirs).ravel()
            for ours, theirs in zip(self(queries), exact(queries), strict=True)
        ]
        pixels = np.concatenate([*differences, np.zeros(0, np.float32)])
        mean = pixels.mean(dtype=np.float64) if pixels.size else 0.0
        return PrecisionError(len(queries), float(pixels.max(initial=0)), float(mean))


class Squares(NamedTuple):
    """A query, letterboxed to squares of side `s`.

    Attributes:
        image: `f32[s s 3]`, normalised.
        target: `f32[s s]`.
        region: `f32[s s]`.
    """

    image: np.ndarray
    target: np.ndarray
    region: np.ndarray


class _LetterboxMemo:
    """Letterboxed arrays, kept between calls: an image comes back at every click.

    An array is looked up by its `id` and compared with a copy of what it was. So
    neither an `id` that is used again nor an array changed in place gives a wrong
    square. Several threads may use it at a time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: collections.OrderedDict[int, tuple[np.ndarray, np.ndarray]]
        self._kept = collections.OrderedDict()
        self._bytes = 0

    def get(
        self,
        array: np.ndarray,
        box: letterbox.Letterbox,
        make: Callable[[np.ndarray, letterbox.Letterbox], np.ndarray],
    ) -> np.ndarray:
        """Returns `make(array, box)`; all boxes must be of one size."""
        with self._lock:
            entry = self._kept.get(id(array))
        if entry is None or not _equal(entry[0], array):
            entry = array.copy(), make(array, box)
        with self._lock:
            self._keep(id(array), entry)
        return entry[1]

    def _keep(self, key: int, entry: tuple[np.ndarray, np.ndarray]) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self._bytes -= before[0].nbytes + before[1].nbytes
        self._kept[key] = entry
        self._bytes += entry[0].nbytes + entry[1].nbytes
        while self._bytes > _KEPT_BYTES:
            _, (source, square) = self._kept.popitem(last=False)
            self._bytes -= source.nbytes + square.nbytes


def _equal(first: np.ndarray, second: np.ndarray) -> bool:
    return first.dtype == second.dtype and np.array_equal(first, second)


def load(
    folder: epath.PathLike,
    *,
    batch: int = 0,
    devices: int = 1,
    rescale: bool = False,
    precision: str = AUTO,
    sharing: int = 1,
) -> ClickabilityModel:
    """Loads a model folder as a click model.

    Args:
        folder: The model folder.
        batch: See `ClickabilityModel`.
        devices: See `ClickabilityModel`.
        rescale: See `ClickabilityModel`.
        precision: See `ClickabilityModel`.
        sharing: See `ClickabilityModel`.

    Raises:
        DataError: It is no model folder, or is damaged.
        BadValueError: As `ClickabilityModel`.
    """
    variables, card = cards.load(folder)
    return ClickabilityModel(
        variables,
        card,
        batch=batch,
        devices=devices,
        rescale=rescale,
        precision=precision,
        sharing=sharing,
    )


def resolve_precision(precision: str) -> str:
    """Returns `float32` or `bfloat16`: `auto` is float32 on CPU, else bfloat16.

    Raises:
        BadValueError: There is no such precision.
    """
    if precision == AUTO:
        # A run records its precision before any program is lowered, so the default
        # device decides here.
        return FLOAT32 if jax.default_backend() == "cpu" else BFLOAT16
    if precision not in _DTYPES:
        raise errors.BadValueError(
            "Precision", repr(precision), f"{AUTO}, {FLOAT32} or {BFLOAT16}"
        )
    return precision


def _mask_square(mask: np.ndarray, box: letterbox.Letterbox) -> np.ndarray:
    return letterbox.place(mask.astype(np.float32), box)
