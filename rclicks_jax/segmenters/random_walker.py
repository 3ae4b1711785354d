"""Grady's random walker on a downscaled grid: a segmenter that needs no download.

A walker starts at a pixel and prefers steps between similar colours. The pixel belongs
to the object if the walker more likely reaches a positive click before a negative one.
Every pixel also has a weak link to the background. Without this link, the whole
photograph would belong to the object after the first positive click.

Source: Grady, "Random Walks for Image Segmentation", PAMI 2006. `walks` has the solver.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rclicks_jax.settings import dicts
from rclicks_jax.types import Clicks

# JAX and OpenCV take seconds to import, and lists of segmenters do not need them.
if TYPE_CHECKING:
    from rclicks_jax.ops import letterbox
    from rclicks_jax.segmenters import walks


@dataclasses.dataclass(frozen=True)
class RandomWalker:
    """Settings of the random walker.

    Attributes:
        grid: Side of the square to which the photograph is shrunk, pixels.
        beta: Strength with which a difference of colour hinders the walker.
        leak: Weight of each pixel's link to the background.
        seed_radius: Radius of a click's disk on the grid.
        tolerance: Residual at which the solver stops, relative to the right-hand side.
        max_iterations: Largest number of steps of the solver.
        batch: Number of trajectories that are solved together, which is the only shape
            that is compiled; 0 for as many as the run advances together.
    """

    grid: int = 96
    beta: float = 400.0
    leak: float = 2e-4
    seed_radius: float = 1.0
    tolerance: float = 1e-3
    max_iterations: int = 400
    batch: int = 0


class Features(NamedTuple):
    """The graph of a photograph, and the place of the photograph in the grid."""

    graph: walks.Graph
    box: letterbox.Letterbox


def load(options: Mapping[str, str]) -> RandomWalker:
    """Reads the settings from `random_walker:key=value:...`."""
    return dicts.from_config_dict(RandomWalker, options)


def with_batch(model: RandomWalker, trajectories: int) -> RandomWalker:
    """Sets the batch, unless the user did, to what a run advances together."""
    return dataclasses.replace(model, batch=model.batch or trajectories)


def encode(model: RandomWalker, image: np.ndarray) -> Features:
    """Shrinks an image, `u8[h w 3]`, to the grid and computes the weights of edges."""
    from rclicks_jax.ops import letterbox
    from rclicks_jax.segmenters import walks

    box = letterbox.fit(image.shape, model.grid)
    square = letterbox.place(image.astype(np.float32) / 255, box)
    y0, y1, x0, x1 = box.box
    content = np.zeros(square.shape[:2], bool)
    content[y0:y1, x0:x1] = True
    spread = max(float(square[y0:y1, x0:x1].std()), 1e-6)
    return Features(walks.edge_weights(square, content, model.beta / spread), box)


def predict(
    model: RandomWalker, features: Features, clicks: Clicks, state: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Segments from all clicks so far.

    Args:
        model: Settings.
        features: Features of the photograph, from `encode`.
        clicks: All clicks so far of each trajectory.
        state: Potentials after the click before, `f32[t s s]`. The solver starts from
            them, which only saves steps.

    Returns:
        Masks, `bool[t h w]`, and the new potentials.
    """
    from rclicks_jax.ops import letterbox
    from rclicks_jax.segmenters import walks

    trajectories = len(clicks.count)
    grid_yx = to_grid(clicks.yx, features.box)
    if state is None:
        state = np.zeros((trajectories, model.grid, model.grid), np.float32)
    potentials = np.empty_like(state)
    batch = model.batch or trajectories
    for first in range(0, trajectories, batch):
        rows = np.arange(first, first + batch).clip(max=trajectories - 1)
        solved = walks.solve_batch(
            features.graph, grid_yx[rows], clicks.positive[rows], clicks.count[rows],
            state[rows], settings=model,
        )  # fmt: skip
        last = min(first + batch, trajectories)
        potentials[first:last] = np.asarray(solved)[: last - first]
    native = (features.box.height, features.box.width)
    masks = np.empty((trajectories, *native), bool)
    for mask, potential in zip(masks, potentials, strict=True):
        np.greater(letterbox.restore(potential, features.box), 0.5, out=mask)
    return masks, potentials


def to_grid(yx: np.ndarray, box: letterbox.Letterbox) -> np.ndarray:
    """Returns the grid cells of pixels of the photograph, `i32[... 2]`."""
    y0, y1, x0, x1 = box.box
    scale = np.array([(y1 - y0) / box.height, (x1 - x0) / box.width])
    cells = np.floor((yx + 0.5) * scale).astype(np.int32) + np.array([y0, x0])
    return np.clip(cells, (y0, x0), (y1 - 1, x1 - 1)).astype(np.int32)
