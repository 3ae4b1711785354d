"""What a method in JAX has of its own; the engine around it is the same for all.

To add a method, write two modules here and a line in `registry.NATIVE_SEGMENTERS`:

- `NAME.py`, without JAX: a dataclass of settings, most often `settings.Settings` as it
  is; `load`, which calls `settings.read`; and `open_segmenter`, which calls
  `engine.open_segmenter`. `simpleclick.py` is an example; SAM and its successors are
  entries of `prompted.py`.
- `NAME_method.py`: a frozen dataclass that is a `Method`, and a function that makes it
  and its variables of a state dict: `engine.Make`. `sam_method.py` is an example.

What happens to a click:

1. On the host, `prompts` turns the clicks of some trajectories of a photograph into
   arrays with a row for each.
2. On the device, `before` makes of them, of the photograph and of the trajectories'
   states the rows of a pass. A method with one square for all crops and resizes here.
3. `answer` is the pass, the expensive part. Its shape never changes: `batch` rows, of
   any trajectories of any photographs. Rows must not depend on each other, so that
   what is together with what changes no bit. A method may have passes of a few shapes
   (`shapes`, `rows`).
4. `after` brings rows of the pass onto their photograph, and makes the new states.

A photograph is encoded once. What `encode` makes has one shape for all photographs: it
is kept in a slot on the device, and a row of a pass names its slot. What has the size
of a photograph goes to `before` and `after` instead: those get a few rows, a fixed
number, of one photograph, and are compiled for each of its buckets (`ops.buckets`).

`encode`, `before`, `answer` and `after` are traced by JAX: pure functions of arrays,
which know nothing of devices. Products of float32 have all their bits in them. A method
is found again by its fields: two that are equal share compiled programs, so all that
the programs depend on must be a field, and no field may be an array.
"""

import abc
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rclicks_jax.types import Clicks

# A tree of arrays: a tuple, a named tuple or a dict of them, perhaps empty.
Tree = Any


class Placed(NamedTuple):
    """The host's part of a photograph.

    Attributes:
        size: Its height and width, pixels.
        frame: What `prompts` and `state` have to know of it; stays on the host.
        arrays: What `encode` gets; forgotten when the photograph is encoded.
        kept: What `before` and `after` get; on the device as long as the photograph.
            The shapes of its arrays follow from the bucket of `size`.
    """

    size: tuple[int, int]
    frame: Any
    arrays: Tree
    kept: Tree


class After(NamedTuple):
    """What becomes of rows of a pass; every array has a row a trajectory.

    Attributes:
        state: New states, of the shapes and types that `Method.state` says.
        values: Logits or probabilities on the bucket of the photograph, `f32[n h w]`.
            What is beyond the photograph is cut off.
        notes: What `prompts` will be given at the next click, on the host; small.
    """

    state: Tree
    values: Any
    notes: Tree = ()


class Method(abc.ABC):
    """A method; see above.

    Attributes:
        threshold: Pixels whose values are above it belong to the object.
        gives_logits: Whether values are logits; otherwise they are probabilities.
        rows_together: Rows that `before` and `after` get at a time; 0 if any number
            does. Few, if a row needs much memory at the size of a photograph.
        batch_on_cpu: Rows of a pass on CPU, if nobody says how many.
        at_once_on_cpu: Passes of a call at the same time on CPU. More take more memory,
            and less time where parts of a pass use one core.
    """

    threshold: ClassVar[float] = 0.0
    gives_logits: ClassVar[bool] = True
    rows_together: ClassVar[int] = 0
    batch_on_cpu: ClassVar[int] = 4
    at_once_on_cpu: ClassVar[int] = 1

    def on(self, platform: str) -> "Method":
        """Returns the method as it is run on devices of a platform, such as `cpu`."""
        del platform
        return self

    @property
    @abc.abstractmethod
    def variant(self) -> str:
        """Name of its size, for messages."""

    @abc.abstractmethod
    def place(self, image: np.ndarray) -> Placed:
        """Prepares a photograph, `u8[h w 3]`, on the host."""

    @abc.abstractmethod
    def encode(self, variables: Tree, arrays: Tree) -> Tree:
        """Encodes a photograph.

        Args:
            variables: Weights, on the device.
            arrays: Of `place`.

        Returns:
            Arrays of one shape for all photographs; `()` for a method that encodes
            photograph and clicks together.
        """

    @abc.abstractmethod
    def state(self, frame: Any) -> Tree:
        """Returns the shape of a trajectory's state, `jax.ShapeDtypeStruct`s.

        A state stays on the device from click to click. Before the first it is 0.
        """

    @abc.abstractmethod
    def prompts(
        self, frame: Any, clicks: Clicks, answered: np.ndarray, notes: Tree | None
    ) -> Tree:
        """Prepares clicks on the host.

        Args:
            frame: Of the photograph.
            clicks: All clicks so far of some trajectories. Their number of slots is
                that of `clicks.slots`, the same for nearly all calls.
            answered: Whether a click of a trajectory was answered before, so that its
                state is not the first one, `bool[t]`.
            notes: What `after` noted when it answered last, with a row for each
                trajectory, 0 where nothing was answered; None if nothing was.

        Returns:
            NumPy arrays with a row a trajectory. Their shapes and types do not depend
            on the photograph, other than on its bucket.
        """

    @abc.abstractmethod
    def before(self, kept: Tree, prompts: Tree, state: Tree, shape: Hashable) -> Tree:
        """Makes rows of a pass, for some trajectories of a photograph.

        Args:
            kept: Of the photograph.
            prompts: Of the trajectories.
            state: Their states.
            shape: Which pass it is, of those that `shapes` tells apart.

        Returns:
            Arrays with a row a trajectory, of the same shapes for all photographs.
        """

    @abc.abstractmethod
    def answer(
        self, variables: Tree, photographs: Tree, slots: Any, inputs: Tree
    ) -> Tree:
        """Answers the rows of a pass.

        Args:
            variables: Weights.
            photographs: What `encode` made of all photographs, by slot: the first axis
                of each array.
            slots: Slot of each row's photograph, `i32[batch]`.
            inputs: Of `before`. Rows that nobody asked for have zeros, or what they had
                in an earlier pass.

        Returns:
            Arrays with a row for each row. A row with a value that is not finite fails.
        """

    @abc.abstractmethod
    def after(self, kept: Tree, prompts: Tree, outputs: Tree, state: Tree) -> After:
        """Brings rows of a pass, all of one photograph, onto it.

        Args:
            kept: Of the photograph.
            prompts: Of the trajectories.
            outputs: Their rows of what `answer` returned.
            state: Their states before this click.
        """

    def shapes(self, prompts: Tree, count: int) -> Sequence[Hashable]:
        """Tells apart rows whose passes have different shapes.

        Rows that differ never share a pass, and each shape is compiled, so there should
        be few. Here it is one.

        Args:
            prompts: Of some trajectories.
            count: Their number.

        Returns:
            A shape for each; `before` is given it.
        """
        del prompts
        return [None] * count

    def rows(self, shape: Hashable, batch: int) -> int:
        """Returns the number of rows of a pass; fewer where a row needs more memory.

        Args:
            shape: Which pass it is, of those that `shapes` tells apart.
            batch: Rows of a pass of the usual shape.
        """
        del shape
        return batch

    def passes(self, clicks: Clicks, answered: np.ndarray) -> np.ndarray:
        """Returns how many passes answer the newest click of trajectories, `i32[t]`.

        A later pass goes on from the state and the notes of the one before, and its
        trajectories count as answered. Here it is 1.

        Args:
            clicks: All clicks so far of the trajectories.
            answered: As for `prompts`.
        """
        del answered
        return np.ones(len(clicks.count), np.int32)
