"""Grady's random walker on a downscaled grid: a segmenter that needs no download.

A pixel belongs to the object if a walker that starts there and prefers to stay among
similar colours is likelier to reach a positive click before a negative one. A weak
link from every pixel to the background stands for the clicks nobody has made yet:
without it the first positive click would claim the whole photograph.

Source: Grady, "Random Walks for Image Segmentation", PAMI 2006. Edge weights are
scikit-image's, and with `leak` 0 so are the potentials.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax import config
from rclicks_jax.ops import letterbox
from rclicks_jax.types import Clicks

# Keeps the graph connected where colours differ much; scikit-image's.
_WEIGHT_FLOOR = 1e-10


@dataclasses.dataclass(frozen=True)
class RandomWalker:
    """Settings of the random walker.

    Attributes:
        grid: Side of the square the photograph is shrunk to, pixels.
        beta: How much a difference of colour hinders the walker.
        leak: Weight of each pixel's link to the background.
        seed_radius: Radius of a click's disk on the grid.
        tolerance: Residual at which the solver stops, relative to the seeds'.
        max_iterations: Steps after which it stops anyway.
        batch: Trajectories solved together, the one shape that is compiled; 0 for as
            many as the run advances together.
    """

    grid: int = 96
    beta: float = 400.0
    leak: float = 2e-4
    seed_radius: float = 1.0
    tolerance: float = 1e-3
    max_iterations: int = 400
    batch: int = 0


class Graph(NamedTuple):
    """A photograph as a grid of weighted edges.

    Attributes:
        right: Weight of the edge to the next column, 0 in the last, `f32[s s]`.
        down: Weight of the edge to the next row, 0 in the last, `f32[s s]`.
        content: Where the photograph is, `bool[s s]`.
    """

    right: jax.Array
    down: jax.Array
    content: jax.Array


class Features(NamedTuple):
    """What `encode` makes of a photograph: the graph, and where it lies in the grid."""

    graph: Graph
    box: letterbox.Letterbox


def load(options: Mapping[str, str]) -> RandomWalker:
    """Reads the settings from `random_walker:key=value:...`."""
    return config.from_config_dict(RandomWalker, options)


def with_batch(model: RandomWalker, trajectories: int) -> RandomWalker:
    """Settles the batch, unless the user did, on what a run advances together."""
    return dataclasses.replace(model, batch=model.batch or trajectories)


def encode(model: RandomWalker, image: np.ndarray) -> Features:
    """Shrinks `u8[h w 3]` to the grid and weighs its edges."""
    box = letterbox.fit(image.shape, model.grid)
    square = letterbox.place(image.astype(np.float32) / 255, box)
    y0, y1, x0, x1 = box.box
    content = np.zeros(square.shape[:2], bool)
    content[y0:y1, x0:x1] = True
    spread = max(float(square[y0:y1, x0:x1].std()), 1e-6)
    return Features(edge_weights(square, content, model.beta / spread), box)


def predict(
    model: RandomWalker, features: Features, clicks: Clicks, state: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Segments from all clicks so far.

    Args:
        model: Settings.
        features: Of the photograph.
        clicks: Of each trajectory.
        state: Potentials after the click before, `f32[t s s]`; they only save steps.

    Returns:
        Masks, `bool[t h w]`, and the potentials.
    """
    trajectories = len(clicks.count)
    grid_yx = to_grid(clicks.yx, features.box)
    if state is None:
        state = np.zeros((trajectories, model.grid, model.grid), np.float32)
    potentials = np.empty_like(state)
    batch = model.batch or trajectories
    for first in range(0, trajectories, batch):
        rows = np.arange(first, first + batch).clip(max=trajectories - 1)
        solved = _solve_batch(
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
    """Returns the grid cells that native pixels fall into, `i32[... 2]`."""
    y0, y1, x0, x1 = box.box
    scale = np.array([(y1 - y0) / box.height, (x1 - x0) / box.width])
    cells = np.floor((yx + 0.5) * scale).astype(np.int32) + np.array([y0, x0])
    return np.clip(cells, (y0, x0), (y1 - 1, x1 - 1)).astype(np.int32)


@jax.jit
def edge_weights(square: jax.Array, content: jax.Array, strength: jax.Array) -> Graph:
    """Weighs the edges between neighbours by the difference of their colours.

    Args:
        square: `f32[s s c]` in [0, 1].
        content: `bool[s s]`.
        strength: Beta over the deviation of all colours.
    """
    scale = strength / (10 * jnp.sqrt(square.shape[-1]))

    def along(axis: int) -> jax.Array:
        difference = jnp.roll(square, -1, axis) - square
        weight = jnp.exp(-scale * (difference**2).sum(-1)) + _WEIGHT_FLOOR
        last = jnp.arange(square.shape[axis]) == square.shape[axis] - 1
        last = jnp.expand_dims(last, 1 - axis)
        inside = content & jnp.roll(content, -1, axis) & ~last
        return jnp.where(inside, weight, 0)

    return Graph(along(1), along(0), content)


@functools.partial(jax.jit, static_argnames="settings")
def _solve_batch(
    graph: Graph,
    yx: jax.Array,
    positive: jax.Array,
    count: jax.Array,
    start: jax.Array,
    *,
    settings: RandomWalker,
) -> jax.Array:
    def solve(
        yx: jax.Array, positive: jax.Array, count: jax.Array, start: jax.Array
    ) -> jax.Array:
        shape = graph.content.shape
        seeded, value = seeds(yx, positive, count, shape, settings.seed_radius)
        return potentials(graph, seeded, value, start, settings)

    return jax.vmap(solve)(yx, positive, count, start)


def seeds(
    yx: jax.Array,
    positive: jax.Array,
    count: jax.Array,
    shape: Sequence[int],
    radius: float,
) -> tuple[jax.Array, jax.Array]:
    """Marks the disk of each click; later clicks win, and centres win over disks.

    Args:
        yx: Grid cells, `i32[k 2]`.
        positive: `bool[k]`.
        count: Clicks in use, `i32[]`.
        shape: Of the grid.
        radius: Of the disks.

    Returns:
        Which cells are seeds, `bool[s s]`, and the potential they have, `f32[s s]`.
    """
    rows = jnp.arange(shape[0])[:, None]
    columns = jnp.arange(shape[1])[None, :]

    def reach(yx: jax.Array) -> jax.Array:
        return (rows - yx[0]) ** 2 + (columns - yx[1]) ** 2

    squared = jax.vmap(reach)(yx)
    order = jnp.arange(1, yx.shape[0] + 1)
    used = jnp.where(order <= count, order, 0)[:, None, None]
    # The number of the click that decides a cell; centres come after all disks.
    centre = jnp.where(squared == 0, used + order.size * (used > 0), 0)
    disk = jnp.where(squared <= radius**2, used, 0)
    winner = jnp.maximum(centre, disk).max(axis=0)
    value = positive[(winner - 1) % order.size]
    return winner > 0, jnp.where((winner > 0) & value, 1.0, 0.0)


def potentials(
    graph: Graph,
    seeded: jax.Array,
    value: jax.Array,
    start: jax.Array,
    settings: RandomWalker,
) -> jax.Array:
    """Solves for the probability of reaching a positive seed first.

    Conjugate gradients, preconditioned by the diagonal.

    Args:
        graph: Of the photograph.
        seeded: Which cells are seeds, `bool[s s]`.
        value: Their potential, 0 elsewhere, `f32[s s]`.
        start: Where the search starts, `f32[s s]`.
        settings: Leak, tolerance and steps.

    Returns:
        `f32[s s]` in [0, 1]; 0 outside the photograph.
    """
    free = graph.content & ~seeded
    degree = _neighbours(graph, jnp.ones_like(start)) + settings.leak
    degree = jnp.where(graph.content, degree, 1)

    def laplacian(field: jax.Array) -> jax.Array:
        return jnp.where(free, degree * field - _neighbours(graph, field), 0)

    target = jnp.where(free, _neighbours(graph, value), 0)
    limit = settings.tolerance**2 * (target**2 / degree).sum()
    field = jnp.where(free, start, 0)
    residual = target - laplacian(field)
    direction = residual / degree

    def unfinished(carry: tuple[jax.Array, ...]) -> jax.Array:
        _, _, _, product, step = carry
        return (product > limit) & (step < settings.max_iterations)

    def advance(carry: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        field, residual, direction, product, step = carry
        applied = laplacian(direction)
        length = product / jnp.maximum((direction * applied).sum(), 1e-30)
        field = field + length * direction
        residual = residual - length * applied
        scaled = residual / degree
        new_product = (residual * scaled).sum()
        direction = scaled + new_product / jnp.maximum(product, 1e-30) * direction
        return field, residual, direction, new_product, step + 1

    product = (residual * direction).sum()
    carry = (field, residual, direction, product, jnp.int32(0))
    field = jax.lax.while_loop(unfinished, advance, carry)[0]
    return jnp.where(seeded, value, field.clip(0, 1))


def _neighbours(graph: Graph, field: jax.Array) -> jax.Array:
    """Sums the four neighbours of each cell, weighted by the edges to them."""
    to_right = graph.right * field
    to_down = graph.down * field
    return (
        graph.right * _shift(field, -1, 1)
        + graph.down * _shift(field, -1, 0)
        + _shift(to_right, 1, 1)
        + _shift(to_down, 1, 0)
    )


def _shift(field: jax.Array, by: int, axis: int) -> jax.Array:
    """Moves a field by one cell; what would wrap around meets an edge of weight 0."""
    return jnp.roll(field, by, axis)
