"""Interactive segmenters, clicked by a program."""

import functools
from collections.abc import Callable
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rclicks_jax import errors
from rclicks_jax.api import arguments
from rclicks_jax.clicks import simulate
from rclicks_jax.segmenters import base, load
from rclicks_jax.settings import protocols
from rclicks_jax.types import Clicks


class SegmenterSession:
    """Clicks on one object of an image, and the masks that answer them."""

    def __init__(
        self,
        session: base.Session,
        shape: tuple[int, int],
        release: Callable[[], None],
        refuse_closed: Callable[[], None],
    ) -> None:
        """Takes a session of one trajectory; use `Segmenter.start`."""
        self._session = session
        self._shape = shape
        self._release = release
        self._refuse_closed = refuse_closed
        self._is_closed = False
        self._yx: list[tuple[int, int]] = []
        self._positive: list[bool] = []

    def click(self, y: int, x: int, *, positive: bool = True) -> NDArray[np.bool_]:
        """Clicks once; returns the mask that answers all clicks so far.

        Args:
            y: Row of the pixel, from the top.
            x: Column of the pixel, from the left.
            positive: True for "object here", False for "no object here".

        Returns:
            `bool[h w]`.

        Raises:
            RClicksError: There is no such pixel, the session or its segmenter is
                closed, or the segmenter failed.
        """
        self._refuse_closed()
        if self._is_closed:
            raise errors.BadValueError(
                "Session", "one that is closed", "a new one, from Segmenter.start"
            )
        height, width = self._shape
        if not (_is_index(y, height) and _is_index(x, width)):
            raise errors.BadValueError(
                "Click",
                f"({y}, {x})",
                f"(y, x) from (0, 0) to {height - 1, width - 1}, whole numbers",
            )
        # Text is true as well, whatever it says.
        if bool(positive) != positive:
            raise errors.BadValueError("positive", repr(positive), "True or False")
        yx = [*self._yx, (int(y), int(x))]
        signs = [*self._positive, bool(positive)]
        clicks = Clicks(
            np.array([yx], np.int32), np.array([signs]), np.array([len(yx)], np.int32)
        )
        mask = self._session.predict(np.zeros(1, np.int32), clicks)[0]
        # A click that was not answered does not count.
        self._yx, self._positive = yx, signs
        return mask

    def close(self) -> None:
        """Forgets the encoded image, which a worker may hold on a GPU."""
        if not self._is_closed:
            self._is_closed = True
            self._release()


def _is_index(value: object, length: int) -> bool:
    """Tells whether a value is a whole number from 0 to `length` - 1."""
    return value in range(length)


class Segmenter:
    """An interactive segmenter, loaded; close it, or use it in a `with` statement.

    Attributes:
        name: What tables call it.
    """

    def __init__(self, segmenter: base.Segmenter) -> None:
        """Takes a segmenter; use `load_segmenter`."""
        self.name: str = segmenter.name
        self._segmenter = segmenter
        self._is_closed = False

    def start(
        self, image: ArrayLike, target: ArrayLike | None = None
    ) -> SegmenterSession:
        """Encodes an image; returns a session without a click.

        Args:
            image: RGB `u8[h w 3]`, or grey `u8[h w]`.
            target: The object, a mask `[h w]`. Only `oracle`, `noisy` and `stuck`,
                which are for tests, look at it, and need it.

        Raises:
            RClicksError: An array cannot be used, or the segmenter is closed or failed.
        """
        self._refuse_closed()
        picture = simulate.rgb_image(image)
        shape = picture.shape[0], picture.shape[1]
        if target is None and getattr(self._segmenter, "sees_targets", False):
            raise errors.BadValueError(
                "target", "None", f"the object's mask, which {self.name} answers from"
            )
        gt_mask = (
            np.zeros(shape, bool)
            if target is None
            else simulate.hard_mask("target", target)
        )
        if gt_mask.shape != shape:
            raise errors.BadValueError(
                "target", f"shape {gt_mask.shape}", f"that of the image, {shape}"
            )
        features = self._segmenter.encode(picture)
        session = self._segmenter.start(features, [gt_mask])
        release = functools.partial(self._release, features)
        return SegmenterSession(session, shape, release, self._refuse_closed)

    def _release(self, features: object) -> None:
        if not self._is_closed:
            self._segmenter.release(features)

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise errors.BadValueError(
                "Segmenter",
                f"{self.name}, which is closed",
                "one that is open; load_segmenter loads it again",
            )

    def close(self) -> None:
        """Ends what the segmenter runs, such as a worker in another environment."""
        self._is_closed = True
        self._segmenter.close()

    def __enter__(self) -> "Segmenter":
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()


def load_segmenter(spec: str, *, protocol: str = "paper") -> Segmenter:
    """Loads a segmenter.

    Args:
        spec: `NAME:key=value:...` of a name that `rclicks-segmenters list` shows, a
            file of your own `FILE.py:key=value`, or
            `bridge:adapter=FILE.py:python=ENV/bin/python`.
        protocol: Protocol whose switches the segmenter obeys: `paper` or `strict`.

    Raises:
        RClicksError: There is no such segmenter or protocol, an option is wrong, or the
            segmenter cannot be loaded.

    Examples:
        >>> import numpy as np, rclicks_jax
        >>> image = np.zeros((40, 60, 3), np.uint8)
        >>> image[10:30, 10:50] = 200
        >>> with rclicks_jax.load_segmenter("random_walker") as segmenter:
        ...     session = segmenter.start(image)
        ...     mask = session.click(20, 30)
        ...     mask = session.click(5, 5, positive=False)
        >>> mask.shape, bool(mask[20, 40]), bool(mask[2, 2])
        ((40, 60), True, False)
    """
    arguments.check_text("spec", spec, "text, such as 'random_walker'")
    return Segmenter(load.load(spec, protocol=protocols.protocol(protocol)))
