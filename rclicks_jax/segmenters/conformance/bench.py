"""The test bench of a segmenter: plays synthetic sessions and compares answers.

Sums in another order may change an answer a little. Probabilities may differ by
`MOST_PROBABILITY`. If a segmenter has masks only, a share of `MOST_PIXELS` of a mask
may differ.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rclicks_jax.segmenters import base, bridged, load
from rclicks_jax.segmenters.conformance import scenes
from rclicks_jax.settings import protocols
from rclicks_jax.types import Clicks

MOST_PROBABILITY = 1e-3
MOST_PIXELS = 1e-3
_MAIN = (96, 128)


class FailedError(Exception):
    """The claim of a check does not hold."""


class AnswerError(FailedError):
    """The segmenter failed, or its answer cannot be used."""


class LeftOutError(Exception):
    """The claim of a check cannot be checked; the message is the reason."""


class Answer(NamedTuple):
    """Masks, `bool[t h w]`, and their probabilities, `f32[t h w]` or None."""

    masks: np.ndarray
    probabilities: np.ndarray | None


class Bench:
    """A segmenter, the photographs that it has encoded, and its answers.

    Attributes:
        segmenter: The segmenter under test.
        main: The scene on which most checks are played.
        soft: Whether the segmenter is asked for probabilities.
        first: The answers of the first session.
        alone: The answers to each trajectory of `main` in a session of its own.
        together: The answers to all trajectories of `main` in one batch.
        large: Whether a large photograph is checked too.
    """

    def __init__(
        self, spec: str, seed: int, large: bool, protocol: protocols.Protocol
    ) -> None:
        """Loads the segmenter."""
        self._spec = spec
        self._protocol = protocol
        self._seed = seed
        self._encoded: dict[str, Any] = {}
        self.segmenter = load.load(spec, scenes.TRAJECTORIES, protocol)
        self.main = self.scene(_MAIN)
        # Whether a worker has probabilities is known only after the first answer.
        self.soft = getattr(self.segmenter, "has_probabilities", self.is_bridged)
        self.large = large
        self.first: list[Answer] = []
        self.alone: dict[int, list[Answer]] = {}
        self.together: list[Answer] = []

    @property
    def is_bridged(self) -> bool:
        """Whether the segmenter runs in workers, which may be replaced."""
        return isinstance(self.segmenter, bridged.BridgedSegmenter)

    def scene(self, shape: tuple[int, int], look: str = "coloured") -> scenes.Scene:
        """Makes a scene; see `scenes.make`."""
        return scenes.make(shape, look, self._seed)

    def renew(self) -> None:
        """Replaces the segmenter by a new copy, which has seen nothing yet."""
        self.segmenter.close()
        if not self.is_bridged:
            self._encoded.clear()
            self.segmenter = load.load(self._spec, scenes.TRAJECTORIES, self._protocol)

    def start(self, scene: scenes.Scene, order: Sequence[int]) -> "ClickSession":
        """Starts a session of trajectories of a scene, in the order of `order`."""
        if scene.name not in self._encoded:
            self._encoded[scene.name] = self.segmenter.encode(scene.image)
        targets = [scene.gt_masks[row] for row in order]
        session = self.segmenter.start(self._encoded[scene.name], targets)
        return ClickSession(session, scene.clicks.rows(list(order)), self.soft)

    def play(self, scene: scenes.Scene, order: Sequence[int], rounds: int) -> list:
        """Plays a session; returns the answer to each click."""
        session = self.start(scene, order)
        return [session.click() for _ in range(rounds)]

    def release_others(self) -> None:
        """Has the segmenter forget every photograph but that of `main`."""
        for name in [name for name in self._encoded if name != self.main.name]:
            self.segmenter.release(self._encoded.pop(name))


class ClickSession:
    """A session and the clicks that are played in it."""

    def __init__(self, session: base.Session, clicks: Clicks, soft: bool) -> None:
        """Starts before the first click."""
        self._session: Any = session
        self._clicks = clicks
        self._soft = soft
        self._round = 0

    def click(self, rows: Sequence[int] | None = None) -> Answer:
        """Makes the next click of all trajectories, or of the rows that are left."""
        self._round += 1
        left = np.arange(len(self._clicks.count)) if rows is None else np.array(rows)
        yx, positive, count = (array.copy() for array in self._clicks.rows(left))
        yx[:, self._round :], positive[:, self._round :] = 0, False
        count[:] = self._round
        return self.ask(left, Clicks(yx, positive, count))

    def ask(self, rows: np.ndarray, clicks: Clicks) -> Answer:
        """Returns the segmenter's answer to any clicks."""
        try:
            if self._soft:
                return Answer(*self._session.predict_with_probabilities(rows, clicks))
            return Answer(self._session.predict(rows, clicks), None)
        except Exception as error:
            last = [
                (*map(int, yx[n - 1]), "+" if positive[n - 1] else "-")
                for yx, positive, n in zip(*clicks, strict=True)
            ]
            message = f"At click {clicks.count[0]}, {last}: {error}"
            raise AnswerError(message) from error


def compare(pairs: Sequence[tuple[str, Answer, Answer]]) -> str:
    """Compares answers with the expected ones.

    Args:
        pairs: Name, answer and expected answer of each comparison.

    Returns:
        The largest difference, in words.

    Raises:
        FailedError: The largest difference is not allowed.
    """
    differences = []
    for name, answer, expected in pairs:
        pixels = float((answer.masks != expected.masks).mean())
        difference = f"{pixels:.2%} of pixels differ."
        if answer.probabilities is None or expected.probabilities is None:
            differences.append((pixels / MOST_PIXELS, name, difference))
            continue
        most = float(abs(answer.probabilities - expected.probabilities).max())
        difference = f"{pixels:.2%} of pixels differ, probabilities by {most:.1e}."
        differences.append((most / MOST_PROBABILITY, name, difference))
    share, name, difference = max(differences)
    if not share <= 1:
        allowed = f"{MOST_PIXELS:.1%}, or probabilities {MOST_PROBABILITY:g}"
        raise FailedError(f"{name}: {difference} Allowed: {allowed}.")
    if not any(e.masks.any() and not e.masks.all() for _, _, e in pairs):
        difference += " But all masks are empty or full, so this proves little."
    return difference


def row_of(answer: Answer, row: int) -> Answer:
    """Returns the answer to one trajectory of a batch."""
    soft = answer.probabilities
    part = slice(row, row + 1)
    return Answer(answer.masks[part], None if soft is None else soft[part])
