"""Which trajectories are in which pass."""

import dataclasses
from collections.abc import Hashable, Iterator, Sequence

import jax
import numpy as np

from rclicks_jax.segmenters.native.method import Method, Tree
from rclicks_jax.segmenters.native.sessions import Piece


@dataclasses.dataclass(frozen=True)
class Entry:
    """Rows of a piece that are in one pass.

    Attributes:
        piece: The piece.
        rows: Which of its rows, `i32[r]`.
        prompts: Their prompts, a row each.
        kind: What rows of a pass have in common: slots of clicks, and the shape.
        ends: Whether it is the last pass of some of the rows.
    """

    piece: Piece
    rows: np.ndarray
    prompts: Tree
    kind: tuple[int, Hashable]
    ends: bool

    def part(self, chosen: slice) -> "Entry":
        """Returns some of its rows."""
        prompts = jax.tree.map(lambda leaf: leaf[chosen], self.prompts)
        return dataclasses.replace(self, rows=self.rows[chosen], prompts=prompts)


def passes_of(
    method: Method, batch: int, pieces: Sequence[Piece], step: int
) -> list[list[Entry]]:
    """Returns the entries of each pass of a step; none waits for another.

    Args:
        method: The method.
        batch: Rows of a pass of the usual shape.
        pieces: Trajectories with a new click.
        step: Passes that were made of each so far.
    """
    entries = [entry for piece in pieces for entry in _entries(method, piece, step)]
    found: list[list[Entry]] = []
    for kind in dict.fromkeys(entry.kind for entry in entries):
        same = [entry for entry in entries if entry.kind == kind]
        found += _filled(same, method.rows(kind[1], batch))
    return found


def _entries(method: Method, piece: Piece, step: int) -> Iterator[Entry]:
    """Yields the rows of a piece that need another pass, by its kind."""
    rows = np.flatnonzero(piece.passes > step)
    if not len(rows):
        return
    frame = piece.session.features.frame
    notes = jax.tree.map(lambda leaf: leaf[rows], piece.notes)
    clicks = piece.clicks.rows(rows)
    prompts = method.prompts(frame, clicks, piece.answered[rows], notes)
    shapes = method.shapes(prompts, len(rows))
    for shape in dict.fromkeys(shapes):
        chosen = np.flatnonzero([each == shape for each in shapes])
        of_shape = jax.tree.map(lambda leaf: leaf[chosen], prompts)  # noqa: B023
        kind = piece.clicks.yx.shape[1], shape
        ends = bool((piece.passes[rows[chosen]] == step + 1).any())
        yield Entry(piece, rows[chosen], of_shape, kind, ends)


def _filled(entries: Sequence[Entry], most: int) -> Iterator[list[Entry]]:
    """Yields entries of passes of so many rows, of which only the last is not full."""
    together: list[Entry] = []
    room = most
    for entry in entries:
        while len(entry.rows):
            together.append(entry.part(slice(room)))
            entry, room = entry.part(slice(room, None)), room - len(together[-1].rows)
            if not room:
                yield together
                together, room = [], most
    if together:
        yield together
