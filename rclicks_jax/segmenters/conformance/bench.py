"""A segmenter on the bench: synthetic sessions are played and answers compared.

Where a segmenter has probabilities they may differ by `MOST_PROBABILITY`; else
`MOST_PIXELS` of a mask may, for sums in another order move what lies at the threshold.
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
    """The claim does not hold."""


class AnswerError(FailedError):
    """There was no answer: the segmenter failed, or what came cannot be used."""


class LeftOutError(Exception):
    """The claim cannot be checked; the reason."""


class Answer(NamedTuple):
    """Masks, `bool[t h w]`, and what they were cut from, `f32[t h w]` or None."""

    masks: np.ndarray
    probabilities: np.ndarray | None


class Bench:
    """A segmenter, the photographs it has encoded, and what it answered.

    Attributes:
        segmenter: The segmenter under test.
        main: The scene that most checks are played on.
        soft: Whether it is asked for probabilities.
        first: What it answered first of all.
        alone: What each trajectory of `main` was answered when it was alone.
        together: What all were answered in one batch.
        large: Whether there is time for a large photograph.
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
        # What a worker has is known when it is asked.
        self.soft = getattr(self.segmenter, "has_probabilities", self.is_bridged)
        self.large = large
        self.first: list[Answer] = []
        self.alone: dict[int, list[Answer]] = {}
        self.together: list[Answer] = []

    @property
    def is_bridged(self) -> bool:
        """Whether it runs in workers, which may be replaced."""
        return isinstance(self.segmenter, bridged.BridgedSegmenter)

    def scene(self, shape: tuple[int, int], look: str = "coloured") -> scenes.Scene:
        """Makes a scene."""
        return scenes.make(shape, look, self._seed)

    def renew(self) -> None:
        """Goes on with a copy that knows nothing yet."""
        self.segmenter.close()
        if not self.is_bridged:
            self._encoded.clear()
            self.segmenter = load.load(self._spec, scenes.TRAJECTORIES, self._protocol)

    def player(self, scene: scenes.Scene, order: Sequence[int]) -> "Player":
        """Starts a session of some trajectories, in this order."""
        if scene.name not in self._encoded:
            self._encoded[scene.name] = self.segmenter.encode(scene.image)
        targets = [scene.gt_masks[row] for row in order]
        session = self.segmenter.start(self._encoded[scene.name], targets)
        return Player(session, scene.clicks.rows(list(order)), self.soft)

    def play(self, scene: scenes.Scene, order: Sequence[int], rounds: int) -> list:
        """Plays a session; returns the answer to each click."""
        player = self.player(scene, order)
        return [player.click() for _ in range(rounds)]

    def release_others(self) -> None:
        """Has the segmenter forget every photograph but that of `main`."""
        for name in [name for name in self._encoded if name != self.main.name]:
            self.segmenter.release(self._encoded.pop(name))


class Player:
    """A session and the clicks that it is given."""

    def __init__(self, session: base.Session, clicks: Clicks, soft: bool) -> None:
        """Starts before the first click."""
        self._session: Any = session
        self._clicks = clicks
        self._soft = soft
        self._round = 0

    def click(self, rows: Sequence[int] | None = None) -> Answer:
        """Makes the next click of all trajectories, or of those that are left."""
        self._round += 1
        kept = np.arange(len(self._clicks.count)) if rows is None else np.array(rows)
        yx, positive, count = (array.copy() for array in self._clicks.rows(kept))
        yx[:, self._round :], positive[:, self._round :] = 0, False
        count[:] = self._round
        return self.ask(kept, Clicks(yx, positive, count))

    def ask(self, rows: np.ndarray, clicks: Clicks) -> Answer:
        """Asks for whatever clicks."""
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
    """Compares answers with those that are expected.

    Args:
        pairs: What it is, what came, what was expected.

    Returns:
        The largest difference, in words.

    Raises:
        FailedError: It is too large.
    """
    differences = []
    for name, got, expected in pairs:
        pixels = float((got.masks != expected.masks).mean())
        difference = f"{pixels:.2%} of pixels differ."
        if got.probabilities is None or expected.probabilities is None:
            differences.append((pixels / MOST_PIXELS, name, difference))
            continue
        most = float(abs(got.probabilities - expected.probabilities).max())
        difference = f"{pixels:.2%} of pixels differ, probabilities by {most:.1e}."
        differences.append((most / MOST_PROBABILITY, name, difference))
    share, name, difference = max(differences)
    if not share <= 1:
        allowed = f"{MOST_PIXELS:.1%}, or probabilities {MOST_PROBABILITY:g}"
        raise FailedError(f"{name}: {difference} Allowed: {allowed}.")
    if not any(e.masks.any() and not e.masks.all() for _, _, e in pairs):
        difference += " But all masks are empty or full, so this shows little."
    return difference


def row_of(answer: Answer, row: int) -> Answer:
    """Returns the answer to one trajectory."""
    soft = answer.probabilities
    picked = slice(row, row + 1)
    return Answer(answer.masks[picked], None if soft is None else soft[picked])
