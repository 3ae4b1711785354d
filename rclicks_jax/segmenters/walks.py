"""Random walks on a grid of weighted edges: weights, seeds, potentials.

Edge weights are the same as in scikit-image; with `leak` 0, potentials are too.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from rclicks_jax.segmenters.random_walker import RandomWalker

# Keeps the graph connected where colours differ much; the value is scikit-image's.
_WEIGHT_FLOOR = 1e-10


class Graph(NamedTuple):
    """A photograph as a grid of weighted edges.

    Attributes:
        right: Weight of the edge to the next column, 0 in the last, `f32[s s]`.
        down: Weight of the edge to the next row, 0 in the last, `f32[s s]`.
        content: Cells of the photograph, `bool[s s]`.
    """

    right: jax.Array
    down: jax.Array
    content: jax.Array


@jax.jit
def edge_weights(square: jax.Array, content: jax.Array, strength: jax.Array) -> Graph:
    """Computes the weights of edges from the difference of colours of neighbours.

    Args:
        square: The photograph in the grid, `f32[s s c]` in [0, 1].
        content: Cells of the photograph, `bool[s s]`.
        strength: Beta divided by the standard deviation of all colours.
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
def solve_batch(
    graph: Graph,
    yx: jax.Array,
    positive: jax.Array,
    count: jax.Array,
    start: jax.Array,
    *,
    settings: RandomWalker,
) -> jax.Array:
    """Computes `potentials` for each trajectory, `f32[t s s]`."""

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
        yx: Grid cells of the clicks, `i32[k 2]`.
        positive: Which clicks are on the object, `bool[k]`.
        count: Clicks in use, `i32[]`.
        shape: Height and width of the grid.
        radius: Radius of the disks, pixels.

    Returns:
        Which cells are seeds, `bool[s s]`, and their potential, `f32[s s]`.
    """
    rows = jnp.arange(shape[0])[:, None]
    columns = jnp.arange(shape[1])[None, :]

    def reach(yx: jax.Array) -> jax.Array:
        return (rows - yx[0]) ** 2 + (columns - yx[1]) ** 2

    squared = jax.vmap(reach)(yx)
    order = jnp.arange(1, yx.shape[0] + 1)
    used = jnp.where(order <= count, order, 0)[:, None, None]
    # Rank of a click at a cell; centres have higher ranks than all disks.
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
    """Computes the probability that a walker reaches a positive seed first.

    The solver is conjugate gradients, preconditioned by the diagonal.

    Args:
        graph: The graph of the photograph.
        seeded: Which cells are seeds, `bool[s s]`.
        value: Their potential, 0 elsewhere, `f32[s s]`.
        start: Potentials from which the solver starts, `f32[s s]`.
        settings: Leak, tolerance and largest number of steps.

    Returns:
        The probabilities, `f32[s s]` in [0, 1]; 0 outside the photograph.
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
    """Moves a field by one cell; values that wrap around have an edge of weight 0."""
    return jnp.roll(field, by, axis)
