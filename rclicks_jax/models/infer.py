"""Click maps of a trained network, at native size.

Every pass has one padded batch shape, since XLA does not promise equal bits for
another one.

Source: emb-ai/rclicks, rclicks/rclicks/nets.py, `SegNeXtSaliencyApply`, and
rclicks/rclicks/clicksim.py, `ClickabilityModel`.
"""

import collections
import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from etils import epath

from rclicks_jax.models import cards, clickability
from rclicks_jax.ops import images, letterbox
from rclicks_jax.types import ClickQuery

# Squares kept between calls: an image and its masks come back at every click.
_KEPT_SQUARES = 64
# The original's use in the benchmark adds this to the range, its training 1e-9.
_RANGE_EPSILON = 1e-8


class ClickabilityModel:
    """A click model: the network, its parameters, and the batch it runs in.

    Attributes:
        name: `CM`, as in the paper's tables.
        card: What the model is.
        batch: Maps in one pass.
    """

    name = "CM"

    def __init__(
        self,
        variables: dict[str, Any],
        card: cards.Card,
        *,
        batch: int,
        rescale: bool = False,
    ) -> None:
        """Puts the parameters on the device.

        Args:
            variables: `params`, `batch_stats` and `constants`.
            card: What they are.
            batch: Maps in one pass.
            rescale: Whether native maps are scaled to [0, 1] once more without the
                padding, as the original does where it evaluates click models.
        """
        self.card = card
        self.batch = batch
        self._rescale = rescale
        self._variables = jax.device_put(variables)
        net = clickability.ClickabilityNet(card.network)
        self._predict = jax.jit(functools.partial(_predict, net))
        self._squares: collections.OrderedDict[int, tuple[Any, np.ndarray]] = (
            collections.OrderedDict()
        )

    def __call__(self, queries: Sequence[ClickQuery]) -> list[np.ndarray]:
        """Returns a click map for each query.

        The maps lie in [0, 1], do not sum to one, and are not masked to the error.

        Args:
            queries: Images of any shapes.

        Returns:
            `f32[h w]` for each.
        """
        maps = []
        for first in range(0, len(queries), self.batch):
            chunk = queries[first : first + self.batch]
            squares = self._run(chunk)
            for query, square in zip(chunk, squares, strict=False):
                maps.append(self._native(query, square))
        return maps

    def _run(self, chunk: Sequence[ClickQuery]) -> np.ndarray:
        size = self.card.size
        image = np.zeros((self.batch, size, size, 3), np.float32)
        masks = np.zeros((self.batch, size, size, 2), np.float32)
        for row, query in enumerate(chunk):
            box = letterbox.fit(query.image.shape, size)
            image[row] = self._square(query.image, box, images.normalised_square)
            masks[row, ..., 0] = self._square(query.gt_mask, box, _mask_square)
            masks[row, ..., 1] = _mask_square(query.error_mask, box)
        return np.asarray(self._predict(self._variables, image, masks))

    def _square(self, array: np.ndarray, box: letterbox.Letterbox, make: Any) -> Any:
        """Returns `make(array, box)`, remembered while the array object lives here."""
        held = self._squares.pop(id(array), None)
        if held is None:
            held = (array, make(array, box))
        self._squares[id(array)] = held
        if len(self._squares) > _KEPT_SQUARES:
            self._squares.popitem(last=False)
        return held[1]

    def _native(self, query: ClickQuery, square: np.ndarray) -> np.ndarray:
        box = letterbox.fit(query.image.shape, self.card.size)
        click_map = letterbox.restore(square, box)
        if not self._rescale:
            return click_map
        low, high = click_map.min(), click_map.max()
        return (click_map - low) / (high - low) if high > low else click_map * 0


def load(
    folder: epath.PathLike, *, batch: int = 0, rescale: bool = False
) -> ClickabilityModel:
    """Loads a model folder as a click model; `batch` 0 lets the device decide."""
    variables, card = cards.load(folder)
    batch = batch or default_batch(card)
    return ClickabilityModel(variables, card, batch=batch, rescale=rescale)


def default_batch(card: cards.Card) -> int:
    """Returns how many maps one pass makes, from the memory of the device.

    On CPU ten, the groups of one object: larger batches are not faster there.
    """
    stats = jax.local_devices()[0].memory_stats() or {}
    limit = stats.get("bytes_limit", 0)
    if jax.default_backend() == "cpu" or not limit:
        return 10
    # Activations at a quarter of the size, float32, some twenty alive at once.
    pixels = (card.size // 4) ** 2
    per_map = pixels * 4 * 20 * max(card.network.embed_dims[0] * 8, 512)
    return max(10, min(320, int(limit * 0.5 / per_map) // 10 * 10))


def _predict(
    net: clickability.ClickabilityNet,
    variables: dict[str, Any],
    image: jax.Array,
    masks: jax.Array,
) -> jax.Array:
    logits: Any = net.apply(variables, image, masks)
    return clickability.scale_to_unit(logits, _RANGE_EPSILON)


def _mask_square(mask: np.ndarray, box: letterbox.Letterbox) -> np.ndarray:
    return letterbox.place(mask.astype(np.float32), box)
