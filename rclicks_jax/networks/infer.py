"""Click maps of a trained network, at native size.

Every pass has one padded batch shape, since XLA does not promise equal bits for
another one.

Source: emb-ai/rclicks, rclicks/rclicks/nets.py, `SegNeXtSaliencyApply`, and
rclicks/rclicks/clicksim.py, `ClickabilityModel`.
"""

import collections
import dataclasses
import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.errors
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from etils import epath

from rclicks_jax import errors
from rclicks_jax.networks import architectures, cards
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.ops import images, letterbox, scaling
from rclicks_jax.types import ClickQuery

AUTO, FLOAT32, BFLOAT16 = "auto", "float32", "bfloat16"
_DTYPES = {FLOAT32: jnp.float32, BFLOAT16: jnp.bfloat16}
# Memory for squares kept between calls.
_KEPT_BYTES = 1 << 28
# The original's use in the benchmark adds this to the range, its training 1e-9.
_RANGE_EPSILON = 1e-8


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
    """A click model: the network, its parameters, and the batch it runs in.

    Attributes:
        name: `CM`, as in the paper's tables.
        card: Card of the model folder.
        batch: Maps in one pass.
        precision: `float32` or `bfloat16`.
    """

    name = "CM"

    def __init__(
        self,
        variables: Variables,
        card: cards.Card,
        *,
        batch: int,
        rescale: bool = False,
        precision: str = AUTO,
    ) -> None:
        """Puts the parameters on the device, in float32 whatever the precision.

        Args:
            variables: Variables of the network, whatever collections it has.
            card: Card of the model folder.
            batch: Maps in one pass of the network.
            rescale: Whether native maps are scaled to [0, 1] once more without the
                padding, as the original does where it evaluates click models.
            precision: Type of features and products: `float32`, `bfloat16` or `auto`.

        Raises:
            BadValueError: There is no such precision.
        """
        self.card = card
        self.batch = batch
        self.precision = resolve_precision(precision)
        self._rescale = rescale
        self._variables = jax.device_put(variables)
        dtype = _DTYPES[self.precision]
        architecture = architectures.find(card.architecture)
        self._net = architecture.network(card.network, dtype=dtype)
        self._letterboxed = _LetterboxMemo()

    def __call__(self, queries: Sequence[ClickQuery]) -> list[np.ndarray]:
        """Returns a click map for each query.

        The maps lie in [0, 1], do not sum to one, and are not masked to the error.

        Args:
            queries: Images of any shapes.

        Returns:
            `f32[h w]` for each.

        Raises:
            DataError: The weights do not fit the network.
        """
        maps: list[np.ndarray] = []
        for first in range(0, len(queries), self.batch):
            chunk = queries[first : first + self.batch]
            squares = self.run(self.prepare(chunk))
            maps += map(self.native, chunk, squares)
        return maps

    def __repr__(self) -> str:
        """Says which network it is, what it learned from, and how it runs."""
        return (
            f"<click model CM: variant {self.card.network.variant}, trained on "
            f"{self.card.data}, {self.card.size} pixels, batch {self.batch}, "
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

    def run(self, squares: Sequence["Squares"]) -> np.ndarray:
        """Returns the maps of one pass, `f32[n s s]`, for at most `batch` queries.

        Raises:
            DataError: The weights do not fit the network.
        """
        size = self.card.size
        image = np.zeros((self.batch, size, size, 3), np.float32)
        masks = np.zeros((self.batch, size, size, 2), np.float32)
        for row, each in enumerate(squares):
            image[row] = each.image
            masks[row, ..., 0], masks[row, ..., 1] = each.target, each.region
        return self._run_network(image, masks)[: len(squares)]

    def _run_network(self, image: np.ndarray, masks: np.ndarray) -> np.ndarray:
        exact = self.precision == FLOAT32
        try:
            maps = _predict(self._net, exact, self._variables, image, masks)
        except flax.errors.FlaxError as error:
            # It ends with the address of a page about Flax.
            cause = str(error).partition(" (http")[0]
            raise errors.DataError(
                f"The weights do not fit the network that their card names: {cause}"
            ) from error
        return np.asarray(maps)

    def native(self, query: ClickQuery, square: np.ndarray) -> np.ndarray:
        """Returns the map of a query at native size, `f32[h w]`, of its square."""
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
            batch=self.batch,
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
    square.
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
            entry = self._kept.pop(id(array), None)
            if entry is not None:
                self._bytes -= entry[0].nbytes + entry[1].nbytes
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
    rescale: bool = False,
    precision: str = AUTO,
) -> ClickabilityModel:
    """Loads a model folder as a click model.

    Args:
        folder: The model folder.
        batch: Maps in one pass of the network; 0 lets the device decide.
        rescale: See `ClickabilityModel`.
        precision: See `ClickabilityModel`.

    Raises:
        DataError: It is no model folder, or is damaged.
        BadValueError: There is no such precision.
    """
    variables, card = cards.load(folder)
    return ClickabilityModel(
        variables,
        card,
        batch=batch or default_batch(card),
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


def default_batch(card: cards.Card) -> int:
    """Returns how many maps one pass makes, from the memory of the device.

    On CPU ten, the groups of one object: larger batches are not faster there.
    """
    stats = jax.local_devices()[0].memory_stats() or {}
    limit = stats.get("bytes_limit", 0)
    if jax.default_backend() == "cpu" or not limit:
        return 10
    architecture = architectures.find(card.architecture)
    per_map = architecture.map_bytes(card.network, card.size)
    return max(10, min(320, int(limit * 0.5 / per_map) // 10 * 10))


# One function for all models: equal networks share the compiled program.
@functools.partial(jax.jit, static_argnames=("net", "exact"))
def _predict(
    net: nn.Module,
    exact: bool,
    variables: Variables,
    image: jax.Array,
    masks: jax.Array,
) -> jax.Array:
    # Accelerators would otherwise multiply float32 in fewer bits.
    with jax.default_matmul_precision("highest" if exact else None):
        logits: Any = net.apply(variables, image, masks)
    return scaling.scale_to_unit(logits.astype(jnp.float32), _RANGE_EPSILON)


def _mask_square(mask: np.ndarray, box: letterbox.Letterbox) -> np.ndarray:
    return letterbox.place(mask.astype(np.float32), box)
