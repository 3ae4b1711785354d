"""What a benchmark asks of a segmenter, wherever it runs.

An adapter is three functions (or an object with them):

    load(options) -> model                      or load(options, protocol)
    encode(model, image) -> features            once an image
    predict(model, features, clicks, state) -> (masks, state)    for a batch

`protocol` has the switches of the run's protocol that segmenters obey, as attributes
(`bridge.switches.Switches`); an adapter that obeys none leaves it out.

`clicks` has `yx`, `positive` and `count` of every trajectory of the batch, all its
clicks so far. `state` is None at the first click and then whatever `predict` returned:
None, or nested tuples, lists and dicts of arrays with a row for each trajectory.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from rclicks_jax import errors
from rclicks_jax.bridge import answers
from rclicks_jax.types import Clicks


class Session(Protocol):
    """Trajectories on one photograph that advance together."""

    def predict(self, rows: np.ndarray, clicks: Clicks) -> np.ndarray:
        """Answers the newest click of some trajectories.

        Args:
            rows: Their numbers in the session, ascending, `i32[t]`; a number that was
                left out once does not come back.
            clicks: All clicks so far of each of them.

        Returns:
            `bool[t h w]`.

        Raises:
            SegmenterError: It failed, or returned what cannot be scored.
        """
        ...


# Starts trajectories on a photograph that is encoded, from their targets.
Start = Callable[[Sequence[np.ndarray]], Session]


class Segmenter(Protocol):
    """A segmenter, loaded.

    Attributes:
        name: What tables call it.
        description: What a run records of it and can change a number: settings and
            checksums.
        versions: Releases of the libraries that it runs on.
        lanes: Calls it takes at the same time, each from a thread of its own; 0 if it
            must be called from the thread that loaded it, with nothing beside it.
        most_images: Photographs that may be encoded at the same time; 0 for any number.
        encodes: Images encoded so far; a run asserts one for each image.
    """

    name: str
    description: dict[str, Any]
    versions: dict[str, str]
    lanes: int
    most_images: int
    encodes: int

    @property
    def printed(self) -> str:
        """The last of what it wrote while it was loaded."""
        ...

    def encode(self, image: np.ndarray, lane: int | None = None) -> Any:
        """Encodes `u8[h w 3]`; the one expensive step that clicks share.

        Args:
            image: The photograph.
            lane: Number of the lane that has it from now on, below `lanes`; None for
                the lane that has the fewest.
        """
        ...

    def start(self, features: Any, gt_masks: Sequence[np.ndarray]) -> Session:
        """Starts trajectories on an encoded photograph.

        Args:
            features: What `encode` returned.
            gt_masks: Target of each trajectory, `bool[h w]`; only the simulated
                segmenters, which are for tests and dry runs, look at them.
        """
        ...

    def release(self, features: Any) -> None:
        """Forgets an encoded photograph and every session on it."""
        ...

    def abort(self) -> None:
        """Ends calls that other threads wait for; nothing is answered any more."""
        ...

    def close(self) -> None:
        """Ends what it runs."""
        ...


@contextlib.contextmanager
def aborted_on_error(segmenter: Segmenter) -> Iterator[None]:
    """Ends calls of other threads on an error here, such as an interrupt.

    Whoever waits for those threads does not wait for a worker that hangs.
    """
    try:
        yield
    except BaseException:
        segmenter.abort()
        raise


def checked_masks(
    name: str, masks: object, count: int, shape: tuple[int, int]
) -> np.ndarray:
    """Returns masks as `bool[count *shape]`, or says what is wrong with them.

    Raises:
        SegmenterError: They are no array, of another shape, NaN, or not bool.
    """
    array = np.asarray(masks)
    try:
        answers.check_masks(array, count, shape)
    except ValueError as error:
        raise errors.SegmenterError(f"{name} {error}.") from error
    return answers.with_clean_bytes(array)


def check_probabilities(name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Makes sure that an answer has probabilities.

    Raises:
        SegmenterError: It has not.
    """
    if "probabilities" not in arrays:
        raise errors.SegmenterError(
            f"{name} returns masks and no probabilities: its adapter has no THRESHOLD."
        )
