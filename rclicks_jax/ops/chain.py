"""A chain of equal functions, each with variables of its own.

Written in a row, 12 blocks are 12 times the program, on TPUs hundreds of megabytes.
There, a chain that computes features again is a loop over stacked variables. One that
keeps them is not: a loop would stack them, in more time and memory. For CPUs, where a
loop would round in another way, and for GPUs, where none was measured, functions follow
each other. The choice is made where a program is lowered, as that of convolutions.
"""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

P = TypeVar("P")
# Maps a number, features and variables to features and a result, any tree of arrays.
Link = Callable[[Any, jax.Array, P], tuple[jax.Array, Any]]
# Name of what is kept where the rest is computed again.
KEPT = "kept"


def chain(
    link: Link[P],
    features: jax.Array,
    variables: Sequence[P],
    numbers: Sequence[float],
    *,
    remat: bool = False,
) -> tuple[jax.Array, list[Any]]:
    """Applies a function once for each of some variables, features to features.

    Args:
        link: Maps a number, a `float` or `f32[]`, features and variables to features of
            the same shape and dtype, and a result, any tree of arrays.
        features: What the first gets.
        variables: Trees of the same shapes, one for each.
        numbers: A number for each.
        remat: Whether the backward pass computes what is inside of each link again, but
            for what it names `KEPT`, instead of keeping it from the forward pass.

    Returns:
        The features after the last, and the results of all.
    """
    again = _again if remat else _once
    if len(variables) < 2 or not remat:
        return _row(again, link, numbers, features, list(variables))
    return lax.platform_dependent(
        features,
        list(variables),
        tpu=functools.partial(_loop, again, link, numbers),
        default=functools.partial(_row, again, link, numbers),
    )


def _once(link: Link[P]) -> Link[P]:
    return link


def _again(link: Link[P]) -> Link[P]:
    kept = jax.checkpoint_policies.save_only_these_names(KEPT)
    return jax.checkpoint(link, policy=kept)


def _row(
    again: Callable[[Any], Any],
    link: Link[P],
    numbers: Sequence[float],
    features: jax.Array,
    variables: list[P],
) -> tuple[jax.Array, list[Any]]:
    results: list[Any] = []
    for number, own in zip(numbers, variables, strict=True):
        # The number is no argument, which would make it an array.
        numbered = again(functools.partial(link, number))
        features, result = numbered(features, own)
        results.append(result)
    return features, results


def _loop(
    again: Callable[[Any], Any],
    link: Link[P],
    numbers: Sequence[float],
    features: jax.Array,
    variables: list[P],
) -> tuple[jax.Array, list[Any]]:
    def step(features: jax.Array, part: tuple[jax.Array, P]) -> tuple[jax.Array, Any]:
        number, own = part
        return again(link)(number, features, own)

    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *variables)
    features, results = lax.scan(
        step, features, (jnp.asarray(numbers, jnp.float32), stacked)
    )
    count = len(variables)
    return features, [
        jax.tree.map(operator.itemgetter(index), results) for index in range(count)
    ]
