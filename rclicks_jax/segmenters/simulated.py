"""Segmenters that use the target, for tests and dry runs; they measure nothing."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import numpy as np

from rclicks_jax.settings import dicts
from rclicks_jax.types import Clicks


@dataclasses.dataclass(frozen=True)
class Simulated:
    """Settings of the simulated segmenters.

    Attributes:
        after: Number of the click from which on `oracle` returns the target.
        noise: Share of pixels that are wrong in `noisy` after the first click.
        decay: Factor by which each further click multiplies that share.
    """

    after: int = 1
    noise: float = 0.2
    decay: float = 0.7


Answer = Callable[[Simulated, np.ndarray, np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class SimulatedAdapter:
    """An adapter that answers from the target; `state` holds the targets.

    Attributes:
        summary: One line on the segmenter.
        answer: Function from settings, a target and clicks to a mask.
        sees_targets: Tells the host to put the targets into the state.
    """

    summary: str
    answer: Answer
    sees_targets: bool = True

    def load(self, options: Mapping[str, str]) -> Simulated:
        """Reads the settings."""
        return dicts.from_config_dict(Simulated, options)

    def encode(self, model: Simulated, image: np.ndarray) -> None:
        """Does nothing: the photograph is not used."""
        del model, image

    def predict(
        self, model: Simulated, features: None, clicks: Clicks, state: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Answers each trajectory from its target, `bool[t h w]`."""
        del features
        rows = zip(state, clicks.yx, clicks.count, strict=True)
        answers = [self.answer(model, gt_mask, yx[:n]) for gt_mask, yx, n in rows]
        return np.stack(answers), state


def _near(shape: tuple[int, ...], clicks_yx: np.ndarray, share: float) -> np.ndarray:
    """Marks the pixels near a click, within a share of the diagonal, `bool[h w]`."""
    # Imported here because lists of segmenters do not need OpenCV.
    import cv2

    radius = max(1, round(share * math.hypot(shape[0], shape[1])))
    disks = np.zeros(shape, np.uint8)
    for y, x in clicks_yx:
        cv2.circle(disks, (int(x), int(y)), radius, 1, -1)
    return disks > 0


def _oracle(model: Simulated, gt_mask: np.ndarray, yx: np.ndarray) -> np.ndarray:
    """Returns the target from click `after` on; before, disks at the clicks."""
    return (
        gt_mask if len(yx) >= model.after else gt_mask & _near(gt_mask.shape, yx, 0.05)
    )


def _noisy(model: Simulated, gt_mask: np.ndarray, yx: np.ndarray) -> np.ndarray:
    """Returns the target with wrong blobs: fewer after each click, none near one."""
    import cv2

    from rclicks_jax import hashing

    name = f"{gt_mask.shape}/{int(gt_mask.sum())}"
    generator = np.random.Generator(np.random.Philox(hashing.stable_hash(name)))
    coarse = generator.random((12, 12)).astype(np.float32)
    field = cv2.resize(coarse, gt_mask.shape[::-1], interpolation=cv2.INTER_CUBIC)
    share = model.noise * model.decay ** (len(yx) - 1)
    wrong = field > np.quantile(coarse, 1 - share)
    return gt_mask ^ (wrong & ~_near(gt_mask.shape, yx, 0.08))


def _stuck(model: Simulated, gt_mask: np.ndarray, yx: np.ndarray) -> np.ndarray:
    """Returns a disk at the first click, whatever comes after."""
    del model
    return _near(gt_mask.shape, yx[:1], 0.02)


oracle = SimulatedAdapter("Returns the target. For tests.", _oracle)
noisy = SimulatedAdapter("The target with errors that clicks mend. For tests.", _noisy)
stuck = SimulatedAdapter("A disk that never changes. For tests.", _stuck)
