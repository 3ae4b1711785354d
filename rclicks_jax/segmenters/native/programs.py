"""The programs of a method; each is compiled when it is first used on a shape."""

import functools
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from rclicks_jax.segmenters.native.method import After, Method, Tree

C = TypeVar("C", bound=Callable[..., Any])


class Onto(NamedTuple):
    """What came of rows of a photograph; every array has a row a trajectory.

    Attributes:
        state: Their states, new for those that were answered.
        notes: See `method.After`.
        masks: On the bucket of the photograph, `bool[n h w]`; None on the host if
            another pass follows.
        probabilities: What they were cut from, `f32[n h w]`; None if nobody wants them.
    """

    state: Tree
    notes: Tree
    masks: Any
    probabilities: Any


class Programs(NamedTuple):
    """What is compiled for a method and a precision.

    Attributes:
        encode: `Method.encode`.
        keep: Of photographs by slot, which are used up, a slot and what `encode` made:
            photographs with it.
        put: Of rows of a pass, which are used up, positions among them, what `before`
            is given: the rows with those of `before`.
        answer: Of variables, photographs, slots and rows of a pass: what
            `Method.answer` returns, and whether each row is finite.
        after: Of what `answer` returned, positions among its rows, the photograph's
            `kept`, prompts, states, and which rows were answered: `Onto`.
        merge: Of two states and which rows are wanted: the second where wanted.
    """

    encode: Any
    keep: Any
    put: Any
    answer: Any
    after: Any
    merge: Any


@functools.lru_cache(maxsize=16)
def programs(method: Method, *, exact: bool) -> Programs:
    """Returns the programs of a method.

    Args:
        method: The method.
        exact: Whether products of float32 have all their bits. Accelerators would
            otherwise multiply in fewer.
    """

    def precisely(function: C) -> C:
        @functools.wraps(function)
        def run(*arguments: Any, **options: Any) -> Any:
            with jax.default_matmul_precision("highest" if exact else None):
                return function(*arguments, **options)

        return run  # type: ignore[return-value]

    def put(
        rows: Tree,
        positions: jax.Array,
        kept: Tree,
        prompts: Tree,
        state: Tree,
        shape: Hashable,
    ) -> Tree:
        given = method.before(kept, prompts, state, shape)
        return jax.tree.map(
            lambda whole, part: whole.at[positions].set(part, mode="drop"), rows, given
        )

    def answer(
        variables: Tree, photographs: Tree, slots: jax.Array, rows: Tree
    ) -> tuple[Tree, jax.Array]:
        outputs = method.answer(variables, photographs, slots, rows)
        finite = jnp.ones(slots.shape, bool)
        for leaf in jax.tree.leaves(outputs):
            finite &= jnp.isfinite(leaf).reshape(len(leaf), -1).all(axis=1)
        return outputs, finite

    def after(
        outputs: Tree,
        positions: jax.Array,
        kept: Tree,
        prompts: Tree,
        state: Tree,
        answered: jax.Array,
        soft: bool,
    ) -> Onto:
        rows = jax.tree.map(lambda whole: whole.at[positions].get(mode="clip"), outputs)
        made: After = method.after(kept, prompts, rows, state)
        probabilities = None
        if soft:
            given = made.values
            probabilities = jax.nn.sigmoid(given) if method.gives_logits else given
        masks = made.values > method.threshold
        new = _merge(state, made.state, answered)
        return Onto(new, made.notes, masks, probabilities)

    return Programs(
        encode=jax.jit(precisely(method.encode)),
        keep=_KEEP,
        put=jax.jit(precisely(put), donate_argnums=0, static_argnums=5),
        answer=jax.jit(precisely(answer)),
        after=jax.jit(precisely(after), static_argnums=6),
        merge=_MERGE,
    )


def rows_of_pass(
    method: Method, batch: int, given: tuple[Tree, Tree, Tree], shape: Hashable
) -> Tree:
    """Returns the shapes of all rows of a pass.

    Args:
        method: The method.
        batch: Rows of a pass.
        given: `kept`, prompts and states, as `Method.before` is given them.
        shape: Which pass it is.
    """
    few = jax.eval_shape(
        lambda kept, prompts, state: method.before(kept, prompts, state, shape), *given
    )
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((batch, *leaf.shape[1:]), leaf.dtype), few
    )


def _keep(photographs: Tree, slot: jax.Array, features: Tree) -> Tree:
    return jax.tree.map(
        lambda whole, part: whole.at[slot].set(part), photographs, features
    )


def _merge(first: Tree, second: Tree, wanted: jax.Array) -> Tree:
    def chosen(old: jax.Array, new: jax.Array) -> jax.Array:
        rows = wanted.reshape(-1, *[1] * (old.ndim - 1))
        return jnp.where(rows, new, old)

    return jax.tree.map(chosen, first, second)


_KEEP = jax.jit(_keep, donate_argnums=0)
_MERGE = jax.jit(_merge)
