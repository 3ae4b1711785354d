"""Which task comes next: pure functions of a session's place in its sequence.

Which cells still need clicks is the database's knowledge (`store.cells`); here is what
kind of task a session gets at each position, and in which display mode.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from rclicks_jax import hashing
from rclicks_jax.collection import words
from rclicks_jax.collection.tasks import demand
from rclicks_jax.settings.collection import CollectionConfig


def williams(count: int) -> list[tuple[int, ...]]:
    """Returns orders of `count` conditions that balance place and neighbour.

    Each condition stands equally often at each place, and each follows each other one
    equally often: `count` orders for an even number, twice as many for an odd one.

    Source: E. J. Williams, Experimental designs balanced for the estimation of residual
    effects of treatments, Australian Journal of Scientific Research A 2 (1949).
    """
    zigzag = [0]
    low, high = 1, count - 1
    while len(zigzag) < count:
        zigzag.append(low if len(zigzag) % 2 else high)
        low, high = (low + 1, high) if len(zigzag) % 2 == 0 else (low, high - 1)
    rows = [tuple((value + row) % count for value in zigzag) for row in range(count)]
    return rows if count % 2 == 0 else rows + [row[::-1] for row in rows]


def orders(config: CollectionConfig) -> list[tuple[words.Mode, ...]]:
    """Returns the orders of the display modes that sessions are given in turn."""
    modes = demand.modes_of(config)
    if config.assignment.order == "free":
        return [modes]
    return [tuple(modes[i] for i in row) for row in williams(len(modes))]


class Place(NamedTuple):
    """What a session gets next.

    Attributes:
        kind: `practice`, `control`, `main`, `pause`, or `end`.
        modes: Display modes to look for, the first that has a task is taken; in
            `modes[:1]` only where blocks have one mode.
        block: Blocks that are done.
        blocks: Blocks of the session.
    """

    kind: Literal["practice", "control", "main", "pause", "end"]
    modes: tuple[words.Mode, ...]
    block: int
    blocks: int


def place(
    config: CollectionConfig,
    session_id: str,
    order: Sequence[words.Mode],
    practised: int,
    done: int,
    rested: bool,
) -> Place:
    """Returns what a session gets next.

    Args:
        config: Settings.
        session_id: The session; it decides where control tasks are hidden.
        order: Display modes of its blocks.
        practised: Practice tasks that it has answered.
        done: Other tasks that it has answered.
        rested: Whether it comes from a pause.
    """
    size, total = config.assignment.block, config.study.per_person
    block, blocks = done // size, -(-total // size)
    turned = block % len(order)
    modes = (*order[turned:], *order[:turned])
    if config.assignment.order == "free":
        first = hashing.stable_hash(f"{session_id}/mode/{done}") % len(order)
        modes = (*order[first:], *order[:first])
    if done >= total:
        return Place("end", modes, block, blocks)
    if practised < config.practice.count:
        return Place("practice", modes, block, blocks)
    if done and done % size == 0 and not rested:
        return Place("pause", modes, block, blocks)
    kind = "control" if is_control(session_id, done, config.control.every) else "main"
    return Place(kind, modes, block, blocks)


def is_control(session_id: str, position: int, every: int) -> bool:
    """Tells whether a position of a session is for a control task.

    Each run of `every` positions has one, at a place that nobody can foresee.
    """
    if not every:
        return False
    run, at = divmod(position, every)
    return at == hashing.stable_hash(f"{session_id}/control/{run}") % every


def first_rank(session_id: str, position: int) -> int:
    """Returns the rank from which a session looks for a cell, of those most needed."""
    return hashing.stable_hash(f"{session_id}/rank/{position}") % demand.RANKS
