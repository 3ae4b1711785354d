"""Click maps of a trained network, at native size.

Source: emb-ai/rclicks, rclicks/rclicks/nets.py, `SegNeXtSaliencyApply`, and
rclicks/rclicks/clicksim.py, `ClickabilityModel`.
"""

import dataclasses
from collections.abc import Callable, Sequence

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
            plan = plan._replace(batch=batches.choose(plan, variables))
        self.batch = plan.batch
        self.devices = plan.mesh.size
        self.rows = plan.rows
        self._variables = variables
        self._passes = passes.Passes(plan, variables)

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
            following = chunk, self._start(chunk)
            if started is not None:
                maps += self._finish(*started)
            started = following
        if started is not None:
            maps += self._finish(*started)
        return maps

    def __repr__(self) -> str:
        """Says which network it is, what it learned from, and how it runs."""
        on = f" on each of {self.devices} devices" if self.devices > 1 else ""
        return (
            f"<click model CM: variant {self.card.network.variant}, trained on "
            f"{self.card.data}, {self.card.size} pixels, batch {self.batch}{on}, "
            f"{self.precision}>"
        )

    def _start(self, chunk: Sequence[ClickQuery]) -> jax.Array:
        """Starts a pass for up to `rows` queries; returns maps of the squares."""
        size = self.card.size
        regions = np.zeros((self.rows, size, size), np.float32)
        image_slots: list[int] = []
        target_slots: list[int] = []
        before: ClickQuery | None = None
        with self._passes.preparing():
            for row, query in enumerate(chunk):
                box = letterbox.fit(query.image.shape, size)
                # Groups of an object share its image and target, and come together.
                if before is not None and query.image is before.image:
                    image_slots.append(image_slots[-1])
                else:
                    square = _Square(query.image, box, images.normalised_square)
                    image_slots.append(self._passes.images.find(query.image, square))
                if before is not None and query.gt_mask is before.gt_mask:
                    target_slots.append(target_slots[-1])
                else:
                    square = _Square(query.gt_mask, box, _mask_square)
                    target_slots.append(
                        self._passes.targets.find(query.gt_mask, square)
                    )
                regions[row] = _mask_square(query.error_mask, box)
                before = query
            return self._passes.start(image_slots, target_slots, regions)

    def _finish(self, chunk: Sequence[ClickQuery], maps: jax.Array) -> list[np.ndarray]:
        """Waits for the maps of squares; returns those of the queries."""
        squares = self._passes.fetch(maps)
        return [
            self._native(query, square)
            for query, square in zip(chunk, squares, strict=False)
        ]

    def _native(self, query: ClickQuery, square: np.ndarray) -> np.ndarray:
        box = letterbox.fit(query.image.shape, self.card.size)
        click_map = letterbox.restore(square, box)
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


@dataclasses.dataclass(frozen=True)
class _Square:
    """Letterboxes an array on the host, and puts it into a slot.

    Attributes:
        array: The image or mask.
        box: Its letterbox.
        place: Returns its square.
    """

    array: np.ndarray
    box: letterbox.Letterbox
    place: Callable[[np.ndarray, letterbox.Letterbox], np.ndarray]

    def __call__(self, squares: jax.Array, slot: int) -> jax.Array:
        return passes.put(squares, slot, self.place(self.array, self.box))


def load(
    folder: epath.PathLike,
    *,
    batch: int = 0,
    devices: int = 1,
    rescale: bool = False,
    precision: str = AUTO,
) -> ClickabilityModel:
    """Loads a model folder as a click model.

    Args:
        folder: The model folder.
        batch: See `ClickabilityModel`.
        devices: See `ClickabilityModel`.
        rescale: See `ClickabilityModel`.
        precision: See `ClickabilityModel`.

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
