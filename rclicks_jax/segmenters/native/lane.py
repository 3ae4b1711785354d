"""A device with photographs on it, and the passes that answer clicks on them."""

import contextlib
import functools
import math
import sys
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent import futures
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax import errors
from rclicks_jax.networks import batches, passes
from rclicks_jax.segmenters import base
from rclicks_jax.segmenters.native import clicks as click_slots
from rclicks_jax.segmenters.native.entries import Entry, passes_of
from rclicks_jax.segmenters.native.method import Method, Placed, Tree
from rclicks_jax.segmenters.native.programs import Onto, Programs, rows_of_pass
from rclicks_jax.segmenters.native.sessions import Features, Piece, Session

T = TypeVar("T")
# Photographs that a device has room for if nobody has reserved any.
FEW = 8


class Plan(NamedTuple):
    """What all devices share.

    Attributes:
        name: Name of the segmenter.
        method: The method.
        programs: Its programs.
        batch: Rows of a pass.
        together: Rows of a photograph that are brought to a pass, and back, at a time.
        at_once: Passes of a call that the device makes at the same time.
    """

    name: str
    method: Method
    programs: Programs
    batch: int
    together: int
    at_once: int


class Answers(NamedTuple):
    """Answers to a request.

    Attributes:
        masks: `bool[t h w]`.
        probabilities: `f32[t h w]`; None if nobody wants them.
    """

    masks: np.ndarray
    probabilities: np.ndarray | None


class _Pass(NamedTuple):
    """A pass that was started.

    Attributes:
        rows: Its rows.
        finite: Whether each is finite, `bool[batch]`.
        before: State of each entry's piece when it was started.
        made: What comes of each entry.
    """

    rows: Tree
    finite: jax.Array
    before: list[Tree]
    made: list[Onto]


class Lane:
    """A device. Calls may come from several threads at a time."""

    def __init__(self, number: int, device: Any, plan: Plan, variables: Tree) -> None:
        """Puts the variables on the device.

        Args:
            number: Number of the lane.
            device: The device.
            plan: What all devices share.
            variables: Variables, on the host.
        """
        self._number = number
        self._device = device
        self._plan = plan
        # What changes between calls is read and replaced with this.
        self._lock = threading.RLock()
        self._slots = 0
        self._free: list[int] = []
        self._photographs: Tree = None
        # Rows of passes that have ended, by their kind. The next one is put into them.
        self._rows: dict[Hashable, list[Tree]] = {}
        with self._explained("the weights"):
            self._variables = jax.device_put(variables, device)

    @property
    def held(self) -> int:
        """Photographs on the device."""
        return self._slots - len(self._free)

    def slots_in(self, share: float) -> int:
        """Returns how many photographs fit into a share of the device's memory."""
        pixel = self._plan.method.place(np.zeros((1, 1, 3), np.uint8))
        made = jax.eval_shape(self._plan.programs.encode, self._variables, pixel.arrays)
        of_each = sum(
            math.prod(leaf.shape) * leaf.dtype.itemsize
            for leaf in jax.tree.leaves(made)
        )
        limit = batches.memory(self._device)
        return int(share * limit / of_each) if limit and of_each else sys.maxsize

    def reserve(self, slots: int) -> None:
        """Makes room for so many photographs; more room means new programs."""
        with self._lock:
            self._free += range(self._slots, slots)
            more, self._slots = max(0, slots - self._slots), max(slots, self._slots)
            if self._photographs is not None and more:
                self._photographs = jax.tree.map(
                    lambda leaf: jnp.concatenate([leaf, _zeros(leaf, more)]),
                    self._photographs,
                )

    def encode(self, placed: Placed) -> Features:
        """Encodes a photograph and keeps it in a slot.

        Raises:
            SegmenterMemoryError: The device has too little memory.
        """
        with self._lock:
            if not self._free:
                self.reserve(2 * self._slots or FEW)
            slot = self._free.pop()
        try:
            with self._explained("a photograph"):
                arrays, kept = jax.device_put(
                    (placed.arrays, placed.kept), self._device
                )
                made = self._plan.programs.encode(self._variables, arrays)
                # Errors of the device come where somebody can say what it was doing.
                jax.block_until_ready((made, kept))
                self._keep(made, slot)
        except BaseException:
            self._free.append(slot)
            raise
        features = Features(self._number, placed.size, placed.frame, kept, slot)
        features.forget = weakref.finalize(features, self._free.append, slot)
        return features

    def _keep(self, made: Tree, slot: int) -> None:
        with self._lock:
            if self._photographs is None:
                self._photographs = jax.tree.map(
                    lambda leaf: _zeros(leaf[None], self._slots), made
                )
            number = jax.device_put(np.int32(slot), self._device)
            self._photographs = self._plan.programs.keep(
                self._photographs, number, made
            )

    def answer(
        self, requests: Sequence[base.Request[Session]], *, soft: bool
    ) -> list[Answers]:
        """Answers clicks of sessions; if it fails, no session has changed.

        Args:
            requests: The clicks; their photographs are on this device.
            soft: Whether probabilities are wanted.

        Raises:
            SegmenterError: A session was answered wrongly.
            SegmenterMemoryError: The device has too little memory.
        """
        answers = [_empty(each, soft=soft) for each in requests]
        pieces = self._pieces(requests)
        plan = self._plan
        make = functools.partial(self._pass, answers=answers, soft=soft)
        for step in range(max((piece.passes.max() for piece in pieces), default=0)):
            together = passes_of(plan.method, plan.batch, pieces, step)
            _for_each(make, together, plan.at_once)
        with self._lock:
            for piece in pieces:
                piece.commit(plan.programs.merge)
        return answers

    def _rows_of(self, kind: tuple[int, Hashable]) -> int:
        """Returns the number of rows of a pass of a kind."""
        return self._plan.method.rows(kind[1], self._plan.batch)

    def _pieces(self, requests: Sequence[base.Request[Session]]) -> list[Piece]:
        method, together = self._plan.method, self._plan.together
        found: dict[tuple[int, int, int], list[int]] = {}
        for number, request in enumerate(requests):
            for index, row in enumerate(request.rows.tolist()):
                wide = click_slots.slots(int(request.clicks.count[index]))
                found.setdefault((number, row // together, wide), []).append(index)
        pieces: list[Piece] = []
        with self._lock:
            for (number, part, _), indices in found.items():
                request = requests[number]
                session, rows = request.session, request.rows[indices]
                clicks = click_slots.filled_up(request.clicks.rows(indices))
                before = session.states[part]
                answered = session.answered[rows]
                pieces.append(
                    Piece(
                        session=session,
                        request=number,
                        indices=np.array(indices),
                        part=part,
                        rows=rows,
                        places=rows - part * together,
                        length=together,
                        clicks=clicks,
                        before=before,
                        state=self._first(session) if before is None else before,
                        notes=session.notes_of(rows),
                        answered=answered,
                        passes=method.passes(clicks, answered),
                    )
                )
        return pieces

    def _first(self, session: Session) -> Tree:
        """Returns states of trajectories without clicks."""
        together = self._plan.together
        return jax.tree.map(
            lambda leaf: jnp.zeros(
                (together, *leaf.shape), leaf.dtype, device=self._device
            ),
            self._plan.method.state(session.features.frame),
        )

    def _pass(
        self, entries: Sequence[Entry], answers: Sequence[Answers], *, soft: bool
    ) -> None:
        """Makes a pass, and puts what came of it into pieces and answers."""
        with self._explained("clicks"):
            with self._lock:
                started = self._started(entries, soft=soft)
            # States stay on the device, and so do masks that another pass follows.
            wanted = [
                onto[1:] if entry.ends else (onto.notes, None, None)
                for entry, onto in zip(entries, started.made, strict=True)
            ]
            finite, rest = jax.device_get((started.finite, wanted))
        with self._lock:
            self._rows.setdefault(entries[0].kind, []).append(started.rows)
        if not finite[: sum(len(entry.rows) for entry in entries)].all():
            raise errors.SegmenterError(
                f"{self._plan.name} returned NaN instead of masks."
            )
        merge = self._plan.programs.merge
        for entry, before, onto, arrays in zip(
            entries, started.before, started.made, rest, strict=True
        ):
            new = Onto(onto.state, *arrays)
            # Rows of a piece may be in two passes that are made at once.
            with self._lock:
                entry.piece.take(entry.rows, before, new, merge, answers)

    def _started(self, entries: Sequence[Entry], *, soft: bool) -> _Pass:
        """Starts a pass, and does not wait for it."""
        programs, kind = self._plan.programs, entries[0].kind
        most = self._rows_of(kind)
        slots = np.zeros(most, np.int32)
        ended = self._rows.get(kind)
        rows = ended.pop() if ended else None
        placed: list[tuple[Tree, ...]] = []
        first = 0
        for entry in entries:
            piece, count = entry.piece, len(entry.rows)
            slots[first : first + count] = piece.session.features.slot
            given = self._given(entry, first, most)
            positions, prompts, wanted = jax.device_put(given, self._device)
            kept = piece.session.features.kept
            if rows is None:
                rows = self._no_rows(kept, prompts, piece.state, kind)
            rows = programs.put(rows, positions, kept, prompts, piece.state, kind[1])
            placed.append((positions, kept, prompts, piece.state, wanted))
            first += count
        outputs, finite = programs.answer(
            self._variables,
            self._photographs,
            jax.device_put(slots, self._device),
            rows,
        )
        before = [entry.piece.state for entry in entries]
        made = [programs.after(outputs, *each, soft) for each in placed]
        return _Pass(rows, finite, before, made)

    def _given(self, entry: Entry, first: int, most: int) -> tuple[Tree, ...]:
        """Returns positions in the pass, prompts, and which rows are answered.

        Each has `together` rows. Those that are not answered have the first one's
        prompts, and a position beyond the pass.

        Args:
            entry: Rows of the pass.
            first: Position of the first.
            most: Rows of the pass.
        """
        together, places = self._plan.together, entry.piece.places[entry.rows]
        source = np.zeros(together, np.int32)
        source[places] = np.arange(len(places))
        positions = np.full(together, most, np.int32)
        positions[places] = np.arange(first, first + len(places))
        prompts = jax.tree.map(lambda leaf: leaf[source], entry.prompts)
        return positions, prompts, positions < most

    def _no_rows(
        self, kept: Tree, prompts: Tree, state: Tree, kind: tuple[int, Hashable]
    ) -> Tree:
        shapes = rows_of_pass(
            self._plan.method, self._rows_of(kind), (kept, prompts, state), kind[1]
        )
        return jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, leaf.dtype, device=self._device), shapes
        )

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # A program that failed may have used them up.
            with self._lock:
                self._rows.clear()
            line = str(error).partition("\n")[0]
            if passes.is_of_device(error):
                raise errors.DeviceError(
                    f"A device failed or was lost while {self._plan.name} worked "
                    f"({line}). What is finished is kept: run the same command again."
                ) from error
            if not isinstance(error, RuntimeError) or "RESOURCE_EXHAUSTED" not in line:
                raise
            raise errors.SegmenterMemoryError(
                f"{self._plan.name} ({self._plan.method.variant}) needs more memory "
                f"for {what} than {self._device.device_kind} has ({line}). A smaller "
                "batch=, precision=bfloat16 or a smaller size of the method needs less."
            ) from error


def _empty(request: base.Request[Session], *, soft: bool) -> Answers:
    shape = (len(request.rows), *request.session.features.size)
    return Answers(np.empty(shape, bool), np.empty(shape, np.float32) if soft else None)


def _for_each(function: Callable[[T], object], items: Sequence[T], most: int) -> None:
    """Calls a function with each item, for so many at the same time."""
    if min(most, len(items)) < 2:
        for each in items:
            function(each)
        return
    with futures.ThreadPoolExecutor(most, "rclicks-passes") as threads:
        # What a call raised is raised here.
        list(threads.map(function, items))


def _zeros(like: jax.Array, count: int) -> jax.Array:
    return jnp.zeros((count, *like.shape[1:]), like.dtype, device=like.device)
