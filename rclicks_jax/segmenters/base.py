"""The interface of a segmenter to a benchmark, wherever it runs.

An adapter is three functions (or an object with them):

    load(options) -> model                      or load(options, protocol)
    encode(model, image) -> features            once an image
    predict(model, features, clicks, state) -> (masks, state)    for a batch

`protocol` has the switches of the run's protocol that segmenters obey, as attributes
(`bridge.switches.Switches`). An adapter that obeys no switch leaves the argument out.

`clicks` has `yx`, `positive` and `count`: all clicks so far of every trajectory of the
batch. `state` is None at the first click. Later it is the state that `predict` returned
for the click before: None, or nested tuples, lists and dicts of arrays with a row for
each trajectory.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np

from rclicks_jax import errors
from rclicks_jax.bridge import answers
from rclicks_jax.types import Clicks


class Session(Protocol):
    """Trajectories on one photograph that advance together."""

    def predict(self, rows: np.ndarray, clicks: Clicks) -> np.ndarray:
        """Answers the newest click of some trajectories.

        Args:
            rows: Numbers of the trajectories in the session, ascending, `i32[t]`. A
                number that was left out once does not come back.
            clicks: All clicks so far of each of these trajectories.

        Returns:
            Their masks, `bool[t h w]`.

        Raises:
            SegmenterError: The segmenter failed, or its answer cannot be scored.
        """
        ...


S = TypeVar("S", bound=Session)


class Request(NamedTuple, Generic[S]):
    """The newest clicks of some trajectories of a session.

    Attributes:
        session: The session.
        rows: Numbers of the trajectories in it, as in `Session.predict`.
        clicks: All clicks so far of each of them.
    """

    session: S
    rows: np.ndarray
    clicks: Clicks


# Starts trajectories on an encoded photograph, given their targets.
Start = Callable[[Sequence[np.ndarray]], Session]


class Segmenter(Protocol):
    """A loaded segmenter.

    Attributes:
        name: Name of the segmenter in tables.
        description: Settings and checksums that can change a number; a run records
            them.
        versions: Versions of the libraries that it runs on.
        lanes: Number of calls that it takes at the same time, each from a thread of its
            own; 0 if it must be called from the thread that loaded it, alone.
        most_images: Number of photographs that may be encoded at the same time; 0 for
            any number.
        encodes: Number of images encoded so far; a run asserts one for each image.
    """

    name: str
    description: dict[str, Any]
    versions: dict[str, str]
    lanes: int
    most_images: int
    encodes: int

    @property
    def printed(self) -> str:
        """The end of what it wrote while it was loaded."""
        ...

    def encode(self, image: np.ndarray, lane: int | None = None) -> Any:
        """Encodes an image, `u8[h w 3]`; all clicks on it share this expensive step.

        Args:
            image: The photograph.
            lane: Number of the lane that keeps it, below `lanes`; None for the lane
                that has the fewest photographs.
        """
        ...

    def start(self, features: Any, gt_masks: Sequence[np.ndarray]) -> Session:
        """Starts trajectories on an encoded photograph.

        Args:
            features: What `encode` returned.
            gt_masks: Target of each trajectory, `bool[h w]`. Only the simulated
                segmenters, which are for tests and dry runs, use them.
        """
        ...

    def release(self, features: Any) -> None:
        """Forgets an encoded photograph and every session on it."""
        ...

    def abort(self) -> None:
        """Ends calls that other threads wait for; later calls fail too."""
        ...

    def close(self) -> None:
        """Ends the processes that it runs."""
        ...


@runtime_checkable
class SharedSegmenter(Segmenter, Protocol):
    """A segmenter that answers clicks on several photographs in one call.

    Attributes:
        batch: Trajectories in one call, of any sessions of a lane; fewer take as long.
        calls: Calls of `predict_together` that a lane takes at the same time, each from
            a thread of its own. Two sessions or two rows of one may be in two calls.
    """

    batch: int
    calls: int

    def reserve(self, photographs: int) -> None:
        """Makes room for photographs before the first one is encoded.

        It sets `most_images`: to the number that is asked for or some more, or to what
        the devices have memory for.

        Args:
            photographs: Number that a run has encoded at the same time, on all lanes
                together.
        """
        ...

    def predict_together(self, requests: Sequence[Request[Any]]) -> list[np.ndarray]:
        """Answers the newest clicks of sessions of one lane.

        What is together changes no bit. If it fails, no session has changed, and a call
        for some of the requests can be made.

        Args:
            requests: The clicks. A session may come twice, with other rows.

        Returns:
            The masks of each request, `bool[t h w]`.

        Raises:
            SegmenterError: An answer cannot be scored.
        """
        ...


@contextlib.contextmanager
def aborted_on_error(segmenter: Segmenter) -> Iterator[None]:
    """Ends calls of other threads if an error, such as an interrupt, is raised here.

    So code that waits for those threads does not wait for a worker that hangs.
    """
    try:
        yield
    except BaseException:
        segmenter.abort()
        raise


def checked_masks(
    name: str, masks: object, count: int, shape: tuple[int, int]
) -> np.ndarray:
    """Returns masks as `bool[count *shape]`; raises if they are not usable.

    Raises:
        SegmenterError: They are not an array, have another shape or a NaN, or are not
            bool.
    """
    array = np.asarray(masks)
    try:
        answers.check_masks(array, count, shape)
    except ValueError as error:
        raise errors.SegmenterError(f"{name} {error}.") from error
    return answers.with_clean_bytes(array)


def check_probabilities(name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Checks that an answer has probabilities.

    Raises:
        SegmenterError: It has masks only.
    """
    if "probabilities" not in arrays:
        raise errors.SegmenterError(
            f"{name} returns masks but no probabilities: its adapter has no THRESHOLD."
        )
