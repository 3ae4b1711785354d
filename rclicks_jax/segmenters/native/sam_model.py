"""SAM on the devices of this host: features and last masks stay there.

A pass answers a fixed number of trajectories, whatever number goes on: XLA does not
promise equal bits for another shape. Clicks are filled up to a fixed number too, and
attention does not see what fills them up.
"""

import contextlib
import functools
import pathlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import flax
import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax import errors
from rclicks_jax.bridge.switches import Switches
from rclicks_jax.networks import infer, passes
from rclicks_jax.networks.prompted import names, prompts, resizing
from rclicks_jax.networks.sam import frames, network, weights
from rclicks_jax.networks.sam.sizes import SamSizes
from rclicks_jax.segmenters.native import sam
from rclicks_jax.types import Clicks
from rclicks_jax.weights import foreign

# Clicks of a pass: those of the protocol, and what makes a multiple of eight of them
# and of the decoder's own tokens.
_FEWEST_CLICKS, _STEP = 26, 8
# Trajectories of a pass if nobody says how many there will be.
_BATCH = 16
# Of a checkpoint's SHA-256, in a run's record.
_DIGITS = 16


class Features(NamedTuple):
    """An encoded photograph.

    Attributes:
        frame: Its place in the square.
        lane: Number of the device that has it.
        embedding: Output of the encoder, `f32[1 g*g c]` or bfloat16.
        onto: What brings logits onto the photograph; on the device.
    """

    frame: frames.Frame
    lane: int
    embedding: jax.Array
    onto: resizing.Matrices


class Programs(NamedTuple):
    """What is compiled for a size of network and a precision.

    Attributes:
        encode: Of variables, a photograph and its matrices: the embedding.
        decode: See `network.Sam.decode`.
        masks: Of logits by place and matrices: masks, `bool[n h w]`.
        probabilities: The same as probabilities, `f32[n h w]`.
    """

    encode: Any
    decode: Any
    masks: Any
    probabilities: Any


@functools.lru_cache(maxsize=8)
def programs(sizes: SamSizes, precision: str) -> Programs:
    """Returns the programs of a network; each is compiled when it is first used."""
    net = network.Sam(sizes, jnp.dtype(precision))
    # Accelerators would otherwise multiply float32 in fewer bits.
    exact = "highest" if precision == infer.FLOAT32 else None

    def encode(
        variables: Any, image: jax.Array, matrices: resizing.Matrices
    ) -> jax.Array:
        with jax.default_matmul_precision(exact):
            square = frames.to_square(image, matrices)
            embedding: Any = net.apply(variables, square[None], method="encode")
        return embedding

    def decode(variables: Any, *arrays: jax.Array) -> tuple[jax.Array, jax.Array]:
        with jax.default_matmul_precision(exact):
            decoded: Any = net.apply(variables, *arrays, method="decode")
        return decoded.low_res, jnp.isfinite(decoded.low_res).all(axis=(1, 2))

    def masks(low_res: jax.Array, matrices: resizing.Matrices) -> jax.Array:
        return resizing.to_photograph(low_res, matrices) > 0

    def probabilities(low_res: jax.Array, matrices: resizing.Matrices) -> jax.Array:
        return jax.nn.sigmoid(resizing.to_photograph(low_res, matrices))

    return Programs(*map(jax.jit, (encode, decode, masks, probabilities)))


class SamSegmenter:
    """SAM as a segmenter; see `segmenters.base.Segmenter`."""

    has_probabilities = True
    printed = ""

    def __init__(self, settings: sam.Sam, protocol: Switches, trajectories: int = 0):
        """Reads the weights and puts them on the devices.

        Args:
            settings: The settings.
            protocol: Switches of the run's protocol.
            trajectories: Number of trajectories that a run advances together, or 0.

        Raises:
            SegmenterError: The checkpoint cannot be read, or is none of SAM.
            BadValueError: The host has fewer devices.
        """
        self.name = "jax_sam"
        self.encodes = 0
        self.most_images = 0
        self.batch = settings.batch or trajectories or _BATCH
        precision = infer.resolve_precision(settings.precision)
        place = pathlib.Path(settings.checkpoint).expanduser()
        try:
            checkpoint = foreign.load(place)
            self.sizes, variables = weights.from_torch(checkpoint)
        except errors.DataError as error:
            raise errors.SegmenterError(str(error)) from error
        content = foreign.checksum(checkpoint)[:_DIGITS]
        devices: list[Any] = list(passes.local_mesh(settings.devices).devices.flat)
        self.lanes = len(devices)
        self.description: dict[str, Any] = {
            "name": self.name,
            "options": {
                "checkpoint": f"{checkpoint.files[0].name} sha256:{content}",
                "precision": precision,
            },
        }
        self.versions = {
            "jax": jax.__version__,
            "flax": flax.__version__,
            "numpy": np.__version__,
        }
        self._drops_mask_prompt = protocol.drop_mask_prompt
        self._devices = devices
        self._programs = programs(self.sizes, precision)
        cast = names.in_precision(variables, jnp.dtype(precision))
        with self._explained("the weights"):
            self._variables = [jax.device_put(cast, device) for device in devices]
        self._lock = threading.Lock()
        self._held = [0] * len(devices)

    def encode(self, image: np.ndarray, lane: int | None = None) -> Features:
        """Encodes a photograph on the device of a lane; see `base.Segmenter`."""
        with self._lock:
            self.encodes += 1
            if lane is None:
                lane = self._held.index(min(self._held))
            self._held[lane] += 1
        frame = frames.frame_of(image.shape, self.sizes.side)
        with self._explained("a photograph"):
            arrays = resizing.fill_up(image), frames.into_square(frame)
            placed = jax.device_put(arrays, self._devices[lane])
            embedding = self._programs.encode(self._variables[lane], *placed)
            onto = jax.device_put(frames.onto_photograph(frame), self._devices[lane])
            # Errors of the device come where somebody can say what it was doing.
            jax.block_until_ready(embedding)
        return Features(frame, lane, embedding, onto)

    def start(self, features: Features, gt_masks: Sequence[np.ndarray]) -> "SamSession":
        """Starts trajectories; the targets are not used."""
        return SamSession(self, features, len(gt_masks))

    def release(self, features: Features) -> None:
        """Counts; the arrays are freed when nothing refers to them any more."""
        with self._lock:
            self._held[features.lane] -= 1

    def abort(self) -> None:
        """Does nothing: a pass ends by itself."""

    def close(self) -> None:
        """Does nothing: there are no processes."""

    def decode(
        self,
        features: Features,
        clicks: Clicks,
        low_res: jax.Array,
        has_mask: np.ndarray,
    ) -> jax.Array:
        """Answers a batch of trajectories on a photograph.

        Args:
            features: The photograph.
            clicks: All clicks so far, of `batch` trajectories.
            low_res: Logits of the last answers by place, `f32[batch 16 g*g]`.
            has_mask: Whether they are a prompt, `bool[batch]`.

        Returns:
            The new logits, of the same shape.

        Raises:
            SegmenterError: An answer has a NaN, or the device has too little memory.
        """
        with self._explained("clicks"):
            arrays = jax.device_put(
                (
                    np.zeros(self.batch, np.int32),
                    features.frame.to_square(clicks.yx),
                    clicks.positive,
                    clicks.count,
                    low_res,
                    has_mask,
                ),
                self._devices[features.lane],
            )
            variables = self._variables[features.lane]
            low_res, finite = self._programs.decode(
                variables, features.embedding, *arrays
            )
            is_finite = bool(np.asarray(finite).all())
        if not is_finite:
            raise errors.SegmenterError(f"{self.name} returned NaN instead of masks.")
        return low_res

    def resized(self, features: Features, low_res: jax.Array, soft: bool) -> np.ndarray:
        """Returns masks, or probabilities, of the photograph's size."""
        program = self._programs.probabilities if soft else self._programs.masks
        height, width = features.frame.size
        with self._explained("masks"):
            whole = np.asarray(program(low_res, features.onto))
        return whole[:, :height, :width]

    def first_logits(self, features: Features) -> jax.Array:
        """Returns logits that are not used, `f32[batch 16 g*g]`."""
        shape = (self.batch, prompts.FINER**2, self.sizes.grid**2)
        return jnp.zeros(shape, jnp.float32, device=self._devices[features.lane])

    def has_mask(self, clicks: Clicks) -> np.ndarray:
        """Tells which trajectories are prompted with their last mask, `bool[t]`.

        The original drops it where its padded list of clicks has two entries.
        """
        used = np.arange(clicks.positive.shape[1]) < clicks.count[:, None]
        foreground = (clicks.positive & used).sum(1)
        background = (~clicks.positive & used).sum(1)
        dropped = np.maximum(foreground, background) == 1
        return ~(dropped & self._drops_mask_prompt)

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            line = str(error).splitlines()[0]
            if "RESOURCE_EXHAUSTED" not in line:
                raise
            raise errors.SegmenterError(
                f"{self.name} ({self.sizes.variant}) needs more memory for {what} than "
                f"{self._devices[0].device_kind} has ({line}). A smaller batch=, "
                "precision=bfloat16 or a smaller size of SAM needs less."
            ) from error


class SamSession:
    """Trajectories on a photograph; those that end keep their place in the passes."""

    def __init__(self, segmenter: SamSegmenter, features: Features, count: int) -> None:
        """Starts `count` trajectories without clicks."""
        self._segmenter = segmenter
        self._features = features
        # Last answers of each pass; a pass has not been made before the first click.
        self._low_res: list[jax.Array | None] = [None] * -(-count // segmenter.batch)

    def predict(self, rows: np.ndarray, clicks: Clicks) -> np.ndarray:
        """Answers a click; see `base.Session`."""
        return self._answer(rows, clicks, [False])[0]

    def predict_with_probabilities(
        self, rows: np.ndarray, clicks: Clicks
    ) -> tuple[np.ndarray, np.ndarray]:
        """Answers a click with masks and probabilities, `f32[t h w]`."""
        masks, probabilities = self._answer(rows, clicks, [False, True])
        return masks, probabilities

    def _answer(
        self, rows: np.ndarray, clicks: Clicks, kinds: Sequence[bool]
    ) -> list[np.ndarray]:
        """Returns masks, and probabilities where a kind is true."""
        if len(rows) and clicks.count.min() < 1:
            raise errors.SegmenterError(
                f"{self._segmenter.name} was asked about a trajectory without a click; "
                "each has at least one."
            )
        batch = self._segmenter.batch
        height, width = self._features.frame.size
        outcome = [
            np.empty((len(rows), height, width), np.float32 if soft else bool)
            for soft in kinds
        ]
        passes_of_rows = np.asarray(rows) // batch
        for number in np.unique(passes_of_rows).tolist():
            asked = np.flatnonzero(passes_of_rows == number)
            places = np.asarray(rows)[asked] - number * batch
            low_res = self._pass(number, places, clicks.rows(asked))
            for arrays, soft in zip(outcome, kinds, strict=True):
                resized = self._segmenter.resized(self._features, low_res, soft)
                arrays[asked] = resized[places]
        return outcome

    def _pass(self, number: int, places: np.ndarray, clicks: Clicks) -> jax.Array:
        """Answers trajectories of a pass; returns the logits of all of it."""
        segmenter = self._segmenter
        last = self._low_res[number]
        filled = filled_up(clicks, places, segmenter.batch)
        if last is None:
            prompted = np.zeros(segmenter.batch, bool)
            last = segmenter.first_logits(self._features)
        else:
            prompted = segmenter.has_mask(filled)
        low_res = segmenter.decode(self._features, filled, last, prompted)
        self._low_res[number] = low_res
        return low_res


def filled_up(clicks: Clicks, places: np.ndarray, batch: int) -> Clicks:
    """Returns clicks of a whole pass, at the places of their trajectories.

    Places without a trajectory have a click at the origin.

    Args:
        clicks: All clicks so far of some trajectories.
        places: Their places in the pass, `i32[t]`.
        batch: Trajectories of a pass.
    """
    most = int(clicks.count.max(initial=1))
    slots = max(_FEWEST_CLICKS, -(-(most - 2) // _STEP) * _STEP + 2)
    given = min(slots, clicks.yx.shape[1])
    yx = np.zeros((batch, slots, 2), np.int32)
    positive = np.ones((batch, slots), bool)
    count = np.ones(batch, np.int32)
    yx[places, :given] = clicks.yx[:, :given]
    positive[places, :given] = clicks.positive[:, :given]
    count[places] = clicks.count
    return Clicks(yx, positive, count)
